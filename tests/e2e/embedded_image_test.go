package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
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
	files := map[string][]byte{}
	for base, file := range programs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files["usr/bin/"+base] = text
	}
	img, err := crane.Image(files)
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
	if err := crane.Push(img, image, crane.Insecure, crane.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}
