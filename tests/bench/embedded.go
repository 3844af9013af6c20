package bench

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Embedded is a machine without Docker and buildx, where runbake builds with
// the BuildKit that it starts itself.
type Embedded struct {
	State string   // folder of that BuildKit
	Env   []string // what runbake has in its environment
}

// EmbeddedIdle is how long the BuildKit stays unused.
const EmbeddedIdle = 2 * time.Second

// Embedded prepares one. keep names a folder of the cache that keeps what was
// built; "" is for a fresh one that ends with the bench.
func (b *Bench) Embedded(keep string) (*Embedded, error) {
	state, err := b.Dir("state")
	if keep != "" && err == nil {
		state, err = b.Kept(keep)
	}
	if err != nil {
		return nil, err
	}
	home, err := b.Dir("home")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(home, "buildkitd.toml")
	if err := os.WriteFile(config, []byte(b.RegistriesConfig()), 0o600); err != nil {
		return nil, err
	}
	e := &Embedded{State: filepath.Join(state, "runbake")}
	e.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home, "XDG_STATE_HOME=" + state, "DOCKER_HOST=unix:///nowhere/docker.sock",
		"RUNBAKE_BUILDKITD_CONFIG=" + config, "RUNBAKE_BUILDKIT_IDLE=" + EmbeddedIdle.String(),
	}
	b.onClose(e.wait)
	return e, nil
}

// wait waits until the BuildKit has ended by itself: then it has let go of its
// lock.
func (e *Embedded) wait() error {
	f, err := os.OpenFile(filepath.Join(e.State, "daemon.lock"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // none was started
	}
	if err != nil {
		return err
	}
	defer f.Close()
	deadline := time.Now().Add(startTimeout)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-time.After(50 * time.Millisecond)
	}
}
