package e2e_test

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLocal is what a contributor does: LOCAL=1 brings the image of this
// machine's platform into Docker, and docker run runs it.
func TestLocal(t *testing.T) {
	t.Parallel()
	const node = "node-24"
	s := newStack(t, "warm", "node:24.21.0-bookworm-slim")
	docker, err := s.StartDocker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bake(t, s.buildx, []string{"LOCAL=1", "REGISTRY=", "DOCKER_HOST=" + docker.Host}, node)
	arch, err := docker.Run(t.Context(), "image", "inspect", "--format={{.Architecture}} {{.Config.User}}", "node-runtime:24")
	if err != nil {
		t.Fatal(err)
	}
	if want := runtime.GOARCH + " appwrite"; strings.TrimSpace(arch) != want {
		t.Errorf("loaded image is %q, want %q", strings.TrimSpace(arch), want)
	}
	code := filepath.Join(t.TempDir(), "code.tar.gz")
	if out, err := exec.CommandContext(t.Context(), "tar", "-C", filepath.Join(root, "tests/fixtures/node"), "-czf", code, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := docker.Run(t.Context(), "run", "--rm", "--network=none", "--volume="+code+":/tmp/code.tar.gz:ro",
		"--volume="+s.Mounted("ask")+":/ask:ro", "node-runtime:24", "/ask/linux/"+runtime.GOARCH+"/ask", "index.js", "/usr/local/src/launch.sh")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "answers after") {
		t.Errorf("unexpected output: %s", out)
	}
}
