package budget

import (
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
var ErrPatience = errors.New("it takes too long")

// Within does work that cannot be told to stop. When it takes longer than a limit
// it goes on until the process ends, and what it finds is dropped.
func Within[T any](limit time.Duration, work func() (T, error)) (T, error) {
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
	case <-time.After(limit):
		var none T
		return none, fmt.Errorf("%w: more than %v", ErrPatience, limit)
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
