package budget_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/budget"
)

func TestWithin(t *testing.T) {
	if got, err := budget.Within(time.Minute, func() (int, error) { return 1, nil }); got != 1 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	failure := errors.New("no")
	if _, err := budget.Within(time.Minute, func() (int, error) { return 1, failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	end := make(chan struct{})
	defer close(end)
	if got, err := budget.Within(time.Millisecond, func() (int, error) { <-end; return 1, nil }); got != 0 || !errors.Is(err, budget.ErrPatience) {
		t.Errorf("got %d, %v", got, err)
	}
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
