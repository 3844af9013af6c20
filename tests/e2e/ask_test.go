package e2e_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// served is a server that is started by hand, from a copy of the repository.
type served struct {
	id, interpreter, source string
	listens                 string            // what of the source says where
	dependency              map[string]string // file of the installed dependency → what it is a copy of
}

// TestAskServer works on servers as a contributor does: without an image, as a
// normal user, with the interpreters of this machine. All that can be asked
// from outside passes.
func TestAskServer(t *testing.T) {
	bench.Require(t)
	dir := t.TempDir()
	for _, folder := range []string{"runtimes", "tests/fixtures", "cmd/probe"} {
		copyTree(t, filepath.Join(root, folder), filepath.Join(dir, folder))
	}
	text, err := os.ReadFile(filepath.Join(root, "runbake.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "runbake.hcl"), string(text))
	runbake := filepath.Join(dir, "bin", "runbake")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", runbake, "../../cmd/runbake").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const greeting = "tests/fixtures/node-behaviour/greeting/"
	ran := 0
	for _, s := range []served{
		{"node-24", "node", "runtimes/node/server.js", "listen(3000, '0.0.0.0')", map[string]string{
			"tests/fixtures/node-behaviour/node_modules/greeting/package.json": greeting + "package.json",
			"tests/fixtures/node-behaviour/node_modules/greeting/greeting.js":  greeting + "greeting.js",
		}},
		{"python-3.11", "python3", "runtimes/python/server.py", `("0.0.0.0", 3000)`, map[string]string{
			"tests/fixtures/python-behaviour/.packages/greeting.py": "tests/fixtures/python-behaviour/greeting/greeting.py",
		}},
	} {
		// Interpreters of a home are not the other user's.
		for _, folder := range []string{"/usr/local/bin", "/usr/bin"} {
			if _, err := os.Stat(filepath.Join(folder, s.interpreter)); err == nil {
				ran++
				s.interpreter = filepath.Join(folder, s.interpreter)
				t.Run(s.id, func(t *testing.T) { s.ask(t, dir, runbake) })
				break
			}
		}
	}
	if ran == 0 {
		t.Error("this machine has neither node nor python3")
	}
}

func (s served) ask(t *testing.T, dir, runbake string) {
	port := s.edit(t, dir)
	open(t, dir)
	env := []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "PYTHONDONTWRITEBYTECODE=1", "INTERNAL_RUNTIME_KEY=secret"}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir, cmd.Env = dir, env
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		return cmd
	}
	server := command(s.interpreter, s.source)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(server.Process.Kill(), server.Wait()) }() // it was killed
	awaitPort(t, port)
	url := "http://127.0.0.1:" + port
	for _, c := range []struct {
		key, want string
		code      int
	}{
		{"secret", "  pass     24 passed, 19 not run  -\n", 0},
		{"wrong", "  fail   function: The fixture answers with its three fields\n", 1},
	} {
		out := wait(t, command(runbake, "test", s.id, "--url", url, "--key", c.key), time.Now())
		if out.code != c.code || !strings.Contains(out.stdout, c.want) || out.stderr != "" {
			t.Errorf("with the key %q the exit code is %d\n%s%s", c.key, out.code, out.stdout, out.stderr)
		}
	}
}

// edit makes the server listen on loopback only, on a free port, and installs
// what the function needs.
func (s served) edit(t *testing.T, dir string) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, s.source)
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	local := strings.NewReplacer("3000", port, "0.0.0.0", "127.0.0.1").Replace(s.listens)
	edited := strings.Replace(string(source), s.listens, local, 1)
	if edited == string(source) {
		t.Fatalf("%s has no %s", s.source, s.listens)
	}
	write(t, name, edited)
	for to, from := range s.dependency {
		data, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o750); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, to), string(data))
	}
	return port
}

// open lets every user read a folder of a test, and reach it.
func open(t *testing.T, dir string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "chmod", "-R", "go+rX", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // for the other user
		t.Fatal(err)
	}
}

// awaitPort waits until something listens.
func awaitPort(t *testing.T, port string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close() // nothing was written
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
