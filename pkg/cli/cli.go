// Package cli is the command line: flags in, results to stdout, everything
// else to stderr, and an exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/sink"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // the work failed: diagnostics, a build, a test
	exitUsage  = 2 // wrong usage, or a failure of our own
	exitDrift  = 3 // --check found a difference
)

// Env is the world that a command runs in.
type Env struct {
	Args      []string
	Stdout    io.Writer
	Stderr    io.Writer
	LookupEnv func(string) (string, bool)
	Now       func() time.Time
	Build     *debug.BuildInfo // of the program; nil when nothing is known of it
	Color     bool             // what is written is read on a terminal that shows colours
	Terminal  bool             // Stdout is one
}

// exitError ends the program with a code. With text "" it has been told
// already.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

// Main runs one command and returns the exit code. When ctx ends, a command that
// has not written yet ends without writing.
func Main(ctx context.Context, env Env) int {
	exact := env.Stdout
	out, log := sink.NewText(env.Stdout, env.Color), sink.NewText(env.Stderr, env.Color)
	env.Stdout, env.Stderr = out, log
	code := run(ctx, env, exact)
	if err := errors.Join(out.Flush(), log.Flush()); err != nil && code == exitDone {
		return exitUsage
	}
	return code
}

func run(ctx context.Context, env Env, exact io.Writer) int {
	root := newRoot(env, exact)
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if unknown := unknownCommand(root, env.Args); unknown != nil {
		err = unknown
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{exitUsage, err.Error()}
	}
	for line := range strings.Lines(exit.text) {
		fmt.Fprintf(env.Stderr, "runbake: %s\n", strings.TrimRight(line, "\n"))
	}
	return exit.code
}

// app is what all commands share.
type app struct {
	env   Env       // whose writers let nothing through but text
	exact io.Writer // stdout for what must be there to the byte, and escapes by itself
	dir   string    // --dir
}

func newRoot(env Env, exact io.Writer) *cobra.Command {
	a := &app{env: env, exact: exact}
	root := &cobra.Command{
		Use:   "runbake",
		Short: "Bake the container images of function runtimes",
		Long: `Runbake reads definitions of function runtimes (runbake.hcl and
runtimes/*/runtime.hcl), checks them, and writes the docker-bake.hcl that builds
their images for every platform.

Runtimes are named by id (node-22), by key (node: all its versions) or by a
pattern ('python-3.*'); no name means all of them.`,
		Example: `  # write docker-bake.hcl, then build and push with plain buildx
  runbake generate
  docker buildx bake -f docker-bake.hcl --push

  # build one runtime for this machine and load it into Docker
  LOCAL=1 docker buildx bake -f docker-bake.hcl node-22

  # without Docker and buildx
  runbake build --push --platform all`,
		Version:           versionsOf(env.Build).Runbake,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("runbake {{.Version}}\n")
	root.PersistentFlags().StringVarP(&a.dir, "dir", "C", ".", "root of the repository of runtimes")
	if err := root.MarkPersistentFlagDirname("dir"); err != nil {
		panic(err) // the flag was defined above
	}
	root.AddCommand(
		newGenerate(a),
		newLint(a),
		newFmt(a),
		newList(a),
		newPlan(a),
		newGraph(a),
		newSite(a),
		newPackage(a),
		newTest(a),
		newInit(a),
		newNew(a), newUpdate(a),
		newBuild(a),
		newDoctor(a),
		newWatch(),
		newLock(a),
		newBases(a),
		newPublish(a),
		newImport(a),
		newInputs(a),
		newAffected(a),
		newChanges(a),
		newWorkflow(a),
		newVersion(a),
		newReleaseFiles(),
	)
	return root
}

// words completes a flag that takes one of a few words.
func words(values ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}

// formatFlag adds --format with its completion.
func formatFlag(cmd *cobra.Command, into *string, formats ...string) {
	cmd.Flags().StringVar(into, "format", formats[0], "output format: "+alternatives(formats))
	if err := cmd.RegisterFlagCompletionFunc("format", words(formats...)); err != nil {
		panic(err) // the flag was defined above
	}
}

// forceFlag is that of commands that refuse to do something unless they are told to.
func forceFlag(cmd *cobra.Command, into *bool, what string) {
	cmd.Flags().BoolVar(into, "force", false, "override the safety check: "+what)
}

// forceReplace is what --force does of commands that write files.
const forceReplace = "replace files that runbake did not write"

// checkFlag is that of commands that compare files with what they would write.
func checkFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "check", false, "change nothing, and exit with 3 if something differs")
}

// dryRunFlag is that of commands that can show what they would do.
func dryRunFlag(cmd *cobra.Command, into *bool, what string) {
	cmd.Flags().BoolVar(into, "dry-run", false, "change nothing: "+what)
}

// --since and --until name two states, of a repository or of images.
const (
	flagSince = "since"
	flagUntil = "until"
	sinceText = "the earlier state to compare with"
	untilText = "the later state to look at"
)

// noCacheFlag is that of commands that BuildKit's cache spares work.
func noCacheFlag(cmd *cobra.Command, into *bool, what string) {
	cmd.Flags().BoolVar(into, "no-cache", false, "do not use cached results: "+what)
}

// outputFlag is that of commands whose result goes elsewhere.
func outputFlag(cmd *cobra.Command, into *string, what string) {
	cmd.Flags().StringVarP(into, "output", "o", "", "where the result goes: "+what)
}

// platformFlag adds --platform with its completion; without says what is meant
// without it.
func platformFlag(cmd *cobra.Command, into *string, without string) {
	cmd.Flags().StringVar(into, "platform", "", "one platform, or all (default: "+without+")")
	if err := cmd.RegisterFlagCompletionFunc("platform", words("all", "linux/amd64", "linux/arm64")); err != nil {
		panic(err) // the flag was defined above
	}
}

// failed ends a command of which a part failed: each error on a line of its own,
// then what it means.
func failed(errs []error, summary string) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return &exitError{exitFailed, errors.Join(append(errs, errors.New(summary))...).Error()}
}

// short is a digest for people: enough of it to tell two apart.
func short(digest string) string {
	const kept = len("sha256:") + 12
	if digest == "" {
		return "-"
	}
	return digest[:min(len(digest), kept)]
}
