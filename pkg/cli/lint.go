package cli

import (
	"context"
	"fmt"
	"path"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/lint"
)

var lintFormats = []string{"text", "json", "sarif", "github"}

func newLint(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "lint [runtime…]",
		Short: "Check the definitions, and the files of runtimes against the contract",
		Long: `Lint checks every rule of the definition language, and the Dockerfiles, scripts and
folders of runtimes against the contract (docs/lint.md), BuildKit's own checks
of Dockerfiles included. It reports all problems of all files at once, each with
its place and the way to mend it. Nothing is built, and no network is used. The
exit code is 1 when there are errors.

How strict it is, and other severities for rules, stand in lint blocks of the
definitions. A comment in front of a line of a Dockerfile or script silences a
rule there:

  # runbake:ignore <rule>: <reason>

The rules, besides BuildKit's:

` + ruleList(contract.InFiles),
		Example: `  runbake lint
  runbake lint node 'python-3.*'
  runbake lint --format json | jq '.diagnostics[].summary'
  runbake lint --format sarif > runbake.sarif   # for code scanning
  runbake lint --format github                  # in a workflow: shown at the lines of the change`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.lint(cmd.Context(), patterns, format)
		},
	}
	formatFlag(cmd, &format, lintFormats...)
	return cmd
}

func (a *app) lint(ctx context.Context, patterns []string, format string) error {
	if err := checkFormat(format, lintFormats...); err != nil {
		return err
	}
	var versions []*catalogue.Version
	r, err := heard(ctx, func() (r *repository, err error) {
		r, versions, err = a.check(ctx, patterns)
		return r, err
	})
	if err != nil {
		return err
	}
	if r.none {
		return a.noProject()
	}
	a.tellEmpty(r)
	if err := a.writeDiagnostics(r, format); err != nil {
		return err
	}
	summary := diag.Summary(r.diags)
	if summary == "" {
		summary = fmt.Sprintf("%s of %d runtimes and bases: no problems", count(len(versions), "version"), countRuntimes(versions))
	}
	fmt.Fprintln(a.env.Stderr, summary)
	if r.diags.HasErrors() {
		return &exitError{code: exitFailed}
	}
	return nil
}

// check reads the definitions and checks versions against the contract, as far
// as they could be resolved.
func (a *app) check(ctx context.Context, patterns []string) (*repository, []*catalogue.Version, error) {
	fsys, err := a.open()
	if err != nil {
		return nil, nil, err
	}
	defer fsys.Close()
	r, err := readFrom(fsys)
	if err != nil {
		return nil, nil, err
	}
	versions, err := r.catalogue.Select(patterns)
	if err != nil && !r.diags.HasErrors() { // else what is named may be what is broken
		return nil, nil, err
	}
	checkout, err := git.Find(a.dir)
	if err != nil {
		return nil, nil, err
	}
	r.folder = checkout.Folder
	r.checkLock(versions)
	if err := r.checkNeighbours(fsys); err != nil {
		return nil, nil, err
	}
	a.checkDays(r)
	r.diags = append(r.diags, catalogue.CheckEndOfLife(versions, a.env.Now())...)
	found := lint.Check(ctx, r.catalogue, versions, fsys, lint.Checkout{
		Submodules: checkout.Below(checkout.Folder), LFS: checkout.LFS, Sparse: checkout.Sparse,
	})
	r.diags = diag.Sort(append(r.diags, found...))
	r.addDockerfiles(fsys)
	return r, versions, ctx.Err()
}

func (a *app) writeDiagnostics(r *repository, format string) error {
	switch format {
	case "json":
		return diag.WriteJSON(a.env.Stdout, r.diags)
	case "github":
		return diag.WriteGitHub(a.exact, below(r.folder, r.diags))
	case "sarif":
		return diag.WriteSARIF(a.env.Stdout, below(r.folder, r.diags), diag.SARIFOptions{Version: version(), Rules: lint.Rules()})
	}
	return diag.WriteText(a.env.Stdout, r.sources, r.diags, diag.TextOptions{Color: a.env.Color})
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
