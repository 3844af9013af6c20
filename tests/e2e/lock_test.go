package e2e_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLockRepository: this repository, with its base images where they can be
// reached, is locked; a base that has moved since is found, and not built from;
// and then it is taken.
func TestLockRepository(t *testing.T) {
	t.Parallel()
	s := newStack(t, "", cachedFrom, "perl:5.36-slim-bookworm")
	dir := repositoryCopy(t)
	keepRuntimes(t, dir, "debian", "perl")
	base := s.Registry() + "/library/debian:bookworm-slim"
	replaceIn(t, filepath.Join(dir, "runtimes/debian/runtime.hcl"), `"debian:bookworm-slim"`, `"`+base+`"`)
	replaceIn(t, filepath.Join(dir, "runtimes/perl/runtime.hcl"), `"perl:`, `"`+s.Mirror()+`/library/perl:`)
	debian, _ := index(t, s.Mirror()+"/library/debian:bookworm-slim")
	pushIndex(t, base, debian)
	run := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, err := s.runIn(t, dir, nil, args...)
		code := 0
		if exit, failed := errors.AsType[*exec.ExitError](err); failed {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != want {
			t.Fatalf("runbake %v: exit code %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
		return stdout
	}

	run(3, "lock", "--check") // there is none
	if got := run(0, "lock"); strings.Count(got, "added") != 2 {
		t.Errorf("locked: %s", got)
	}
	run(3, "generate", "--check")
	run(0, "generate")
	run(0, "lock", "--check")

	// What the tag is now has no shell: nothing could be built on it.
	pushFile(t, base, "moved")
	if got := run(3, "lock", "--check"); strings.Count(got, "moved") != 1 || !strings.Contains(got, base) {
		t.Errorf("moved: %s", got)
	}
	env := []string{"REGISTRY=" + s.repository(), "PLATFORM=linux/amd64"}
	if _, err := s.buildx.Run(t.Context(), dir, env, "bake", "--push", "--sbom=false", "debian-12"); err != nil {
		t.Error(err)
	}

	run(0, "lock", "--update")
	run(3, "generate", "--check")
	run(0, "generate")
	run(0, "lock", "--check")
	run(0, "generate", "--check")
}
