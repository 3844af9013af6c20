package budget

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Patience is how long bake may take to read files of somebody else: its functions
// can make much of little.
const Patience = 10 * time.Second

// ErrPatience is the end of [Within] that came first.
var ErrPatience = fmt.Errorf("it takes too long: more than %v", Patience)

// Within does work that cannot be told to stop, for as long as [Patience] lasts.
func Within[T any](work func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), Patience, ErrPatience)
	defer cancel()
	return Until(ctx, work)
}

// Until does work that cannot be told to stop. When ctx ends, it does not wait: the
// work goes on until the process ends, and what it finds is dropped. So it must not
// write. The error then wraps the cause of that end.
func Until[T any](ctx context.Context, work func() (T, error)) (T, error) {
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

// maxDotEnv is how large .env may be.
const maxDotEnv = 1 << 20

// DotEnv refuses a file .env that is not one to be read whole. Bake reads that of
// the working folder, through links, whenever it reads a file of its own.
func DotEnv() error {
	const name = ".env"
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("bake reads %s of the working folder: %w", name, err)
	case info.IsDir(): // which bake passes over
		return nil
	case !info.Mode().IsRegular() || info.Size() > maxDotEnv:
		return fmt.Errorf("bake reads %s of the working folder, and this one is no file, or larger than %d MiB: "+
			"move it away", name, maxDotEnv>>20)
	}
	return nil
}
