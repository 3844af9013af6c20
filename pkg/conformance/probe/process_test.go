//go:build linux

package probe

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shell starts a script, and waits until it has written the word ready.
func shell(t *testing.T, script string, env ...string) *process {
	t.Helper()
	p, err := start(t.Context(), []string{"/bin/sh", "-c", script}, env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(p.log.String(), "ready"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) || !p.alive() && !strings.Contains(p.log.String(), "ready") {
			t.Fatalf("it wrote %q", p.log.String())
		}
	}
	return p
}

func TestStop(t *testing.T) {
	for _, c := range []struct {
		name, script string
		catches      bool
		want         string
	}{
		{"handles it", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done", true, ""},
		{"leaves it to the system", "echo ready; while :; do sleep 0.01; done", false, ""},
		{"ignores it", "trap '' TERM; echo ready; while :; do sleep 0.01; done", false, "want its end within 300ms of SIGTERM, got it runs on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := shell(t, c.script)
			if got := p.catches(sigterm); got != c.catches {
				t.Errorf("catches is %v", got)
			}
			err := p.stop(300 * time.Millisecond)
			if got := errorText(err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestKill: a server ends with all that it has started.
func TestKill(t *testing.T) {
	p := shell(t, "(trap '' TERM; echo $$ ready; sleep 600; :) & sleep 600")
	var below []int
	for deadline := time.Now().Add(time.Minute); len(below) < 3; time.Sleep(time.Millisecond) {
		if below = descendants(p.cmd.Process.Pid); time.Now().After(deadline) {
			t.Fatalf("descendants are %v", below)
		}
	}
	p.kill()
	if p.alive() {
		t.Error("it is alive")
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, pid := range below {
			if state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %v are left", left, below)
		}
	}
}

func TestStartFails(t *testing.T) {
	if _, err := start(t.Context(), []string{"/does/not/exist"}); err == nil {
		t.Error("no error")
	}
}

// TestEnvironment: what a test's Dockerfile set is not the server's.
func TestEnvironment(t *testing.T) {
	t.Setenv("KIND", "interpreted")
	t.Setenv("INTERNAL_RUNTIME_KEY", "of somebody")
	t.Setenv("PRESERVED", "yes")
	p := shell(t, `echo "$KIND,$INTERNAL_RUNTIME_KEY,$PRESERVED,$MORE" ready`, "MORE=more")
	if got, want := p.log.String(), ",,yes,more ready\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if users := p.users(); len(users) > 1 {
		t.Errorf("users are %v", users)
	}
}

// TestListener finds the process that listens, here this one.
func TestListener(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p := &process{}
	p.cmd = exec.CommandContext(t.Context(), "true") // it is not started
	p.cmd.Process = self
	if pid, address := p.listener(port); pid != os.Getpid() || address != "0100007F" {
		t.Errorf("it is process %d at %s", pid, address)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if pid, _ := p.listener(port); pid != 0 {
		t.Errorf("process %d still listens", pid)
	}
}

func TestExecutable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "runtime")
	if got, want := errorText(executable(name)), "want "+name+", got no such file"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := errorText(executable(name)), "want "+name+" with mode 0755, got mode -rw-------"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := os.Chmod(name, 0o700); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
	if err := executable(name); err != nil {
		t.Error(err)
	}
}

// TestRun: the output of a step, its failure, and one that does not end.
func TestRun(t *testing.T) {
	b := &build{BuildOptions: BuildOptions{Entrypoint: "main.x", Timeout: time.Minute}}
	var stderr tail
	out, err := b.runTo(context.Background(), &stderr, "/", "sh", "-c", "echo $ENTRYPOINT_NAME; pwd; echo why >&2; echo oops >&2; exit 3")
	// What it says on stderr may stand anywhere between.
	lines := slices.Sorted(strings.Lines(out))
	if want := []string{"/\n", "main.x\n", "oops\n", "why\n"}; !slices.Equal(lines, want) || ending(err) != "exit status 3" || lastLine(stderr.String()) != "oops" {
		t.Errorf("got %q, %v", out, err)
	}
	b.Timeout = 300 * time.Millisecond
	if _, err := b.run(context.Background(), "sleep", "600"); ending(err) != "no end within 300ms" {
		t.Errorf("got %v", err)
	}
	if ending(nil) != "exit status 0" {
		t.Error(ending(nil))
	}
}
