package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

// TestMain builds the programs that tests run, once for all of them, unless
// somebody has.
func TestMain(m *testing.M) {
	flag.Parse()
	code, err := withTools(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withTools(m *testing.M) (code int, err error) {
	possible := runtime.GOOS == "linux" && os.Geteuid() == 0 && !testing.Short()
	if os.Getenv(bench.EnvTools) != "" || !possible {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "runbake-tools-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := bench.BuildTools(context.Background(), dir); err != nil {
		return 0, err
	}
	if err := os.Setenv(bench.EnvTools, dir); err != nil {
		return 0, err
	}
	return m.Run(), nil
}
