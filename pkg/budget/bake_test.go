package budget_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runbake/runbake/pkg/budget"
)

// TestWithin: what ends in time is handed on; the end of patience is that of [budget.Until].
func TestWithin(t *testing.T) {
	failure := errors.New("no")
	if got, err := budget.Within(func() (int, error) { return 1, failure }); got != 1 || !errors.Is(err, failure) {
		t.Errorf("got %d, %v", got, err)
	}
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		begun := time.Now()
		got, err := budget.Within(func() (int, error) { <-end; return 1, nil })
		if got != 0 || !errors.Is(err, budget.ErrPatience) || time.Since(begun) != budget.Patience {
			t.Errorf("got %d, %v after %v", got, err, time.Since(begun))
		}
		close(end)
	})
}

// TestDotEnv: what is no ordinary file is refused before bake reads it.
func TestDotEnv(t *testing.T) {
	for name, c := range map[string]struct {
		make func() error
		want string
	}{
		"none":     {func() error { return nil }, ""},
		"a file":   {func() error { return os.WriteFile(".env", []byte("A=b\n"), 0o600) }, ""},
		"a folder": {func() error { return os.Mkdir(".env", 0o700) }, ""},
		"a device": {func() error { return os.Symlink(os.DevNull, ".env") }, "this one is no file"},
		"a circle": {func() error { return os.Symlink(".env", ".env") }, "bake reads .env"},
		"large":    {func() error { return os.WriteFile(".env", make([]byte, 1<<20+1), 0o600) }, "larger than 1 MiB: move it away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := c.make(); err != nil {
				t.Fatal(err)
			}
			err := budget.DotEnv()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
