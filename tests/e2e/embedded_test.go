package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// machine is one without Docker and buildx, where runbake has its own BuildKit.
type machine struct {
	*bench.Bench
	dir   string // the repository
	state string // of the embedded BuildKit
	env   []string
}

func newMachine(t *testing.T, keep, dir string, standIns ...string) *machine {
	t.Helper()
	b := bench.ForTest(t, bench.Options{StandIns: standIns})
	e, err := b.Embedded(keep)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{Bench: b, dir: dir, state: e.State, env: append(e.Env, "REGISTRY="+b.Registry()+"/runbake")}
	t.Cleanup(func() { m.ends(t) })
	return m
}

// start starts runbake.
func (m *machine) start(ctx context.Context, t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd = exec.CommandContext(ctx, m.Tool("runbake"), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = m.dir, m.env, stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stdout, stderr
}

// run runs runbake, which must end with a code.
func (m *machine) run(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd, out, errOut := m.start(context.WithoutCancel(t.Context()), t, args...)
	_ = cmd.Wait() // its code says it
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("runbake %v ended with %d, not %d:\n%s\n%s", args, got, code, out, errOut)
	}
	return out.String(), errOut.String()
}

// image is one of the result of runbake build.
type builtImage struct {
	ID, State, Image, Digest, Step, Error string
	Platforms, Log                        []string
	Size                                  int64
	Steps, CachedSteps, Attempts          int
}

// build runs runbake build.
func (m *machine) build(t *testing.T, code int, args ...string) []builtImage {
	t.Helper()
	out, errOut := m.run(t, code, append([]string{"build", "--format=json", "--progress=plain"}, args...)...)
	images, err := items[builtImage]([]byte(out))
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, errOut)
	}
	return images
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute, not: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// processes are those with a text in their command line.
func processes(t *testing.T, text string) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, name := range lines {
		line, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && strings.Contains(string(line), text) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mounts are those below the state folder.
func (m *machine) mounts(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), " "+m.state+"/")
}

// ends waits until the embedded BuildKit has ended by itself, and looks that it
// has left nothing.
func (m *machine) ends(t *testing.T) {
	t.Helper()
	eventually(t, "the embedded BuildKit ends", func() bool { return len(processes(t, m.state)) == 0 })
	if n := m.mounts(t); n > 0 {
		t.Errorf("%d mounts are left", n)
	}
	for _, socket := range []string{"buildkitd.sock", "otel.sock"} {
		if _, err := os.Lstat(filepath.Join(m.state, socket)); err == nil {
			t.Errorf("%s is left", socket)
		}
	}
}

// kill kills what has a text in its command line.
func kill(t *testing.T, text string) {
	t.Helper()
	for _, pid := range processes(t, text) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

// TestEmbedded does the main job on a machine that has neither Docker nor
// buildx nor a BuildKit: an interpreted and a compiled runtime, for both
// platforms, into a registry.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "embedded", root, "node:22.23.3-bookworm-slim", "golang:1.26.8-bookworm", "debian:bookworm-slim")
	metadata := filepath.Join(t.TempDir(), "metadata.json")
	args := []string{"--push", "--platform=all", "--metadata-file=" + metadata, "node-22", "go-1.26", "debian-12"}
	for _, image := range m.build(t, 0, args...) {
		mustBePushed(t, image)
	}
	// Built once more, everything comes from the cache.
	images := m.build(t, 0, append(args, "--force")...)
	text, err := os.ReadFile(metadata)
	if err != nil {
		t.Fatal(err)
	}
	var digests map[string]map[string]any
	if err := json.Unmarshal(text, &digests); err != nil {
		t.Fatal(err)
	}
	for _, image := range images {
		mustBePushed(t, image)
		if image.Steps < 4 || image.CachedSteps != image.Steps {
			t.Errorf("%s: %d of %d steps were cached", image.ID, image.CachedSteps, image.Steps)
		}
		if got := digests[strings.ReplaceAll(image.ID, ".", "_")]["containerimage.digest"]; got != image.Digest {
			t.Errorf("the metadata of %s has digest %v, the table %s", image.ID, got, image.Digest)
		}
	}
	out, _ := m.run(t, 0, "doctor", "--platform=all")
	for _, want := range []string{"the embedded BuildKit", "linux/arm64  ok", "runc         ok"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
}

// mustBePushed looks the image up in the registry.
func mustBePushed(t *testing.T, i builtImage) {
	t.Helper()
	idx, manifest := index(t, i.Image)
	var platforms []string
	for _, m := range manifest.Manifests {
		if m.Platform.OS == "linux" {
			platforms = append(platforms, m.Platform.String())
		}
	}
	digest, err := idx.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if i.State != "pushed" || digest.String() != i.Digest || fmt.Sprint(platforms) != fmt.Sprint(i.Platforms) || i.Size < 1<<20 {
		t.Errorf("%+v; the registry has %s for %v", i, digest, platforms)
	}
}

// small is a repository of images that are quick to build, fail, or never end.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "runbake.hcl"), "project {\n  registry = \"ghcr.io/acme\"\n}\n")
	for name, run := range map[string]string{
		"good": "echo good > /good", "bad": "echo some trouble; exit 7", "endless": "echo begun; exec sleep " + endless,
	} {
		folder := filepath.Join(dir, "runtimes", name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "runtime.hcl"), fmt.Sprintf("runtime %q {\n  name = %[1]q\n  kind = \"interpreted\"\n  entrypoint = \"x\"\n\n  version \"1\" {}\n}\n", name))
		write(t, filepath.Join(folder, "Dockerfile"), "FROM debian:bookworm-slim\nRUN "+run+"\n")
	}
	return dir
}

