package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/fixture"
)

// Role says what a function is built for.
type Role string

// Roles.
const (
	Fixture   Role = "fixture"   // answers with the three fields
	Behaviour Role = "behaviour" // does what its env asks for
	Broken    Role = "broken"    // cannot be built
)

// BuildOptions say what is built.
type BuildOptions struct {
	Role       Role
	Compiled   bool
	Entrypoint string   // file name of the function; "" when there is no such function
	Command    []string // the image's own command; nil if it is not known
	Function   string   // folder with the function
	Out        string   // folder for code.tar.gz and results.json
	Timeout    time.Duration
}

// Names of what a build leaves in its Out folder.
const (
	packedName  = "code.tar.gz"
	resultsName = "results.json"
)

// Build does what the executor does to deploy a function, in the build image:
// the code at /tmp/code.tar.gz, unpacked into /usr/code, build.sh in
// /usr/local/src, and /usr/code packed. What it found goes to the Out folder;
// the error is for what keeps it from finding anything.
func Build(ctx context.Context, o BuildOptions) error {
	if err := os.MkdirAll(o.Out, 0o755); err != nil { //nolint:gosec // another container's user reads it
		return err
	}
	b := &build{BuildOptions: o}
	var results []conformance.Result
	switch {
	case o.Entrypoint == "":
	case o.Role == Fixture:
		results = b.fixture(ctx)
	case o.Role == Behaviour:
		results = []conformance.Result{b.timed(o.Role.rule(), func() error { return b.deploy(ctx) })}
	default:
		results = []conformance.Result{b.timed(o.Role.rule(), func() error { return b.fails(ctx) })}
	}
	data, err := json.Marshal(results)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.Out, resultsName), data, 0o644) //nolint:gosec // see above
}

// rule is the one that the build of a function decides.
func (r Role) rule() string {
	return map[Role]string{Fixture: "build", Behaviour: "entrypoint-name", Broken: "build-failure"}[r]
}

type build struct {
	BuildOptions
	output tail // of build.sh
}

func (b *build) timed(rule string, check func() error) conformance.Result {
	r := timed(rule, check)
	if r.Verdict == conformance.Fail {
		r.Log = b.output.String()
	}
	return r
}

// fixture builds the function of the contract, and looks at the image around
// it.
func (b *build) fixture(ctx context.Context) []conformance.Result {
	results := []conformance.Result{
		timed("user", accounts),
		timed("folders", func() error { return folders(contract.Dirs()) }),
		timed("scripts", func() error { return scripts(b.Compiled) }),
		timed("build-command", func() error { return b.command(ctx) }),
	}
	built := b.timed("build", func() error { return b.deploy(ctx) })
	result := contract.Executable
	made := timed("executable", func() error {
		if !b.Compiled {
			return notRun("an interpreted runtime makes no executable")
		}
		if built.Verdict != conformance.Pass {
			return needs("build")
		}
		return executable(result)
	})
	return append(results, built, made, timed("built-platform", func() error {
		switch {
		case !b.Compiled:
			return notRun("an interpreted runtime makes no executable")
		case built.Verdict != conformance.Pass:
			return needs("build")
		case made.Verdict != conformance.Pass:
			return needs("executable")
		}
		return forPlatform(result, "a program")
	}))
}

