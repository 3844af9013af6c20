// Probe is the program that tests run inside of images: it builds functions as
// the executor does, starts their server, and questions it. The tests of the
// emitted docker-bake.hcl run it; it takes what it needs to know from their
// build arguments, which are in its environment. It also runs the checks of
// definitions, which a file has.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/runbake/runbake/pkg/check"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/conformance/probe"
	"github.com/runbake/runbake/pkg/contract"
)

// Where the Dockerfile of the tests mounts and copies things.
const (
	functionDir = "/.runbake/function" // mounted: the function to build
	builtDir    = "/.runbake/"         // mounted: what builds have left, by role
	outDir      = "/tmp/runbake"       // left by each step
	reportName  = "report.json"
	// commandsName is the report of the commands of checks, without their files.
	commandsName = "commands.json"
)

// buildTimeout is for a compiler under emulation.
const buildTimeout = 15 * time.Minute

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx := context.Background()
	compiled := os.Getenv("KIND") == "compiled"
	switch {
	case len(args) == 2 && args[0] == "build":
		command, err := commandOf("BUILD_COMMAND")
		if err != nil {
			return err
		}
		role := probe.Role(args[1])
		return probe.Build(ctx, probe.BuildOptions{
			Role: role, Compiled: compiled, Entrypoint: entrypoint(role), Command: command,
			Function: functionDir, Out: outDir, Timeout: buildTimeout,
		})
	case len(args) == 1 && args[0] == "serve":
		return serve(ctx, compiled)
	case len(args) == 1 && args[0] == "verdict":
		return verdict(outDir, conformance.ReadReport)
	case len(args) == 3 && slices.Contains([]string{"commands", "files", "verdict"}, args[0]):
		return checks(ctx, args[0], args[1], args[2])
	}
	return errors.New("usage: probe build fixture|behaviour|broken, probe serve, probe verdict, or probe commands|files|verdict <checks> <folder of reports>")
}

// checks asks the image what a file says, in two steps, or shows what these have
// found.
func checks(ctx context.Context, do, file, dir string) error {
	data, err := os.ReadFile(file) //nolint:gosec // the Dockerfile of checks names it
	if err != nil {
		return err
	}
	all, err := check.Decode(data)
	if err != nil {
		return err
	}
	read := func(data []byte) (*conformance.Report, error) { return conformance.ReadChecks(data, check.Names(all)) }
	switch do {
	case "commands":
		return write(dir, commandsName, probe.Commands(ctx, all))
	case "files":
		data, err := os.ReadFile(filepath.Join(dir, commandsName)) //nolint:gosec // the step before has left it there
		if err != nil {
			return err
		}
		report, err := read(data)
		if err != nil {
			return err
		}
		probe.Files(all, report)
		return write(dir, reportName, report)
	}
	return verdict(dir, read)
}

// entrypoint is the file name of a function, "" when there is none.
func entrypoint(role probe.Role) string {
	switch role {
	case probe.Behaviour:
		return os.Getenv("BEHAVIOUR")
	case probe.Broken:
		return os.Getenv("BROKEN")
	}
	return os.Getenv("ENTRYPOINT")
}

// commandOf reads a command as Dockerfiles write it: a JSON list.
func commandOf(name string) ([]string, error) {
	text := os.Getenv(name)
	if text == "" {
		return nil, nil
	}
	var command []string
	if err := json.Unmarshal([]byte(text), &command); err != nil {
		return nil, fmt.Errorf("%s=%q is no list of words: %w", name, text, err)
	}
	return command, nil
}

func serve(ctx context.Context, compiled bool) error {
	command, err := commandOf("COMMAND")
	if err != nil {
		return err
	}
	function := func(role probe.Role) probe.Function {
		return probe.Function{Role: role, Entrypoint: entrypoint(role), Built: builtDir + string(role)}
	}
	report := probe.Serve(ctx, probe.ServeOptions{
		Compiled: compiled, Launch: []string{contract.LaunchScript}, Command: command, Port: contract.Port,
		Fixture: function(probe.Fixture), Behaviour: function(probe.Behaviour), Broken: function(probe.Broken),
		Limits: probe.DefaultLimits(),
	})
	return write(outDir, reportName, report)
}

// write leaves a report.
func write(dir, name string, report *conformance.Report) error {
	data, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // another container's user reads it
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), data, 0o644) //nolint:gosec // see above
}

// verdict shows the report, and fails when a rule or check did.
func verdict(dir string, read func([]byte) (*conformance.Report, error)) error {
	data, err := os.ReadFile(filepath.Join(dir, reportName)) //nolint:gosec // a step before has left it there
	if err != nil {
		return err
	}
	report, err := read(data)
	if err != nil {
		return err
	}
	if err := report.WriteText(os.Stdout); err != nil {
		return err
	}
	if n := report.Count(conformance.Fail); n > 0 {
		return fmt.Errorf("%d of %d failed; to ask again although nothing has changed, add --set "+
			"'*.no-cache-filter=tests'", n, len(report.Results))
	}
	return nil
}
