package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopTimeout is how long BuildKit may take to end in order.
const stopTimeout = 10 * time.Second

// Watch runs BuildKit until nobody uses it, or ctx ends, and leaves nothing
// behind. It is what the process does that [Start] starts.
func Watch(ctx context.Context, o Options) error {
	// BuildKit inherits the lock: a watcher that comes after one that was
	// killed waits until its BuildKit has ended, too.
	lock, err := o.lock(ctx, daemonLock, unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := o.clean(ctx); err != nil {
		return fmt.Errorf("cleaning up after one that was killed: %w", err)
	}
	daemon, ended, err := o.run(lock)
	if err != nil {
		return err
	}
	err = o.wait(ctx, ended, func() { o.stop(daemon, ended) })
	return errors.Join(err, o.clean(context.WithoutCancel(ctx)))
}

// run starts BuildKit, which ends in order when this process is killed. The
// channel is closed when it has ended; how, stands in its log.
func (o *Options) run(lock *os.File) (daemon *os.Process, ended <-chan struct{}, err error) {
	cmd := exec.Command(o.path("bin/buildkitd"), //nolint:noctx // it is ended in order by stop
		"--config", o.path(configFile), "--root", o.root(), "--addr", o.Addr(),
		"--oci-worker=true", "--containerd-worker=false", "--otel-socket-path", o.path("otel.sock"))
	cmd.Dir = o.State
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr //nolint:forbidigo // the watcher writes into a log only
	cmd.Env = append(cmd.Environ(), "OTEL_SDK_DISABLED=true", "PATH="+o.path("bin")+":"+searchPath)
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started, done := make(chan error), make(chan struct{})
	go func() {
		// The signal comes when the thread ends that has started the process.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // its log has it
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return nil, nil, err
	}
	return cmd.Process, done, nil
}

// searchPath is where the programs are that runc and mounts need, besides
// those of the state folder.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// wait waits until BuildKit ends by itself, or is to be stopped: because ctx
// ends, or because nobody was here for long enough. Meanwhile nobody can come:
// the lock of the users is kept until everything is over.
func (o *Options) wait(ctx context.Context, ended <-chan struct{}, stop func()) error {
	users, err := o.open(usersLock)
	if err != nil {
		stop()
		return err
	}
	defer users.Close()
	tick := min(max(o.Idle/20, 10*time.Millisecond), 5*time.Second)
	var alone time.Duration
	var last time.Time
	for {
		select {
		case <-ended:
			return errors.New("BuildKit has ended by itself")
		case <-ctx.Done():
			stop()
			return nil
		case <-time.After(tick):
		}
		info, err := users.Stat()
		if err != nil {
			stop()
			return err
		}
		busy := tryLock(users, unix.LOCK_EX) != nil
		alone += tick
		if busy || !info.ModTime().Equal(last) {
			alone, last = 0, info.ModTime()
		}
		if alone >= o.Idle {
			stop()
			return nil
		}
		if !busy {
			if err := unix.Flock(int(users.Fd()), unix.LOCK_UN); err != nil {
				stop()
				return err
			}
		}
	}
}

// stop ends BuildKit, in order if it can, and all that it has started.
func (o *Options) stop(daemon *os.Process, ended <-chan struct{}) {
	_ = daemon.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-ended:
	case <-time.After(stopTimeout):
		_ = daemon.Kill() // it may have ended
		<-ended
	}
}
