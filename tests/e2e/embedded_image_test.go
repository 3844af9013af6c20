package e2e_test

import (
	"archive/tar"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestEmbeddedImage builds with the program alone, on a machine without BuildKit
// and Go: BuildKit comes from its own image, once.
func TestEmbeddedImage(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "", small(t), "debian:bookworm-slim")
	alone := filepath.Join(t.TempDir(), "runbake")
	program, err := os.ReadFile(m.Tool("runbake"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, program, 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Fatal(err)
	}
	image := m.Registry() + "/moby/buildkit:v1"
	pushPrograms(t, image, map[string]string{"buildkitd": m.Tool("buildkitd"), "buildkit-runc": runc})
	m.env = append(m.env, "RUNBAKE_BUILDKIT_IMAGE="+image)
	run := func(want string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), alone, args...)
		cmd.Dir, cmd.Env = m.dir, m.env
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("runbake %v: %v, without %q:\n%s", args, err, want, out)
		}
		if args[0] == "build" && strings.Contains(string(out), "taking BuildKit from") != (want != "good") {
			t.Errorf("runbake %v:\n%s", args, out)
		}
	}
	doctor := []string{"doctor", "--platform=linux/" + runtime.GOARCH}
	build := []string{"build", "--push", "--platform=linux/" + runtime.GOARCH, "--progress=plain", "good"}
	run("taken from "+image+" for the first build", doctor...)
	run("BuildKit is that of "+image+"@sha256:", build...)
	m.ends(t)
	run("good", build...)
	run("from "+image, doctor...)
}

// pushPrograms pushes an image that has programs in /usr/bin.
func pushPrograms(t *testing.T, image string, programs map[string]string) {
	t.Helper()
	packed := filepath.Join(t.TempDir(), "layer.tar")
	out, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(out)
	for base, file := range programs {
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		info, err := in.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.WriteHeader(&tar.Header{Name: "usr/bin/" + base, Typeflag: tar.TypeReg, Mode: 0o755, Size: info.Size()}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(archive, in); err != nil {
			t.Fatal(err)
		}
		_ = in.Close() // it was read only
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture = "linux", runtime.GOARCH
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}},
	})
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}
