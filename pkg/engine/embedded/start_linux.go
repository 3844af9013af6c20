package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"
)

// startTimeout is how long BuildKit may take until it answers, also when it has
// to wait for one that is ending.
const startTimeout = 60 * time.Second

var errLate = fmt.Errorf("it does not answer within %v", startTimeout)

// Start joins the BuildKit that runs, or starts one. It stays at least until
// release is called.
func Start(ctx context.Context, o Options) (release func() error, err error) {
	if err := o.possible(); err != nil {
		return nil, err
	}
	if err := o.makeState(); err != nil {
		return nil, err
	}
	// A watcher that is about to end BuildKit has this alone until it has.
	user, err := o.lock(ctx, usersLock, unix.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("waiting for the last one to end: %w", err)
	}
	if err := o.join(ctx); err != nil {
		return nil, errors.Join(err, user.Close())
	}
	return func() error { return errors.Join(used(user), user.Close()) }, nil
}

// join makes sure that one runs, and that it has the wanted configuration. Of
// several who come at once, one starts it.
func (o *Options) join(ctx context.Context) error {
	lock, err := o.lock(ctx, startLock, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	config, err := o.config()
	if err != nil {
		return err
	}
	if o.listens() {
		running, err := os.ReadFile(o.path(configFile))
		if err != nil {
			return err
		}
		if !bytes.Equal(running, config) {
			return fmt.Errorf("it runs with another configuration than %q; it ends %v after its last use", o.Config, o.Idle)
		}
		if err := o.answers(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		// It has lost its watcher, and ends.
	}
	if err := o.prepare(ctx); err != nil {
		return err
	}
	if err := os.WriteFile(o.path(configFile), config, 0o600); err != nil {
		return err
	}
	return o.spawn(ctx)
}

// steps is how many steps BuildKit runs at a time when nobody has configured it:
// they wait for the network as long as they compute, and a machine with few
// processors waits too.
func steps() int { return max(4, 2*runtime.NumCPU()) }

// config is the text of the buildkitd.toml.
func (o *Options) config() ([]byte, error) {
	if o.Config == "" {
		text, err := os.ReadFile(SystemConfig)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Appendf(nil, "[worker.oci]\n  max-parallelism = %d\n", steps()), nil
		}
		return text, err
	}
	text, err := os.ReadFile(o.Config)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of BuildKit: %w", err)
	}
	return text, nil
}

// used notes that somebody was here: the watcher looks at the time.
func used(f *os.File) error {
	_, err := f.WriteAt([]byte{'\n'}, 0)
	return err
}

// makeState makes the folder, for this user only.
func (o *Options) makeState() error {
	if len(o.socket()) > maxSocket {
		return fmt.Errorf("the path of its socket is too long, %d characters of %d at most: %s; give another folder with XDG_STATE_HOME", len(o.socket()), maxSocket, o.socket())
	}
	if err := os.MkdirAll(o.State, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(o.State)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder; remove it, or give another one with XDG_STATE_HOME", o.State)
	case owner(info) != uint32(os.Geteuid()): //nolint:gosec // no user has a negative number
		return fmt.Errorf("%s belongs to the user %d, who could change what is run from there; remove it, or give another one with XDG_STATE_HOME", o.State, owner(info))
	}
	return os.Chmod(o.State, 0o700) //nolint:gosec // a folder is entered
}

// listens reports whether somebody listens on the socket.
func (o *Options) listens() bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	return unix.Connect(fd, &unix.SockaddrUnix{Name: o.socket()}) == nil
}

// answers waits until BuildKit can be asked: it listens before.
func (o *Options) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errLate)
	defer cancel()
	c, err := client.New(ctx, o.Addr())
	if err != nil {
		return err
	}
	workers, err := c.ListWorkers(ctx)
	if err == nil && len(workers) == 0 {
		err = errors.New("it has no worker")
	}
	return errors.Join(err, c.Close())
}

// spawn starts the watcher, which starts BuildKit, and waits until that
// answers. The watcher stays when this process ends.
func (o *Options) spawn(ctx context.Context) error {
	log, err := os.OpenFile(o.path(logFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errLate)
	defer cancel()
	command := o.command()
	watcher := exec.Command(command[0], command[1:]...) //nolint:noctx // it outlives us
	watcher.Dir = o.State
	watcher.Env = append(watcher.Environ(), o.environment()...)
	watcher.Stdout, watcher.Stderr = log, log
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C here is not for it
	if err := watcher.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = watcher.Wait() // its log has it
		close(ended)
	}()
	for !o.listens() {
		select {
		case <-ended:
			return fmt.Errorf("it ended: %s", o.logEnd())
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", context.Cause(ctx), o.logEnd())
		case <-time.After(lockPoll):
		}
	}
	if err := o.answers(ctx); err != nil {
		return fmt.Errorf("%w: %s", err, o.logEnd())
	}
	return nil
}

// logEnd is the last of what BuildKit has written.
func (o *Options) logEnd() string {
	text, err := os.ReadFile(o.path(logFile))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}
