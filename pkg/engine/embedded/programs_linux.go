package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

// missingError says that a program is not there, and what to do: users see it on a
// bare machine.
type missingError string

func (e missingError) Error() string { return string(e) }

const errRuntime missingError = "it needs runc or crun to run the steps; install one: apt-get install runc, dnf install runc, apk add runc"

// possible reports whether this user can have one.
func (o *Options) possible() error {
	if !rootless() {
		return nil
	}
	var errs []error
	for _, f := range here().check() {
		if f.Problem != "" && !f.Works {
			errs = append(errs, fmt.Errorf("without root it needs a user namespace: %s; %s", f.Problem, f.Fix))
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("or run runbake as root, or use a builder of buildx, or a BuildKit that runs, with --addr"))
	}
	return errors.Join(errs...)
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

// program is one that BuildKit is or needs, and the name that it is linked by.
type program struct {
	link string
	find func() (string, error)
}

func (o *Options) needed() []program {
	all := []program{{"buildkitd", o.find}, {runtimeLink, containerRuntime}}
	if rootless() {
		all = append(all, program{rootlessKit, findRootlessKit})
	}
	return all
}

// prepare puts the programs where the watcher finds them.
func (o *Options) prepare(ctx context.Context) error {
	if err := errors.Join(os.MkdirAll(o.path("bin"), 0o700), os.MkdirAll(o.path("run"), 0o700)); err != nil {
		return err
	}
	paths, err := o.programs(ctx)
	if err != nil {
		return err
	}
	errs := []error{o.linkEmulators()}
	for name, path := range paths {
		errs = append(errs, link(path, o.path("bin/"+name)))
	}
	return errors.Join(errs...)
}

// programs are the paths of what is needed, by their links: those of this machine,
// else those of the image, else BuildKit is compiled.
func (o *Options) programs(ctx context.Context) (paths map[string]string, err error) {
	paths, missing := map[string]string{}, map[string]error{}
	for _, p := range o.needed() {
		path, err := p.find()
		if _, is := errors.AsType[missingError](err); is {
			missing[p.link] = err
		} else if err != nil {
			return nil, err
		} else {
			paths[p.link] = path
		}
	}
	if len(missing) == 0 {
		return paths, nil
	}
	noImage := o.fetch(ctx)
	if noImage == nil {
		for name := range missing {
			paths[name] = filepath.Join(o.fetched(), name)
		}
		return paths, nil
	}
	_, compiles := missing["buildkitd"]
	if len(missing) > 1 || !compiles || ctx.Err() != nil {
		return nil, errors.Join(append(slices.Collect(maps.Values(missing)), noImage)...)
	}
	if paths["buildkitd"], err = o.compile(ctx); err != nil {
		return nil, errors.Join(err, noImage)
	}
	return paths, nil
}

// Ready reports whether it can start with what is there: nothing has to be taken
// from an image or compiled.
func (o *Options) Ready() bool {
	lacks := func(p program) bool {
		_, err := p.find()
		return err != nil
	}
	return !slices.ContainsFunc(o.needed(), lacks) || o.kept()
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
		return "", missingError("there is no buildkitd: put one beside runbake, or install BuildKit, or Go, which compiles it")
	}
	return filepath.Abs(path)
}

// checkProgram refuses a program that somebody else can change. Whoever owns runbake itself could change that.
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
			return fmt.Errorf("%s is not run: %s belongs to the user %d; chown it to root, or remove it", name, path, owner(info))
		case info.Mode()&0o022 != 0:
			return fmt.Errorf("%s is not run: others may write to %s; chmod go-w it, or remove it", name, path)
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
