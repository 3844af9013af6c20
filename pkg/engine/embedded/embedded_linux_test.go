package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// waiting runs wait, and returns what it ends with and whether BuildKit was
// stopped.
func waiting(t *testing.T, o Options, ended chan struct{}) (err chan error, stopped chan struct{}, cancel context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	err, stopped = make(chan error, 1), make(chan struct{})
	go func() { err <- o.wait(ctx, ended, func() { close(stopped) }) }()
	return err, stopped, cancel
}

// TestIdle: BuildKit stays while somebody uses it, however long, and is stopped
// when nobody has for long enough.
func TestIdle(t *testing.T) {
	o := Options{State: t.TempDir(), Idle: 200 * time.Millisecond}
	user, err := o.lock(t.Context(), usersLock, unix.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	ended, stopped, cancel := waiting(t, o, nil)
	defer cancel()
	select {
	case <-stopped:
		t.Fatal("it was stopped under a user")
	case <-time.After(3 * o.Idle):
	}
	if err := errors.Join(used(user), user.Close()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	<-stopped
	if took := time.Since(begin); took < o.Idle/2 {
		t.Errorf("it was stopped %v after its last use, not %v", took, o.Idle)
	}
}

// TestStopped: it stops BuildKit when it is told to, and tells when BuildKit
// ends by itself.
func TestStopped(t *testing.T) {
	o := Options{State: t.TempDir(), Idle: time.Hour}
	ended, stopped, cancel := waiting(t, o, nil)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-stopped

	daemon := make(chan struct{})
	close(daemon)
	ended, _, cancel = waiting(t, o, daemon)
	defer cancel()
	if err := <-ended; err == nil || err.Error() != "BuildKit has ended by itself" {
		t.Errorf("it ends with %v", err)
	}
}

// TestLock: users share, a watcher that ends BuildKit is alone, and who waits
// gives up when told.
func TestLock(t *testing.T) {
	o := Options{State: t.TempDir()}
	for range 2 {
		user, err := o.lock(t.Context(), usersLock, unix.LOCK_SH)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = user.Close() }) // the lock goes with the process, too
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("told")
	cancel(cause)
	if _, err := o.lock(ctx, usersLock, unix.LOCK_EX); !errors.Is(err, cause) {
		t.Errorf("alone among users: %v", err)
	}
}

func TestState(t *testing.T) {
	o := Options{State: filepath.Join(t.TempDir(), "a", "b")}
	if err := o.makeState(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(o.State)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v: others can enter", info, err)
	}
	o.State += strings.Repeat("x", maxSocket)
	if err := o.makeState(); err == nil || !strings.Contains(err.Error(), "XDG_STATE_HOME") {
		t.Errorf("a path that is too long: %v", err)
	}
}

// TestFind: what stands beside runbake wins over what was compiled.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	o := Options{State: filepath.Join(dir, "state"), Self: filepath.Join(dir, "program", "runbake"), Version: "v1"}
	t.Setenv("PATH", dir)
	if path, err := o.find(); err == nil {
		t.Errorf("found %s where there is none", path)
	}
	for _, want := range []string{filepath.Join(dir, "buildkitd"), o.compiled(), filepath.Join(dir, "program", "buildkitd")} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(want), 0o755), os.WriteFile(want, nil, 0o755)); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		if path, err := o.find(); err != nil || path != want {
			t.Errorf("found %s, %v; want %s", path, err, want)
		}
	}
}

func TestConfig(t *testing.T) {
	o := Options{Config: filepath.Join(t.TempDir(), "buildkitd.toml")}
	if _, err := o.config(); err == nil {
		t.Error("a configuration that is not there is none")
	}
	if err := os.WriteFile(o.Config, []byte("debug = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := o.config(); err != nil || string(text) != "debug = true\n" {
		t.Errorf("%q, %v", text, err)
	}
	want, err := os.ReadFile(SystemConfig)
	if errors.Is(err, fs.ErrNotExist) {
		want, err = fmt.Appendf(nil, "[worker.oci]\n  max-parallelism = %d\n", steps()), nil
	}
	if text, failed := new(Options).config(); err != nil || failed != nil || !bytes.Equal(text, want) {
		t.Errorf("without one: %q, %v; want %q, %v", text, failed, want, err)
	}
}

// TestOthers: what another user can change is neither run nor written to.
func TestOthers(t *testing.T) {
	const other = 12345
	program := func(t *testing.T) (Options, string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder is entered
			t.Fatal(err)
		}
		o := Options{State: filepath.Join(dir, "state"), Self: filepath.Join(dir, "runbake")}
		name := filepath.Join(dir, "buildkitd")
		for _, file := range []string{o.Self, name} {
			if err := os.WriteFile(file, nil, 0o700); err != nil { //nolint:gosec // a program is run
				t.Fatal(err)
			}
		}
		return o, name
	}
	root := os.Geteuid() == 0 // who alone can give files away, and for whom it matters
	for _, c := range []struct {
		name   string
		change func(o Options, program string) error
		want   string
		root   bool
	}{
		{"ours", func(Options, string) error { return nil }, "", false},
		{"a program that all may write to", func(_ Options, p string) error { return os.Chmod(p, 0o777) }, "others may write to", false},
		{"a folder that all may write to", func(_ Options, p string) error { return os.Chmod(filepath.Dir(p), 0o777) }, "others may write to", false},
		{"somebody's program", func(_ Options, p string) error { return os.Chown(p, other, other) }, "belongs to the user 12345", true},
		{"somebody's folder", func(_ Options, p string) error { return os.Chown(filepath.Dir(p), other, other) }, "belongs to the user 12345", true},
		{"runbake's owner", func(o Options, p string) error {
			return errors.Join(os.Chown(p, other, other), os.Chown(o.Self, other, other))
		}, "", true},
	} {
		o, name := program(t)
		if c.root && !root {
			continue
		}
		if err := c.change(o, name); err != nil {
			t.Fatal(err)
		}
		found, err := o.find()
		if c.want == "" && (err != nil || found != name) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %q, %v", c.name, found, err)
		}
	}
	for _, c := range []struct {
		name   string
		change func(o Options) error
		want   string
		root   bool
	}{
		{"none", func(Options) error { return nil }, "", false},
		{"a wide one", func(o Options) error { return errors.Join(os.Mkdir(o.State, 0o700), os.Chmod(o.State, 0o777)) }, "", false}, //nolint:gosec // it is tested
		{"a link", func(o Options) error { return os.Symlink(filepath.Dir(o.State), o.State) }, "is no folder", false},
		{"somebody's", func(o Options) error { return errors.Join(os.Mkdir(o.State, 0o700), os.Chown(o.State, other, other)) }, "belongs to the user 12345", true},
	} {
		o, _ := program(t)
		if len(o.socket()) > maxSocket {
			o.State = filepath.Join(os.TempDir(), fmt.Sprintf("runbake-%d", os.Getpid()))
			t.Cleanup(func() { _ = os.RemoveAll(o.State) })
		}
		if c.root && !root {
			continue
		}
		if err := c.change(o); err != nil {
			t.Fatal(err)
		}
		err := o.makeState()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("the folder: %s: got %v", c.name, err)
		}
		if info, failed := os.Stat(o.State); err == nil && (failed != nil || info.Mode().Perm() != 0o700) {
			t.Errorf("the folder: %s: it has the mode %v, %v", c.name, info.Mode(), failed)
		}
	}
}
