package bench_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/runbake/runbake/tests/bench"
)

// TestBench builds a small image for both platforms, reads it back, and looks
// for what Close should have taken away.
func TestBench(t *testing.T) {
	b := bench.ForTest(t, bench.Options{StandIns: []string{"debian:bookworm-slim"}})
	ctx := t.Context()
	kit, err := b.StartBuildKit(ctx, bench.BuildKitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	dockerfile := "FROM debian:bookworm-slim\nRUN uname -m > /machine && cat /machine\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		t.Fatal(err)
	}
	image := b.Registry() + "/bench:1"
	buildx, err := b.NewBuildx(ctx, bench.Node{Addr: kit.Addr})
	if err != nil {
		t.Fatal(err)
	}
	command := []string{"build", "--platform=linux/amd64,linux/arm64", "--provenance=false", "--push", "--tag=" + image, "."}
	if _, err := buildx.Run(ctx, dir, nil, command...); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref, remote.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 2 {
		t.Errorf("index has %d manifests, want one for each platform", len(manifest.Manifests))
	}
	root := strings.TrimPrefix(filepath.Dir(kit.Addr), "unix://")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	mustBeGone(t, root)
}

// mustBeGone looks for processes, mounts and files of a folder.
func mustBeGone(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(commands, "/proc/self/mounts") {
		text, err := os.ReadFile(c)
		if err == nil && strings.Contains(string(text), dir) {
			t.Errorf("%s mentions %s", c, dir)
		}
	}
}