// command starts the image's own command, which must keep running until it is
// told to end.
func (b *build) command(ctx context.Context) error {
	switch {
	case !b.Compiled:
		return notRun("the command of an interpreted runtime starts its server")
	case len(b.Command) == 0:
		return notRun("the image runs functions itself, or its Dockerfile does not say what the command is")
	}
	const long = time.Second // more than any command needs to fail
	cmd := exec.CommandContext(ctx, b.Command[0], b.Command[1:]...)
	cmd.Env = environment()
	if err := cmd.Start(); err != nil {
		return wanted("a command that starts", "%v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return wanted("a command that keeps running", "its end: %s", ending(err))
	case <-time.After(long):
		return errors.Join(cmd.Process.Kill(), ignore(<-ended))
	}
}

// ignore drops the error of a process that was killed.
func ignore(error) error { return nil }

// unpack is the command that the executor unpacks functions with.
const unpack = "mkdir -p " + contract.CodeDir + " && cp " + contract.CodeArchive + " " + archiveCopy +
	" && cd /usr && tar -zxf " + archiveCopy + " -C " + contract.CodeDir + " && rm " + archiveCopy

// archiveCopy is where the executor has a copy of the code meanwhile.
const archiveCopy = contract.WorkspaceDir + "/code.tar.gz"

// deploy builds the function and packs what came out.
func (b *build) deploy(ctx context.Context) error {
	if err := b.place(); err != nil {
		return err
	}
	if out, err := b.run(ctx, "sh", "-c", unpack); err != nil {
		return wanted("code that can be unpacked into "+contract.CodeDir, "%s: %s", ending(err), out)
	}
	if err := executable(filepath.Join(contract.SourceDir, "build.sh")); err != nil {
		return needs("scripts")
	}
	var stderr tail
	if out, err := b.runTo(ctx, &stderr, contract.SourceDir, "./build.sh"); err != nil {
		return wanted("exit status 0 of build.sh", "%s: %s", ending(err),
			cmpEmpty(lastLine(stderr.String()), lastLine(out)))
	}
	if empty(contract.CodeDir) {
		return wanted("the result in "+contract.CodeDir, "an empty folder")
	}
	packed := filepath.Join(b.Out, packedName)
	if out, err := b.run(ctx, "tar", "-C", contract.CodeDir, "-czf", packed, "./"); err != nil {
		return wanted("a result that appwrite can pack", "%s: %s", ending(err), out)
	}
	return os.Chmod(packed, 0o644) //nolint:gosec // another container's user reads it
}

// fails builds a function that cannot be built.
func (b *build) fails(ctx context.Context) error {
	if err := b.place(); err != nil {
		return err
	}
	if out, err := b.run(ctx, "sh", "-c", unpack); err != nil {
		return notRun("the code could not be unpacked: %s: %s", ending(err), out)
	}
	var stderr tail
	_, err := b.runTo(ctx, &stderr, contract.SourceDir, "./build.sh")
	switch _, exited := errors.AsType[*exec.ExitError](err); {
	case err == nil:
		return wanted("an exit status that is not 0", "exit status 0")
	case !exited:
		return notRun("build.sh could not be run: %v", err)
	case ctx.Err() != nil:
		return wanted("an end", "none in time")
	case strings.TrimSpace(stderr.String()) == "":
		return wanted("a message on stderr", "nothing there")
	}
	return nil
}

// place packs the function to where the executor puts it.
func (b *build) place() error {
	var packed bytes.Buffer
	if err := fixture.Pack(&packed, os.DirFS(b.Function)); err != nil {
		return wanted("a function that the image's user can read", "%v", err)
	}
	if err := os.WriteFile(contract.CodeArchive, packed.Bytes(), 0o600); err != nil {
		return wanted("a place for the function", "%v", err)
	}
	return nil
}

// run runs a step of the executor's own and returns what it wrote.
func (b *build) run(ctx context.Context, name string, args ...string) (string, error) {
	return b.runTo(ctx, &tail{}, "/", name, args...)
}

func (b *build) runTo(ctx context.Context, stderr *tail, dir, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = environment("ENTRYPOINT_NAME=" + b.Entrypoint)
	cmd.WaitDelay = time.Second // for what it left behind with its output open
	var out tail
	cmd.Stdout = writers{&out, &b.output}
	cmd.Stderr = writers{&out, &b.output, stderr}
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("no end within %v", b.Timeout)
	}
	return out.String(), err
}

// writers hands what is written to all.
type writers []*tail

func (w writers) Write(p []byte) (int, error) {
	for _, t := range w {
		_, _ = t.Write(p) // a tail takes everything
	}
	return len(p), nil
}

// ending says in words how a process ended.
func ending(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// empty reports whether a folder has nothing in it, or is not there.
func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || len(entries) == 0
}

func executable(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wanted(name, "no such file")
	case err != nil:
		return wanted(name, "%v", err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return wanted(name+" with mode 0755", "mode %v", info.Mode())
	}
	return nil
}