// endless is the time that a step sleeps; no other process of this machine has
// it.
const endless = "86007"

// TestEmbeddedLife: the embedded BuildKit is shared, ends by itself, and
// whatever is killed leaves nothing.
func TestEmbeddedLife(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "", small(t), "debian:bookworm-slim")
	running := func() bool { return len(processes(t, "sleep\x00"+endless)) > 0 }
	begin := func(args ...string) *exec.Cmd {
		cmd, _, _ := m.start(context.WithoutCancel(t.Context()), t, append([]string{"build", "--progress=plain"}, args...)...)
		eventually(t, "a step runs", running)
		return cmd
	}
	t.Run("a failure beside a success", func(t *testing.T) { m.failure(t) })
	t.Run("several at once", func(t *testing.T) {
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { m.build(t, 0, "--push", "--platform=linux/"+runtime.GOARCH, "good") })
		}
		group.Wait()
		if watchers := processes(t, "watch-embedded-buildkit"); len(processes(t, m.state)) != 2 {
			t.Errorf("there are more processes than a watcher and a BuildKit: %v", watchers)
		}
	})
	t.Run("idle", func(t *testing.T) { m.ends(t) })
	t.Run("interrupted", func(t *testing.T) {
		cmd := begin("endless", "good")
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // its code says it
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(fmt.Sprint(cmd.Stderr), "runbake: interrupted\n") {
			t.Errorf("it ended with %d:\n%s", code, cmd.Stderr)
		}
		eventually(t, "the step ends", func() bool { return !running() })
	})
	t.Run("runbake is killed", func(t *testing.T) {
		cmd := begin("endless")
		_ = cmd.Process.Kill() // it runs
		_ = cmd.Wait()         // it was killed
		eventually(t, "the step ends", func() bool { return !running() })
		m.ends(t)
	})
	t.Run("BuildKit is killed", func(t *testing.T) {
		cmd := begin("endless")
		kill(t, "/buildkitd\x00--config\x00"+m.state)
		_ = cmd.Wait() // its code says it
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(fmt.Sprint(cmd.Stderr), "endless-1 failed\n  BuildKit went away") {
			t.Errorf("it ended with %d:\n%s", code, cmd.Stderr)
		}
		m.ends(t)
		if running() {
			t.Error("the step still runs")
		}
	})
	t.Run("everything is killed", func(t *testing.T) {
		cmd := begin("endless")
		_ = cmd.Process.Kill() // it runs
		kill(t, m.state)
		_ = cmd.Wait() // it was killed
		m.build(t, 0, "good")
		if running() {
			t.Error("the next start has not ended the step")
		}
		m.ends(t)
	})
}

// failure: the good image is pushed, the bad one named with its step and log.
func (m *machine) failure(t *testing.T) {
	images := m.build(t, 1, "--push", "--platform=linux/"+runtime.GOARCH, "good", "bad")
	bad, good := images[0], images[1]
	if bad.State != "failed" || !strings.Contains(bad.Step, "RUN echo some trouble") || bad.Attempts != 1 || fmt.Sprint(bad.Log) != "[some trouble]" {
		t.Errorf("bad: %+v", bad)
	}
	mustBePushed(t, good)
	_, text := m.run(t, 1, "build", "--progress=quiet", "bad")
	want := "bad-1 failed in [2/2] RUN echo some trouble; exit 7\n  | some trouble\n"
	if !strings.Contains(text, want) || !strings.HasSuffix(text, "\nrunbake: 1 of 1 image failed\n") {
		t.Errorf("the summary is\n%s\nwithout\n%s", text, want)
	}
}
