package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/build"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/platform"
	"github.com/runbake/runbake/pkg/repository"
	"github.com/runbake/runbake/pkg/testrun"
)

type testOptions struct {
	format   string
	platform string
	probe    string
	noCache  bool
	builder  builderOptions
	url      string
	key      string
	path     string
	function string
}

func newTest(a *app) *cobra.Command {
	var opts testOptions
	cmd := &cobra.Command{
		Use:   "test [runtime…]",
		Short: "Test images against the contract and by their checks, inside BuildKit",
		Long: `Test builds the images, prepares the fixtures as the function executor does, and
tests the servers against the contract: each rule is a test case. Each check block
of a definition is a test case too, for any image: a command, files, what the image
serves. Tests run inside BuildKit, without a Docker daemon or a published port, and
are cached: unchanged images are not tested again.

The platform of this machine is tested, or the one of --platform; --platform all
tests every platform of the definitions, emulated where necessary.

With --url a server that is running already is tested, by the rules that do not need
the image.

The rules are explained in docs/contract.md:

` + ruleList(contract.Live),
		Example: `  runbake test node-22
  runbake test --platform all --format junit > junit.xml
  runbake test go --builder my-builder

  # work on a server without building an image
  INTERNAL_RUNTIME_KEY=secret node runtimes/node/server.js &
  runbake test node-22 --url http://127.0.0.1:3000 --key secret`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.test(cmd.Context(), patterns, opts)
		},
	}
	f := cmd.Flags()
	formatFlag(cmd, &opts.format, "text", "json", "junit")
	platformFlag(cmd, &opts.platform, "that of this machine")
	f.StringVar(&opts.probe, "probe", "", "folder with linux/<architecture>/probe, or docker-image://<image> (default: PROBE of the emitted file)")
	noCacheFlag(cmd, &opts.noCache, "ask again although nothing has changed")
	jobsFlag(cmd, &opts.builder.engine)
	builderFlags(cmd, &opts.builder)
	progressFlag(cmd, &opts.builder.engine.Display)
	silenceFlag(cmd, &opts.builder.engine)
	f.StringVar(&opts.url, "url", "", "test the server at this address instead of images")
	f.StringVar(&opts.key, "key", "", "with --url: its INTERNAL_RUNTIME_KEY")
	f.StringVar(&opts.path, "path", "", "with --url: folder of the function, as the server sees it (default: that of the repository)")
	f.StringVar(&opts.function, "function", "", "with --url: the function that is installed, fixture or behaviour (default: both if interpreted, else fixture)")
	if err := cmd.RegisterFlagCompletionFunc("function", words(testrun.Fixture, testrun.Behaviour)); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

func (a *app) test(ctx context.Context, patterns []string, o testOptions) error {
	if err := errors.Join(checkFormat(o.format, "text", "json", "junit"), o.builder.checkBuild()); err != nil {
		return err
	}
	r, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	versions, notes := testrun.Testable(versions, o.platform, len(patterns) > 0)
	for _, note := range notes {
		a.log(note)
	}
	if len(versions) == 0 {
		return &exitError{exitFailed, "there is nothing to test; give images checks, or runtimes a fixture and an entrypoint, and a platform of Linux"}
	}
	var runs []conformance.Run
	if o.url != "" {
		runs, err = a.ask(ctx, versions, o)
	} else {
		runs, err = a.testImages(ctx, r, versions, o)
	}
	if ctx.Err() != nil {
		return a.showFinished(runs, versions, o.format)
	}
	if err != nil {
		return err
	}
	return a.showRuns(runs, o.format)
}

// showFinished writes what was found before an interrupt, and names the rest.
func (a *app) showFinished(runs []conformance.Run, versions []*catalogue.Version, format string) error {
	if len(runs) > 0 {
		if err := a.showRuns(runs, format); err != nil && err.Error() != "" {
			return err
		}
	}
	return &exitError{exitFailed, interrupted("not tested", testrun.Left(versions, runs))}
}

