package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a server that was started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	log  string        // path of what it has printed
	gone atomic.Bool   // it was killed, with all that it has started
}

// startTimeout is how long a server may take until it answers.
const startTimeout = 60 * time.Second

// spawn starts a server and waits until ready answers without error. The
// server has a process group of its own, and ends with this process: in order, since
// the containers of a BuildKit that is killed run on.
func (b *Bench) spawn(ctx context.Context, name string, ready func(context.Context) error, command ...string) (*process, error) {
	log, err := os.CreateTemp(b.dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...) // it ends with Close
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "OTEL_SDK_DISABLED=true", "PATH="+os.Getenv("PATH")+":"+filepath.Dir(command[0]))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p := &process{cmd: cmd, done: make(chan struct{}), log: log.Name()}
	started := make(chan error)
	go func() {
		// The signal comes when the thread dies that has started the process.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	b.onClose(p.stop)
	err = p.wait(ctx, name, ready)
	return p, err
}

func (p *process) wait(ctx context.Context, name string, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s", name, p.output())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer (%w): %s", name, err, p.output())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// output is the end of what the process has printed.
func (p *process) output() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// stop ends the process and all that it has started.
func (p *process) stop() error {
	if p.gone.Load() {
		return nil
	}
	group := -p.cmd.Process.Pid
	_ = syscall.Kill(p.cmd.Process.Pid, syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
	}
	if err := syscall.Kill(group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	<-p.done
	return nil
}

// kill ends it, and all that it has started, at once.
func (p *process) kill() error {
	if p.gone.Swap(true) {
		return nil
	}
	err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
	return err
}

// run runs a command to its end. The error has what it printed.
func run(ctx context.Context, env []string, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	// It ends when ctx does or this process, with all that it has started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	runtime.LockOSThread() // the thread that starts it must not go before it
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	used, _ := ctx.Value(meterKey{}).(*meter)
	used.add(cmd.ProcessState)
	if err != nil {
		return out.String(), fmt.Errorf("%v: %w: %s%s", command, err, out.String(), errOut.String())
	}
	return out.String(), nil
}

// freePort finds a port of loopback that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
