package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/diag"
)

func newLint(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Check the definitions",
		Long: `Lint checks every rule of the definition language and reports all problems of all
files at once, each with its place and the way to mend it. The exit code is 1
when there are errors.`,
		Example: `  runbake lint
  runbake lint --format json | jq '.diagnostics[].summary'
  runbake lint --format github   # in a workflow: shown at the lines of the change`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.lint(format)
		},
	}
	formatFlag(cmd, &format, "text", "json", "github")
	return cmd
}

func (a *app) lint(format string) error {
	if err := checkFormat(format, "text", "json", "github"); err != nil {
		return err
	}
	r, err := a.read()
	if err != nil {
		return err
	}
	r.checkLock()
	switch format {
	case "json":
		err = diag.WriteJSON(a.env.Stdout, r.diags)
	case "github":
		err = diag.WriteGitHub(a.env.Stdout, r.diags)
	default:
		err = diag.WriteText(a.env.Stdout, r.sources, r.diags, diag.TextOptions{Color: a.env.Color})
	}
	if err != nil {
		return err
	}
	summary := diag.Summary(r.diags)
	if summary == "" {
		summary = fmt.Sprintf("%d versions of %d runtimes and bases: no problems", len(r.catalogue.Versions()), len(r.catalogue.Runtimes))
	}
	fmt.Fprintln(a.env.Stderr, summary)
	if r.diags.HasErrors() {
		return &exitError{code: exitFailed}
	}
	return nil
}
