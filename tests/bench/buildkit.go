package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// BuildKit is a running buildkitd.
type BuildKit struct {
	Addr    string // unix:///…
	socket  string
	config  string // of buildkitd
	root    string
	running *process
	b       *Bench
}

// BuildKitOptions say what a BuildKit is like.
type BuildKitOptions struct {
	// Platforms that it says it can build; nil for all that it can.
	Platforms []string
	// State names a folder of the cache that keeps what was built, for a
	// warm start; "" for a fresh one that ends with the bench. One BuildKit
	// at a time can use it: others wait.
	State string
	// Registries are further ones, host:port, that are spoken to without TLS.
	Registries []string
	// Root is the folder of everything that it writes, instead of State.
	Root string
	// Parallel is how many steps it runs at a time; 0 for [fewSteps].
	Parallel int
}

// EnvFull makes tests prove everything, if it is 1.
const EnvFull = "RUNBAKE_FULL"

// fewSteps run at once: servers that are tested under emulation must not starve
// each other.
const fewSteps = 4

// buildkitConfig lets a run keep what it builds, so that a test does not build again
// what another one has built; of what the last hours did not use 8 GB stay.
const buildkitConfig = `[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  rootless = false
  snapshotter = "overlayfs"
  networkMode = "host"
  max-parallelism = %d
  %s
  [[worker.oci.gcpolicy]]
    all = true
    keepDuration = "3h"
    maxUsedSpace = "8GB"
  [[worker.oci.gcpolicy]]
    all = true
    maxUsedSpace = "24GB"
`

const registriesConfig = `[registry."docker.io"]
  mirrors = [%q]
[registry.%q]
  http = true
[registry.%q]
  http = true
`

// RegistriesConfig is the part of a buildkitd.toml that makes the mirror stand
// for Docker Hub, if it does.
func (b *Bench) RegistriesConfig() string {
	if b.hub {
		return fmt.Sprintf("[registry.%q]\n  http = true\n", b.registry.addr)
	}
	return fmt.Sprintf(registriesConfig, b.mirror.addr, b.mirror.addr, b.registry.addr)
}

// Kept is a folder of the cache that outlives the bench. One bench at a time
// can use it: others wait.
func (b *Bench) Kept(name string) (string, error) {
	unlock, err := b.cache.lock(name)
	if err != nil {
		return "", err
	}
	b.onClose(unlock)
	if err := os.MkdirAll(b.cache.path(name), 0o700); err != nil {
		return "", err
	}
	return b.cache.path(name), b.cache.use(name)
}

// StartBuildKit starts a buildkitd with a root of its own. It takes images of
// docker.io from the mirror.
func (b *Bench) StartBuildKit(ctx context.Context, opts BuildKitOptions) (*BuildKit, error) {
	dir, err := b.Dir("buildkit")
	if err != nil {
		return nil, err
	}
	root := filepath.Join(dir, "root")
	if opts.State != "" {
		if root, err = b.Kept("buildkit-" + opts.State); err != nil {
			return nil, err
		}
	}
	if opts.Root != "" {
		root = opts.Root
	}
	platforms := ""
	if len(opts.Platforms) > 0 {
		platforms = fmt.Sprintf("platforms = [%s]", quoted(opts.Platforms))
	}
	config := filepath.Join(dir, "buildkitd.toml")
	text := fmt.Appendf(nil, buildkitConfig+"%s", cmp.Or(opts.Parallel, fewSteps), platforms, b.RegistriesConfig())
	for _, r := range opts.Registries {
		text = fmt.Appendf(text, "[registry.%q]\n  http = true\n", r)
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		return nil, err
	}
	k := &BuildKit{socket: filepath.Join(dir, "buildkitd.sock"), config: config, root: root, b: b}
	k.Addr = "unix://" + k.socket
	b.onClose(func() error { return unmountBelow(root) })
	err = k.Start(ctx)
	return k, err
}

// Start starts it again after [BuildKit.Kill].
func (k *BuildKit) Start(ctx context.Context) (err error) {
	if err := os.Remove(k.socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	k.running, err = k.b.spawn(ctx, "buildkitd", k.ready, k.b.Tool("buildkitd"), "--config", k.config, "--root", k.root, "--addr", k.Addr)
	return err
}

// Pause makes it stand still, and Resume go on.
func (k *BuildKit) Pause() error { return k.running.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume undoes [BuildKit.Pause].
func (k *BuildKit) Resume() error { return k.running.cmd.Process.Signal(syscall.SIGCONT) }

// Kill ends it in the middle of whatever it does.
func (k *BuildKit) Kill() error { return k.running.kill() }

// ready looks whether it listens, which it does when it can build.
func (k *BuildKit) ready(ctx context.Context) error {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "unix", k.socket)
	if err != nil {
		return err
	}
	return connection.Close()
}

// Alive reports whether it runs.
func (k *BuildKit) Alive(ctx context.Context) bool { return k.ready(ctx) == nil }

func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(q, ", ")
}

// unmountBelow takes away mounts that a server which was killed has left.
func unmountBelow(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	var errs []error
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			if err := syscall.Unmount(fields[1], syscall.MNT_DETACH); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("unmounting %s: %w", fields[1], err))
			}
		}
	}
	return errors.Join(errs...)
}