// ask asks a server that runs already.
func (a *app) ask(ctx context.Context, versions []*catalogue.Version, o testOptions) ([]conformance.Run, error) {
	if address, err := url.Parse(o.url); err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, fmt.Errorf("--url=%s: it is the URL of a server, for example http://127.0.0.1:3000", o.url)
	}
	if len(versions) != 1 {
		return nil, errors.New("--url asks one server: name the one version that it is of")
	}
	if !versions[0].Functions() {
		return nil, fmt.Errorf("--url asks what the contract says, and %s has no fixture or no entrypoint", versions[0].ID)
	}
	if o.function != "" {
		if err := checkWord("function", o.function, testrun.Fixture, testrun.Behaviour); err != nil {
			return nil, err
		}
	}
	run, err := testrun.Server{URL: o.url, Key: o.key, Path: o.path, Function: o.function}.Ask(ctx, versions[0], a.dir)
	if err != nil {
		return nil, err
	}
	return []conformance.Run{run}, nil
}

// testImages builds the test targets of versions, and reads what they report.
func (a *app) testImages(ctx context.Context, r *repository.Repository, versions []*catalogue.Version,
	o testOptions,
) (_ []conformance.Run, err error) {
	file := r.File()
	vars, err := a.testVars(file, o)
	if err != nil {
		return nil, err
	}
	times, err := a.times(ctx, r.Catalogue, false)
	if err != nil {
		return nil, err
	}
	arguments, err := a.timeArguments(times, file.EvaluateAll(file.Defaults()))
	if err != nil {
		return nil, err
	}
	if err := a.tellStale(file); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "runbake-test-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // reports and a probe only, and a temporary folder
	if _, set := vars["PROBE"]; !set && file.Probe.Probe == catalogue.DefaultProbe {
		if err := a.ownProbe(ctx, filepath.Join(dir, "probe"), vars); err != nil {
			return nil, err
		}
	}
	builder, err := a.openEngine(ctx, o.builder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, builder.Close()) }()
	runs, err := (&testrun.Runner{
		Engine: builder, File: file.Encode(), Dir: a.dir, Variables: vars, Platform: vars["PLATFORM"],
		Arguments: arguments, Reports: filepath.Join(dir, "reports"), Now: a.env.Now,
	}).Test(ctx, versions, o.noCache)
	if nothing, is := errors.AsType[*testrun.NothingError](err); is {
		return nil, &exitError{exitFailed, nothing.Error()}
	}
	return runs, err
}

// ownProbe makes tests take the probe of this program instead of an image.
func (a *app) ownProbe(ctx context.Context, dir string, vars map[string]string) error {
	has, err := testrun.Probe(ctx, dir, versionsOf(a.env.Build).Runbake, a.log)
	if has {
		vars["PROBE"] = dir
	}
	return err
}

// testVars are the variables of the emitted file for a test.
func (a *app) testVars(file *bake.File, o testOptions) (map[string]string, error) {
	vars := map[string]string{"LOCAL": "false"}
	for _, v := range file.Variables {
		if value, set := a.env.LookupEnv(v.Name); set {
			vars[v.Name] = value
		}
	}
	name, err := build.Platform(file, cmp.Or(o.platform, file.Local(platform.Host())))
	if err != nil {
		return nil, err
	}
	if name != "" {
		vars["PLATFORM"] = name
	}
	if o.probe != "" {
		vars["PROBE"] = o.probe
		if !strings.Contains(o.probe, ":") {
			folder, err := filepath.Abs(o.probe)
			if err != nil {
				return nil, err
			}
			vars["PROBE"] = folder
		}
	}
	return vars, nil
}

// showRuns writes what was found, and fails when a rule did.
func (a *app) showRuns(runs []conformance.Run, format string) error {
	write := conformance.WriteTable
	switch format {
	case "json":
		write = func(w io.Writer, runs []conformance.Run) error { return envelope.Write(w, "test", runs) }
	case "junit":
		write = conformance.WriteJUnit
	}
	if err := write(a.env.Stdout, runs); err != nil {
		return err
	}
	if slices.ContainsFunc(runs, func(r conformance.Run) bool { return r.Failed() }) {
		return &exitError{code: exitFailed}
	}
	return nil
}
