package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	if !full() {
		t.Skip("another buildx takes minutes to compile: with " + bench.EnvFull + "=1 only")
	}
	b := bench.ForTest(t, bench.Options{})
	pinned, oldest := bothBuildx(t, b)
	for _, env := range [][]string{
		nil,
		{"LOCAL=1"},
		{"LOCAL=true", "REGISTRY="},
		{"PLATFORM=linux/arm64", "CACHE=registry", "REGISTRY=localhost:5000/x", "TAG_SUFFIX=-rc", "REVISION=abc"},
		{"BY_DIGEST=1", "PLATFORM=linux/amd64", "CACHE=registry"},
		{"BY_DIGEST=true", "LOCAL=1"},
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

// TestReadme: what the README says that commands print is what they print.
func TestReadme(t *testing.T) {
	t.Parallel()
	b := bench.ForTest(t, bench.Options{})
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```")
	found := 0
	for i := 1; i < len(blocks); i += 2 {
		for part := range strings.SplitSeq("\n"+blocks[i], "\n$ ") {
			command, output, _ := strings.Cut(part, "\n")
			if !strings.Contains(command, "runbake list") && !strings.Contains(command, "runbake plan") {
				continue
			}
			found++
			cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "runbake", b.Tool("runbake"), 1))
			cmd.Dir = root
			got, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v", command, err)
			}
			if want := strings.TrimSpace(output); want != strings.TrimSpace(string(got)) {
				t.Errorf("%s:\n%s", command, diff.Diff("README", []byte(want), "now", got))
			}
		}
	}
	if found < 2 {
		t.Errorf("only %d commands found", found)
	}
}

// printed is bake's plan of every image and every test, in one spelling.
func printed(t *testing.T, x *bench.Buildx, env []string) string {
	t.Helper()
	out, err := x.Run(t.Context(), root, env, "bake", "--print", "default", "test")
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
// right, in the pinned buildx, and with [bench.EnvFull] in the oldest one.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	b := bench.ForTest(t, bench.Options{})
	pinned, err := b.NewBuildx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]*bench.Buildx{"pinned": pinned}
	if full() {
		_, programs[oldestBuildx] = bothBuildx(t, b)
	}
	for _, c := range []struct{ env, says string }{
		{"REGISTRY=https://ghcr.io", "without a scheme"},
		{"REGISTRY=UPPER", "in lower case"},
		{"TAG_SUFFIX=a b", "TAG_SUFFIX is at most 40 letters"},
		{"REVISION=a/b", "REVISION is at most 64 letters"},
		{"LOCAL=perhaps", "LOCAL"},
		{"BY_DIGEST=perhaps", "BY_DIGEST"},
		{"PLATFORM=linux/amd46", "linux/amd64, linux/arm64"},
		{"PLATFORM=windows/amd64", "linux/amd64, linux/arm64"},
		{"CACHE=redis", "none, registry, gha and local"},
		{"CACHE=", "none, registry, gha and local"},
		{"CACHE_REF=a,mode=max", "without spaces, commas and equals signs"},
		{"PROBE=", "PROBE is docker-image://"},
	} {
		for version, x := range programs {
			_, err := x.Run(t.Context(), root, []string{c.env}, "bake", "--print")
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s buildx: %v, want %q", c.env, version, err, c.says)
			}
		}
	}
}

// bothBuildx are the buildx that go.mod pins and the oldest that is claimed.
func bothBuildx(t *testing.T, b *bench.Bench) (pinned, oldest *bench.Buildx) {
	t.Helper()
	pinned, err := b.NewBuildx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path, err := b.OldBuildx(t.Context(), oldestBuildx)
	if err != nil {
		t.Fatal(err)
	}
	oldest = pinned.WithProgram(path)
	return pinned, oldest
}

// TestCommitted: docker-bake.hcl, the workflows and the picture of the README
// are what the definitions say.
func TestCommitted(t *testing.T) {
	t.Parallel()
	b := bench.ForTest(t, bench.Options{})
	runbake := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), b.Tool("runbake"), args...)
		cmd.Dir = filepath.Clean(root)
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("runbake %v: %v\n%s", args, err, out)
		}
		return out
	}
	runbake("generate", "--check")
	runbake("workflow", "--check")
	picture, err := os.ReadFile(filepath.Join(root, "docs/images.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(picture, runbake("graph", "--format=svg")) {
		t.Error("docs/images.svg is old; write it with runbake graph --format svg > docs/images.svg")
	}
}
