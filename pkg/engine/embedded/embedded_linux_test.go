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
	want, err := os.ReadFile(systemConfig)
	if errors.Is(err, fs.ErrNotExist) {
		want, err = fmt.Appendf(nil, "[worker.oci]\n  max-parallelism = %d\n", steps()), nil
	}
	if text, failed := new(Options).config(); err != nil || failed != nil || !bytes.Equal(text, want) {
		t.Errorf("without one: %q, %v; want %q, %v", text, failed, want, err)
	}
}
