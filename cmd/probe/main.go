// Probe is the program that tests run inside of images: it builds functions as
// the executor does, starts their server, and questions it. The tests of the
// emitted docker-bake.hcl run it; it takes what it needs to know from their
// build arguments, which are in its environment.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

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
		return verdict()
	}
	return errors.New("usage: probe build fixture|behaviour|broken, probe serve, or probe verdict")
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
	data, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(outDir, 0o755); err != nil { //nolint:gosec // another container's user reads it
		return err
	}
	return os.WriteFile(filepath.Join(outDir, reportName), data, 0o644) //nolint:gosec // see above
}

// verdict shows the report, and fails when a rule did.
func verdict() error {
	data, err := os.ReadFile(filepath.Join(outDir, reportName))
	if err != nil {
		return err
	}
	report, err := conformance.ReadReport(data)
	if err != nil {
		return err
	}
	if err := report.WriteText(os.Stdout); err != nil {
		return err
	}
	if n := report.Count(conformance.Fail); n > 0 {
		return fmt.Errorf("%d of %d rules failed; to ask again although nothing has changed, add --set "+
			"'*.no-cache-filter=tests'", n, len(report.Results))
	}
	return nil
}
