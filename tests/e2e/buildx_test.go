package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/tests/bench"
)

// oldestBuildx is the oldest release that the README claims. The one before
// prints attestations without their attributes.
const oldestBuildx = "v0.20.1"

// TestOldestBuildx: the oldest buildx that is claimed makes the same of the
// emitted file as the one that go.mod pins.
func TestOldestBuildx(t *testing.T) {
	b := bench.ForTest(t, bench.Options{})
	pinned, err := b.NewBuildx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path, err := b.OldBuildx(t.Context(), oldestBuildx)
	if err != nil {
		t.Fatal(err)
	}
	oldest := pinned.WithProgram(path)
	for _, env := range [][]string{
		nil,
		{"LOCAL=1"},
		{"LOCAL=true", "REGISTRY="},
		{"PLATFORM=linux/arm64", "CACHE=registry", "REGISTRY=localhost:5000/x", "TAG_SUFFIX=-rc", "REVISION=abc"},
		{"CACHE=local"},
		{"CACHE=gha"},
		{"CACHE=registry", "CACHE_REF=localhost/cache"},
	} {
		want, got := printed(t, pinned, env), printed(t, oldest, env)
		if want != got {
			t.Errorf("with %v:\n%s", env, diff.Diff("pinned", []byte(want), oldestBuildx, []byte(got)))
		}
	}
}

// printed is bake's plan of every target, in one spelling.
func printed(t *testing.T, x *bench.Buildx, env []string) string {
	t.Helper()
	out, err := x.Run(t.Context(), root, env, "bake", "--print", "default")
	if err != nil {
		t.Fatal(err)
	}
	var plan map[string]any
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWrongValues: bake refuses a wrong value of each variable and says what is
// right, in the pinned and in the oldest buildx.
func TestWrongValues(t *testing.T) {
	b := bench.ForTest(t, bench.Options{})
	pinned, err := b.NewBuildx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range []string{
		"REGISTRY=https://ghcr.io", "REGISTRY=UPPER", "TAG_SUFFIX=a b", "REVISION=a/b", "LOCAL=perhaps", "PLATFORM=linux/amd46",
		"PLATFORM=windows/amd64", "CACHE=redis", "CACHE=", "CACHE_REF=a,mode=max",
	} {
		if _, err := pinned.Run(t.Context(), root, []string{env}, "bake", "--print"); err == nil {
			t.Errorf("%s is accepted", env)
		}
	}
}

// TestCommitted: docker-bake.hcl and the picture of the README are what the
// definitions say.
func TestCommitted(t *testing.T) {
	runbake := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "./cmd/runbake"}, args...)...)
		cmd.Dir = filepath.Clean(root)
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("runbake %v: %v\n%s", args, err, out)
		}
		return out
	}
	runbake("generate", "--check")
	picture, err := os.ReadFile(filepath.Join(root, "docs/images.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(picture, runbake("graph", "--format=svg")) {
		t.Error("docs/images.svg is old; write it with runbake graph --format svg > docs/images.svg")
	}
}
