package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/moby/patternmatcher"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/affected"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/platform"
	"github.com/runbake/runbake/pkg/workflow"
)

type affectedOptions struct {
	since      string
	until      string
	format     string
	runners    map[string]string
	everything []string
}

func newAffected(a *app) *cobra.Command {
	var opts affectedOptions
	cmd := &cobra.Command{
		Use:   "affected --since REF [runtime…]",
		Short: "Show which images and tests a change affects",
		Long: `Affected compares the inputs of each image and each test with those at a commit: the
files that the build can read, the Dockerfile, build arguments, upstream images,
named contexts and the definition. An image that is built on an affected image of
this repository is affected too. Changing a comment in a definition affects
nothing; changing a version block affects that version; changing the fixture of a
runtime affects its tests.

The comparison starts from the merge base of REF and the current state. The
current state is the working tree as it would be committed, with untracked and
without ignored files, or the commit of --until.

Deprecated versions are left out unless they are named. If there is doubt, for
example because the definitions at REF are invalid, everything is affected, and
the reason is printed.

The format github is meant for >> "$GITHUB_OUTPUT": the matrix jobs has a row for
each version and platform, its image together with its test, 256 rows at most.
jobs-rows is their number, because GitHub rejects a matrix without rows.

The format gitlab is a child pipeline with a job for each version and platform.`,
		Example: `  runbake affected --since origin/main
  runbake affected --since HEAD~3 --until HEAD node
  runbake affected --since "$BASE" --format github >> "$GITHUB_OUTPUT"
  runbake affected --since "$CI_MERGE_REQUEST_DIFF_BASE_SHA" --format gitlab > affected.yml`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.affected(cmd.Context(), patterns, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.since, flagSince, "", sinceText+": commit, branch or tag")
	f.StringVar(&opts.until, flagUntil, "", untilText+": commit, branch or tag (default: the working tree)")
	formatFlag(cmd, &opts.format, "text", "json", "github", "gitlab")
	f.StringToStringVar(&opts.runners, "runner", nil,
		"with github and gitlab: runner for a platform, platform=runner, may be given several times (default: what the project says, or what the service itself has)")
	f.StringArrayVar(&opts.everything, "everything", nil, "files whose change affects everything, as a pattern; may be given several times")
	for _, flag := range []string{"since", "until", "runner", "everything"} {
		if err := cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions); err != nil {
			panic(err) // the flag was defined above
		}
	}
	return cmd
}

func (a *app) affected(ctx context.Context, patterns []string, o affectedOptions) (err error) {
	if err := checkFormat(o.format, "text", "json", "github", "gitlab"); err != nil {
		return err
	}
	if o.since == "" {
		return errors.New("nothing says what to compare with: give --since, for example --since origin/main")
	}
	o.runners = byPlatform(o.runners)
	matcher, err := patternmatcher.New(o.everything)
	if err != nil {
		return fmt.Errorf("--everything: %w", err)
	}
	repo, err := git.Open(ctx, a.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	c, err := budget.Until(ctx, func() (*affected.Comparison, error) {
		return affected.Read(ctx, repo, affected.Options{Since: o.since, Until: o.until, Everything: matcher, Log: a.log})
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	c.Now.CheckVersion(versionsOf(a.env.Build).Runbake)
	if err := a.usable(c.Now.Repository); err != nil {
		return err
	}
	if c.Now.Problem != "" {
		return &exitError{exitFailed, c.Now.Problem}
	}
	if c.Everything != "" {
		a.log("everything is touched: " + c.Everything)
	}
	report := c.Report()
	left, err := c.Narrow(report, patterns)
	if err != nil {
		return err
	}
	if left > 0 {
		a.log(count(left, "target") + " of deprecated versions left out; name them to have them")
	}
	return a.writeReport(ctx, repo, c, report, o)
}

// writeReport writes what a change touches in the form that is asked for.
func (a *app) writeReport(ctx context.Context, repo *git.Repo, c *affected.Comparison, report *affected.Report, o affectedOptions) error {
	switch o.format {
	case "json":
		return c.WriteJSON(a.env.Stdout, report)
	case "github":
		settings := workflowSettings(c.Now.Catalogue.Project.Workflow, o.runners)
		jobs, err := c.Date(ctx, repo, report.Matrix(func(p string) affected.Labels { return settings.GitHub(p) }), a.log)
		if err != nil {
			return err
		}
		return writeMatrix(a.env.Stdout, jobs)
	case "gitlab":
		file, project := c.Now.File(), c.Now.Catalogue.Project
		text, err := workflow.Repository{
			Jobs: workflowJobs(report), Folder: repo.Folder(), Allow: allowed(file), Registry: project.Registry, Others: otherRegistries(c.Now.Catalogue, file),
			Settings: workflowSettings(project.Workflow, o.runners),
		}.Child()
		if err != nil {
			return err
		}
		_, err = a.env.Stdout.Write(text)
		return err
	}
	return writeAffected(a.env.Stdout, report)
}

// byPlatform names platforms as definitions do, whatever they were called.
func byPlatform(given map[string]string) map[string]string {
	runners := make(map[string]string, len(given))
	for name, runner := range given {
		if normal, err := platform.Normal(name); err == nil {
			name = normal
		}
		runners[name] = runner
	}
	return runners
}

// shownReasons is how many reasons the text gives for a target; JSON has all.
const shownReasons = 3

func writeAffected(w io.Writer, r *affected.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(id, work string, reasons []string) {
		for i, reason := range reasons {
			if i == shownReasons && len(reasons) > shownReasons+1 {
				fmt.Fprintf(table, "\t\tand %d more\n", len(reasons)-i)
				break
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", id, work, reason)
			id, work = "", ""
		}
	}
	fmt.Fprintln(table, "ID\tWORK\tREASON")
	built := map[string]bool{}
	tested := map[string]bool{}
	for _, c := range r.Test {
		tested[c.ID] = true
	}
	for _, c := range r.Build {
		built[c.ID] = true
		if tested[c.ID] {
			line(c.ID, "build, test", c.Reasons)
		} else {
			line(c.ID, "build", c.Reasons)
		}
	}
	for _, c := range r.Test {
		if !built[c.ID] {
			line(c.ID, "test", c.Reasons)
			built[c.ID] = true // it may have a second test, by checks
		}
	}
	for _, id := range r.Removed {
		line(id, "none", []string{"removed"})
	}
	if len(built)+len(tested)+len(r.Removed) == 0 {
		_, err := fmt.Fprintln(w, "nothing is touched")
		return err
	}
	return table.Flush()
}

// writeMatrix writes outputs of a step of GitHub Actions, one a line.
func writeMatrix(w io.Writer, jobs []affected.Row) error {
	text, err := json.Marshal(map[string][]affected.Row{"include": jobs})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "jobs=%s\njobs-rows=%d\n", text, len(jobs))
	return err
}
