package probe

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that the probe started.
type process struct {
	cmd   *exec.Cmd
	log   *tail
	ended chan struct{} // closed when it has
	err   error         // how it ended
}

// start starts a command with exactly these variables on top of the image's.
func start(ctx context.Context, command []string, env ...string) (*process, error) {
	return startWith(ctx, command, environment(env...), &tail{})
}

// startWith starts a command with these variables and no others.
func startWith(ctx context.Context, command, env []string, log *tail) (*process, error) {
	p := &process{log: log, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.WaitDelay = time.Second // children may keep its output open
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// alive reports whether it has not ended.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop asks it to end, and reports whether it did so in time.
func (p *process) stop(grace time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return wanted("a server that runs", "%v", err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(grace):
		return wanted("its end within "+grace.String()+" of SIGTERM", "it runs on")
	}
}

// sigterm is the number of the signal that ends containers.
const sigterm = 15

// catches reports whether the process itself handles a signal: the first
// process of a container is not ended by one that it leaves alone.
func (p *process) catches(signal int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return true // it cannot be known
	}
	for line := range strings.Lines(string(data)) {
		if mask, found := strings.CutPrefix(line, "SigCgt:"); found {
			caught, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err != nil || caught&(1<<(signal-1)) != 0
		}
	}
	return true
}

// kill ends it and all that it has started, now.
func (p *process) kill() {
	killTree(p.cmd.Process.Pid)
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// killTree ends a process and all that it has started.
func killTree(root int) {
	for _, pid := range slices.Backward(descendants(root)) {
		if other, err := os.FindProcess(pid); err == nil {
			_ = other.Kill() // it may have ended
		}
	}
}

// descendants are the processes that one has started, directly or not, and
// itself, parents first.
func descendants(root int) []int {
	children := map[int][]int{}
	names, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			continue
		}
		if parent, ok := parentOf(name); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// parentOf reads the parent from /proc/<pid>/stat: pid (name) state parent …
func parentOf(name string) (int, bool) {
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

// owner of the server: the ids of the users that its processes run as.
func (p *process) users() []string {
	var all []string
	for _, pid := range descendants(p.cmd.Process.Pid) {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "Uid:" {
				all = append(all, fields[2]) // the effective one
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// listener is the process, of those that p has started, which listens on a TCP
// port, with the address that it listens on. pid is 0 when none can be found.
func (p *process) listener(port int) (pid int, address string) {
	inodes := map[string]string{} // of listening sockets
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			fields := strings.Fields(line)
			if len(fields) > 9 && fields[3] == "0A" && strings.HasSuffix(fields[1], ":"+hexPort(port)) {
				inodes["socket:["+fields[9]+"]"] = strings.TrimSuffix(fields[1], ":"+hexPort(port))
			}
		}
	}
	for _, pid := range descendants(p.cmd.Process.Pid) {
		links, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*") // the pattern is good
		for _, link := range links {
			target, err := os.Readlink(link)
			if errors.Is(err, os.ErrPermission) {
				break
			}
			if address, found := inodes[target]; found {
				return pid, address
			}
		}
	}
	return 0, ""
}

func hexPort(port int) string {
	s := strings.ToUpper(strconv.FormatInt(int64(port), 16))
	return strings.Repeat("0", 4-len(s)) + s
}
