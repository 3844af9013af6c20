package cli

import (
	"context"
	"fmt"
)

// heard does work that hears no interrupt by itself: reading and comparing what
// somebody else has written, however long that takes. When ctx ends, it does not
// wait: the work goes on until the process ends, and what it finds is dropped. So
// it must not write.
func heard[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := work()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
}
