package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/runbake/runbake/pkg/gomodule"
)

// module is where BuildKit comes from when there is none.
const module = "github.com/moby/buildkit"

// runtimeLink is the name under which BuildKit finds the container runtime.
const runtimeLink = "buildkit-runc"

// The errors say what to do: they are what users see on a bare machine.
var (
	errNotRoot = errors.New("it needs root: run runbake as root, or use a builder of buildx, or a BuildKit that runs (rootless, for example) with --addr")
	errRuntime = errors.New("it needs runc or crun to run the steps; install one: apt-get install runc, dnf install runc, apk add runc")
)

// possible reports whether this user can have one.
func (o *Options) possible() error {
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	return nil
}

// containerRuntime is the path of runc, or else of crun.
func containerRuntime() (string, error) {
	for _, name := range []string{"runc", "crun"} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	for _, name := range []string{"/usr/sbin/runc", "/usr/sbin/crun"} { // not in everybody's PATH
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", errRuntime
}

// prepare puts the programs where the watcher finds them.
func (o *Options) prepare(ctx context.Context) error {
	if err := os.MkdirAll(o.path("bin"), 0o700); err != nil {
		return err
	}
	container, daemon, err := o.programs(ctx)
	if err != nil {
		return err
	}
	return errors.Join(link(container, o.path("bin/"+runtimeLink)), link(daemon, o.path("bin/buildkitd")), o.linkEmulators())
}

// programs are the container runtime and BuildKit: those of this machine, else
// those of the image, else BuildKit is compiled.
func (o *Options) programs(ctx context.Context) (container, daemon string, err error) {
	container, noContainer := containerRuntime()
	daemon, noDaemon := o.find()
	if noDaemon != nil && !errors.Is(noDaemon, exec.ErrNotFound) {
		return "", "", noDaemon
	}
	if noContainer == nil && noDaemon == nil {
		return container, daemon, nil
	}
	noImage := o.fetch(ctx)
	if noImage == nil {
		if noContainer != nil {
			container = filepath.Join(o.fetched(), runtimeLink)
		}
		if noDaemon != nil {
			daemon = filepath.Join(o.fetched(), "buildkitd")
		}
		return container, daemon, nil
	}
	if noContainer != nil || ctx.Err() != nil {
		return "", "", errors.Join(noContainer, noImage)
	}
	if daemon, err = o.compile(ctx); err != nil {
		return "", "", errors.Join(err, noImage)
	}
	return container, daemon, nil
}

// Ready reports whether it can start with what is there: nothing has to be taken
// from an image or compiled.
func (o *Options) Ready() bool {
	_, noContainer := containerRuntime()
	_, noDaemon := o.find()
	return noContainer == nil && noDaemon == nil || o.kept()
}

// link makes a link point to a program.
func link(program, name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(program, name)
}

// compiled is the path of the buildkitd that [Options.compile] makes.
func (o *Options) compiled() string { return o.path("bin/buildkitd-" + o.Version) }

// find looks for buildkitd: beside runbake, as releases have it; what was
// compiled before; what is installed.
func (o *Options) find() (string, error) {
	for _, name := range []string{filepath.Join(filepath.Dir(o.Self), "buildkitd"), o.compiled()} {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			return name, o.checkProgram(name)
		}
	}
	path, err := exec.LookPath("buildkitd")
	if err != nil {
		return "", fmt.Errorf("there is no buildkitd: put one beside runbake, or install BuildKit, or Go, which compiles it: %w", err)
	}
	return filepath.Abs(path)
}

// checkProgram refuses a program that somebody else can change, since it is run
// as root. Whoever owns runbake itself could change that.
func (o *Options) checkProgram(name string) error {
	trusted := []uint32{0, uint32(os.Geteuid())} //nolint:gosec // no user has a negative number
	if info, err := os.Stat(o.Self); err == nil {
		trusted = append(trusted, owner(info))
	}
	for _, path := range []string{name, filepath.Dir(name)} {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return err
		case !slices.Contains(trusted, owner(info)):
			return fmt.Errorf("%s is not run as root: %s belongs to the user %d; chown it to root, or remove it", name, path, owner(info))
		case info.Mode()&0o022 != 0:
			return fmt.Errorf("%s is not run as root: others may write to %s; chmod go-w it, or remove it", name, path)
		}
	}
	return nil
}

// owner is the user that a file belongs to.
func owner(info fs.FileInfo) uint32 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Uid
	}
	return math.MaxUint32 // nobody's
}

// compile makes buildkitd from the module that go.mod pins, which Go checks by
// its hash.
func (o *Options) compile(ctx context.Context) (string, error) {
	_, missing := o.find()
	if !gomodule.Possible() || o.Version == "" {
		return "", missing
	}
	o.Log("compiling BuildKit " + o.Version + " for the first use; this takes some minutes")
	program := gomodule.Program{Module: module, Version: o.Version, Package: "./cmd/buildkitd"}
	return o.compiled(), program.Build(ctx, o.compiled(), "")
}
