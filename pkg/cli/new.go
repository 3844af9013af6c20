package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/repofs"
	"github.com/runbake/runbake/pkg/repository"
	"github.com/runbake/runbake/pkg/scaffold"
)

type newOptions struct {
	scaffold.Options
	kind   string
	dryRun bool
}

func newNew(a *app) *cobra.Command {
	var opts newOptions
	cmd := &cobra.Command{
		Use:   "new <key> <version>",
		Short: "Start a runtime, or add a version to one",
		Long: `New creates a runtime: its folder with definition, Dockerfile, scripts and README,
and the functions that test it. What it cannot write, such as the server, is marked
with ` + contract.Marker + ` and a description of what is needed.

Runtimes of the library are complete, including the server and the base image that
runs them: give only key and version, or for another version --from as well.
` + "`runbake update`" + ` shows later what has changed in the library.

For an existing key it adds a version: a block in the definition, in the order of
versions and without other changes, or, if the newest version has a folder of its
own, a copy of that folder.

Everything is checked before it is written. Nothing is overwritten, and either all
files are written or none. Paths are printed to stdout, remaining tasks to stderr.`,
		Example: `  # one that the library has
  runbake new node 24
  runbake new python 3.13 --from python:3.13-slim-bookworm

  # a language whose source runs as it is
  runbake new elixir 1.18 --kind interpreted --from elixir:1.18-slim

  # one that is compiled, and run by a base of the repository; for one platform
  runbake new zig 0.15 --kind compiled --from debian:bookworm-slim --run debian-12 --platforms linux/amd64

  # one that runbake does not know, with a folder for each version
  runbake new janet 1.38 --kind interpreted --from alpine:3.23 --name Janet --entrypoint main.janet --layout version

  # another version of a runtime; look first, as a patch that git apply takes
  runbake new node 26 --from node:26.1.0-bookworm-slim --dry-run
  runbake new node 26 --from node:26.1.0-bookworm-slim`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("name a key and a version, for example runbake new elixir 1.18")
			}
			return nil
		},
		ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Key, opts.Version, opts.Kind = args[0], args[1], catalogue.Kind(opts.kind)
			return a.new(cmd.Context(), opts)
		},
	}
	a.newFlags(cmd, &opts)
	return cmd
}

func (a *app) newFlags(cmd *cobra.Command, opts *newOptions) {
	f := cmd.Flags()
	f.StringVar(&opts.kind, "kind", "", "of a new runtime: interpreted or compiled")
	f.StringArrayVar(&opts.From, "from", nil, "image that it is built on; ARG=image where there are several")
	f.StringVar(&opts.Name, "name", "", "of a new runtime: the name that users see (default: made of the key)")
	f.StringVar(&opts.Entrypoint, "entrypoint", "", "of a new runtime: default entrypoint of functions (default: known for usual keys)")
	f.StringVar(&opts.Run, "run", "", "base that runs what is compiled: debian-12, or base.debian[\"12\"] (default: the only one)")
	f.StringVar(&opts.Layout, "layout", "", "of a new runtime: family, one folder for all versions, or version, a folder for each (default: family)")
	f.StringSliceVar(&opts.Platforms, "platforms", nil, "platforms, with commas between (default: the project's)")
	dryRunFlag(cmd, &opts.dryRun, "show a patch")
	for flag, complete := range map[string]cobra.CompletionFunc{
		"kind":      words(string(catalogue.Interpreted), string(catalogue.Compiled)),
		"layout":    words(scaffold.Family, scaffold.OneVersion),
		"platforms": words("linux/amd64", "linux/arm64"),
		"run":       a.completeBases,
		"from":      cobra.NoFileCompletions, "name": cobra.NoFileCompletions, "entrypoint": cobra.NoFileCompletions,
	} {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // the flag was defined above
		}
	}
}

// sound loads a repository that is to be written to: one with errors is not.
func (a *app) sound(ctx context.Context, fsys *repofs.FS) (*repository.Repository, error) {
	r, err := budget.Until(ctx, func() (*repository.Repository, error) { return repository.LoadDefinitions(fsys), nil })
	if err != nil {
		return nil, err
	}
	if r.None() {
		return nil, a.noProject()
	}
	if r.Diagnostics.HasErrors() {
		if err := a.tell(r); err != nil {
			return nil, err
		}
		return nil, &exitError{exitFailed, "nothing is written to a repository with errors"}
	}
	return r, nil
}

// new starts a runtime or a version.
func (a *app) new(ctx context.Context, o newOptions) error {
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	before, err := a.sound(ctx, fsys)
	if err != nil {
		return err
	}
	lib, err := a.openLibrary()
	if err != nil {
		return err
	}
	change, err := scaffold.New(o.Options, scaffold.Repository{Set: before.Set, Catalogue: before.Catalogue, FS: fsys}, lib)
	if blocked, ok := errors.AsType[*scaffold.InTheWay](err); ok {
		return &exitError{exitFailed, blocked.Error()}
	} else if err != nil {
		return err
	}
	after := &repository.Repository{}
	after.Sources, after.Diagnostics = change.Check(fsys)
	if after.Diagnostics.HasErrors() {
		if err := a.tell(after); err != nil {
			return err
		}
		return &exitError{exitFailed, change.ID + " is not written: the definitions would have errors"}
	}
	if o.dryRun {
		if a.env.Terminal {
			return changeset.WritePatch(a.env.Stdout, change.Files)
		}
		return changeset.WritePatch(a.exact, change.Files)
	}
	if err := changeset.Write(ctx, fsys, change.Files); err != nil {
		return fmt.Errorf("%s is not written: %w", change.ID, err)
	}
	return a.tellNext(change)
}

// tellNext lists what was written, and says what is left to do.
func (a *app) tellNext(change *scaffold.Change) error {
	for _, f := range change.Files {
		if _, err := fmt.Fprintln(a.env.Stdout, f.Path); err != nil {
			return err
		}
	}
	a.tellSteps(change.Next)
	return nil
}

// completeKeys completes the first argument: a key that exists gets another
// version.
func (a *app) completeKeys(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	r, err := a.read(cmd.Context())
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	have := map[string]bool{}
	for _, rt := range r.Catalogue.Runtimes {
		have[rt.Key] = true
		words = append(words, fmt.Sprintf("%s\tanother version of %s", rt.Key, rt.Name))
	}
	lib, err := a.openLibrary()
	if err != nil {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	for _, rt := range lib.Catalogue.Runtimes {
		if !have[rt.Key] {
			words = append(words, fmt.Sprintf("%s\t%s, from the library", rt.Key, rt.Name))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeBases completes ids of bases.
func (a *app) completeBases(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	r, err := a.read(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return scaffold.Bases(r.Catalogue), cobra.ShellCompDirectiveNoFileComp
}
