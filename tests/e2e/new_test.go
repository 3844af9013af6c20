package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestNew follows what a contributor does, from runbake new to a runtime that
// passes the tests of the contract. The scripts are the record of it.
func TestNew(t *testing.T) {
	s := newStack(t, "warm", "node:22.23.3-bookworm-slim", "node:24.21.0-bookworm-slim")
	probe := buildProbe(t)
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

// buildProbe compiles the program that questions servers, as a folder that
// tests can take it from.
func buildProbe(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-trimpath", "-o", filepath.Join(dir, "linux/amd64/probe"), "./cmd/probe")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
