package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestNew follows what a contributor does, from runbake new to a runtime that
// passes the tests of the contract. The scripts are the record of it.
func TestNew(t *testing.T) {
	t.Parallel()
	s := newStack(t, "warm", "node:22.23.3-bookworm-slim", "node:24.21.0-bookworm-slim")
	probe := s.Mounted("probe")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/new",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(s.Tool("runbake"))+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("BUILDKIT_HOST", s.kit.Addr)
			env.Setenv("PROBE", probe)
			return nil
		},
		RequireExplicitExec: true,
	})
}
