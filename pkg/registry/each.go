package registry

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// parallel is how many images registries are asked for at once.
const parallel = 8

// Each does something for each of n images, several at once, and goes on when
// one fails. The errors are in the order of the images.
func Each(ctx context.Context, n int, do func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error {
			if errs[i] = context.Cause(ctx); errs[i] == nil {
				errs[i] = do(ctx, i)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs, in order
	return errs
}
