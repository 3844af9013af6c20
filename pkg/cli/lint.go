package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/baseline"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/lint"
	"github.com/runbake/runbake/pkg/repository"
)

var lintFormats = []string{"text", "json", "sarif", "github"}

type lintOptions struct {
	format        string
	writeBaseline bool
	fix           bool
	dryRun        bool
	force         bool
}

// check checks flags, and what they go with.
func (o lintOptions) check(patterns []string) error {
	if err := checkFormat(o.format, lintFormats...); err != nil {
		return err
	}
	switch {
	case o.dryRun && !o.fix:
		return errors.New("--dry-run is about --fix: give both")
	case o.dryRun && o.writeBaseline:
		return errors.New("--dry-run writes nothing, and --write-baseline does: give one of them")
	case o.force && !o.writeBaseline:
		return errors.New("--force is about --write-baseline: give both")
	case o.writeBaseline && len(patterns) > 0:
		return errors.New("--write-baseline is about all runtimes: name none")
	}
	return nil
}

func newLint(a *app) *cobra.Command {
	var opts lintOptions
	cmd := &cobra.Command{
		Use:   "lint [runtime…]",
		Short: "Check the definitions, and the files of runtimes against the contract",
		Long: `Lint checks the definitions, and the Dockerfiles, scripts and folders of runtimes
against the contract (docs/contract.md). It runs BuildKit's Dockerfile checks too.
All problems of all files are reported at once, each with its place and a fix.
Nothing is built and the network is not used. The exit code is 1 if there are
errors.

Findings listed in runbake.baseline.hcl are counted but not shown. --write-baseline
writes that file: the first time with all current findings, so that an existing
repository can start clean, later without the findings that were fixed. New
findings are only added with --force. Nothing is written if a definition is invalid.

The level and the severity of rules are set in lint blocks of the definitions. A
comment before a line of a Dockerfile or script suppresses a rule for that line:

  # runbake:ignore <rule>: <reason>

--fix applies the fixes that are unambiguous and leaves the rest: set -e is not
added to a script that relies on commands that fail. Either all files are written
or none, and line endings are kept; --dry-run shows a patch instead. These rules
can be fixed:

` + wrapped(lint.Fixable()) + `

The rules, besides BuildKit's:

` + ruleList(contract.InFiles),
		Example: `  runbake lint
  runbake lint node 'python-3.*'
  runbake lint --format json | jq '.items[].summary'
  runbake lint --format sarif > runbake.sarif   # for code scanning
  runbake lint --format github                  # in a workflow: shown at the lines of the change
  runbake lint --fix --dry-run                  # what a program can mend
  runbake lint --write-baseline                 # what is found today is known; commit the file`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.lint(cmd.Context(), patterns, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.fix, "fix", false, "apply the fixes that are unambiguous")
	dryRunFlag(cmd, &opts.dryRun, "show what --fix would as a patch")
	formatFlag(cmd, &opts.format, lintFormats...)
	cmd.Flags().BoolVar(&opts.writeBaseline, "write-baseline", false, "write the current findings to "+baseline.FileName)
	forceFlag(cmd, &opts.force, "add new findings to the baseline, or replace one that cannot be read")
	return cmd
}

func (a *app) lint(ctx context.Context, patterns []string, o lintOptions) error {
	if err := o.check(patterns); err != nil {
		return err
	}
	if o.fix {
		if err := a.mend(ctx, patterns, o.dryRun); err != nil || o.dryRun {
			return err
		}
	}
	r, err := budget.Until(ctx, func() (*linted, error) { return a.check(ctx, patterns) })
	if err != nil {
		return err
	}
	if r.None() {
		return a.noProject()
	}
	a.tellEmpty(r.Repository)
	if o.writeBaseline {
		if err := a.writeBaseline(r, o.force); err != nil {
			return err
		}
	}
	if err := a.leaveOut(r, len(patterns) == 0); err != nil {
		return err
	}
	if err := a.writeDiagnostics(r, o.format); err != nil {
		return err
	}
	summary := diag.Summary(r.Diagnostics)
	if summary == "" {
		problems := "no problems"
		if len(r.known) > 0 {
			problems = "no new problems"
		}
		summary = fmt.Sprintf("%s of %d runtimes and bases: %s", count(len(r.versions), "version"), countRuntimes(r.versions), problems)
	}
	fmt.Fprintln(a.env.Stderr, summary)
	if len(r.known) > 0 {
		fmt.Fprintf(a.env.Stderr, "%s left out: %s\n", count(len(r.known), "known finding"), baseline.FileName)
	}
	if r.Diagnostics.HasErrors() {
		return &exitError{code: exitFailed}
	}
	return nil
}

// linted is a repository with all that was found in it.
type linted struct {
	*repository.Repository
	versions []*catalogue.Version
	folder   string // from the root of the git repository; "" for the root, and for none

	baseline bool            // there is one
	known    hcl.Diagnostics // what it knows, which is not in Diagnostics
}

// check reads the definitions and checks versions against the contract, as far
// as they could be resolved.
func (a *app) check(ctx context.Context, patterns []string) (*linted, error) {
	fsys, err := a.open()
	if err != nil {
		return nil, err
	}
	defer fsys.Close()
	return a.checkIn(ctx, fsys, patterns)
}

// checkIn is check of a repository as it is or will be.
func (a *app) checkIn(ctx context.Context, fsys fs.FS, patterns []string) (*linted, error) {
	r, err := repository.Load(fsys)
	if err != nil {
		return nil, err
	}
	versions, err := r.Catalogue.Select(patterns)
	if err != nil && !r.Diagnostics.HasErrors() { // else what is named may be what is broken
		return nil, err
	}
	checkout, err := git.Find(a.dir)
	if err != nil {
		return nil, err
	}
	r.CheckLock(versions)
	if !r.Diagnostics.HasErrors() { // else what is emitted is not known
		neighbours, err := bakecheck.Neighbours(fsys, r.File())
		if err != nil {
			return nil, err
		}
		r.Add(bakecheck.Warnings(neighbours))
	}
	a.checkHere(r)
	r.Add(catalogue.CheckEndOfLife(versions, a.env.Now()))
	r.Add(lint.Check(ctx, r.Catalogue, versions, fsys, lint.Checkout{
		Submodules: checkout.Below(checkout.Folder), LFS: checkout.LFS, Sparse: checkout.Sparse,
	}))
	r.ReadSources(fsys)
	return &linted{Repository: r, versions: versions, folder: checkout.Folder}, ctx.Err()
}

func (a *app) writeDiagnostics(r *linted, format string) error {
	all := diag.Sort(slices.Concat(r.Diagnostics, diag.Suppress(r.known)))
	switch format {
	case "json":
		return diag.WriteJSON(a.env.Stdout, all)
	case "github":
		return diag.WriteGitHub(a.exact, below(r.folder, r.Diagnostics))
	case "sarif":
		opts := diag.SARIFOptions{Version: versionsOf(a.env.Build).Runbake, Rules: lint.Rules()}
		if r.baseline {
			opts.Suppression = "It is in " + baseline.FileName + "."
		}
		return diag.WriteSARIF(a.env.Stdout, below(r.folder, all), opts)
	}
	return diag.WriteText(a.env.Stdout, r.Sources, r.Diagnostics, diag.TextOptions{Color: a.env.Color})
}

// below gives diagnostics the paths that they have from the root of the git
// repository, where services that show them look.
func below(folder string, diags hcl.Diagnostics) hcl.Diagnostics {
	if folder == "" {
		return diags
	}
	moved := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		clone := *d
		if d.Subject != nil {
			subject := *d.Subject
			subject.Filename = path.Join(folder, subject.Filename)
			clone.Subject = &subject
		}
		moved[i] = &clone
	}
	return moved
}

func countRuntimes(versions []*catalogue.Version) int {
	seen := map[*catalogue.Runtime]bool{}
	for _, v := range versions {
		seen[v.Runtime] = true
	}
	return len(seen)
}
