package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

// TestRootless does the main job as an ordinary user, on a machine without Docker:
// the user builds, pushes and tests two runtimes, on a BuildKit in a user namespace.
func TestRootless(t *testing.T) {
	t.Parallel()
	b := bench.ForTest(t, bench.Options{StandIns: []string{"node:24.21.0-bookworm-slim", "ruby:3.1-slim-bookworm"}})
	user, err := b.Ordinary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	mustOutput(t, "git", "clone", "--quiet", root, clone)
	config := filepath.Join(t.TempDir(), "buildkitd.toml")
	write(t, config, b.RegistriesConfig())
	kit, err := exec.LookPath("rootlesskit")
	if err != nil {
		t.Fatal(err)
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		b.Tool("runbake"): "bin/runbake", b.Mounted("probe"): "probe", clone: "images", config: "buildkitd.toml",
	} {
		if err := user.Give(from, to); err != nil {
			t.Fatal(err)
		}
	}
	image := b.Registry() + "/moby/buildkit:v1-rootless"
	pushPrograms(t, image, map[string]string{"buildkitd": b.Tool("buildkitd"), "buildkit-runc": runc, "rootlesskit": kit})
	env := []string{
		"RUNBAKE_BUILDKIT_IMAGE=" + image, "RUNBAKE_BUILDKITD_CONFIG=" + filepath.Join(user.Home, "buildkitd.toml"),
		"RUNBAKE_BUILDKIT_IDLE=" + bench.EmbeddedIdle.String(), "DOCKER_HOST=unix:///nowhere/docker.sock", "REGISTRY=" + b.Registry() + "/ordinary",
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := user.Command(t.Context(), "images", env, append([]string{filepath.Join(user.Home, "bin/runbake")}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("runbake %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	here := "--platform=linux/" + runtime.GOARCH
	doctor := run("doctor", here)
	for _, want := range []string{"namespaces   ok", "uidmap       ok", "subids       ok", "rootlesskit  ok"} {
		if !strings.Contains(doctor, want) {
			t.Errorf("doctor, without %q:\n%s", want, doctor)
		}
	}
	t.Log(run("build", "--push", here, "--progress=plain", "node-24", "ruby-3.1"))
	tested := run("test", here, "--progress=plain", "--probe="+filepath.Join(user.Home, "probe"), "node-24", "ruby-3.1")
	if strings.Count(tested, "40 passed") != 2 {
		t.Errorf("not both pass:\n%s", tested)
	}
	state := filepath.Join(user.Home, ".local/state/runbake")
	run("build", here, "--progress=plain", "node-24")
	kill(t, state+"/bin/rootlesskit") // and all that is in its namespace ends
	eventually(t, "BuildKit ends", func() bool { return len(processes(t, state)) == 0 })
	if left, err := os.ReadDir(filepath.Join(state, "run")); err != nil || len(left) > 1 {
		t.Errorf("left are %v, %v", left, err)
	}
}
