package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/moby/patternmatcher"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/pkg/affected"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/inputs"
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
		Short: "Show which images and tests a change touches",
		Long: `Affected compares what goes into each image and each test now with what went into it
at a commit: files that a build can see, the Dockerfile, arguments, base images,
named contexts, the definition, and through images of this repository all that
are built on them. A comment in a definition touches nothing, a version's block
that version, the fixture of a runtime its tests.

It compares with the commit where the histories of REF and of what is looked at
part. That is the working tree as it would be committed, with files that are not
tracked and without ignored ones, or the commit of --until.

Deprecated versions are left out unless they are named. On doubt, for example when
the definitions of REF are broken, everything is touched, and why is said.

The format github is for >> "$GITHUB_OUTPUT": matrices build (a row for each chain
of images and platform), publish and test, none of more than 256 rows, and the
numbers of their rows, because a matrix without rows is an error there.`,
		Example: `  runbake affected --since origin/main
  runbake affected --since HEAD~3 --until HEAD node
  runbake affected --since "$BASE" --format github >> "$GITHUB_OUTPUT"`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.affected(cmd.Context(), patterns, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.since, "since", "", "commit, branch or tag to compare with")
	f.StringVar(&opts.until, "until", "", "commit, branch or tag to look at (default: the working tree)")
	formatFlag(cmd, &opts.format, "text", "json", "github")
	f.StringToStringVar(&opts.runners, "runner", map[string]string{"linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm"},
		"with github: runner for a platform, may be given several times; others have that of linux/amd64")
	f.StringArrayVar(&opts.everything, "everything", nil, "a change to files of this pattern touches everything, may be given several times")
	if err := cmd.MarkFlagRequired("since"); err != nil {
		panic(err) // the flag was defined above
	}
	for _, flag := range []string{"since", "until", "runner", "everything"} {
		if err := cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions); err != nil {
			panic(err) // the flag was defined above
		}
	}
	return cmd
}

func (a *app) affected(ctx context.Context, patterns []string, o affectedOptions) (err error) {
	if err := checkFormat(o.format, "text", "json", "github"); err != nil {
		return err
	}
	matcher, err := patternmatcher.New(o.everything)
	if err != nil {
		return fmt.Errorf("--everything: %w", err)
	}
	repo, err := git.Open(ctx, a.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	c, err := a.compare(ctx, repo, o, matcher)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := a.check(c.now.repository); err != nil {
		return err
	}
	if c.now.err != nil {
		return &exitError{exitFailed, c.now.err.Error()}
	}
	if c.everything != "" {
		fmt.Fprintf(a.env.Stderr, "everything is touched: %s\n", c.everything)
	}
	report := affected.Compare(c.before.stateUnless(c.everything), *c.now.state, c.everything)
	if err := a.narrow(report, c, patterns); err != nil {
		return err
	}
	switch o.format {
	case "json":
		return writeJSON(a.env.Stdout, struct {
			Since      string `json:"since"`
			Until      string `json:"until"`
			Everything string `json:"everything,omitempty"`
			*affected.Report
		}{c.since, c.until, c.everything, report})
	case "github":
		return writeMatrices(a.env.Stdout, report.Matrices(runnerOf(o.runners)))
	}
	return writeAffected(a.env.Stdout, report)
}

// narrow leaves out what is not asked for.
func (a *app) narrow(report *affected.Report, c *comparison, patterns []string) error {
	if len(patterns) == 0 {
		left := 0
		report.Keep(func(_, deprecated string) bool {
			if deprecated != "" {
				left++
			}
			return deprecated == ""
		})
		if left > 0 {
			fmt.Fprintf(a.env.Stderr, "%s of deprecated versions left out; name them to have them\n", count(left, "target"))
		}
		return nil
	}
	ids := map[string]bool{}
	for _, pattern := range patterns {
		chosen, err := c.now.catalogue.Select([]string{pattern})
		var gone []*catalogue.Version
		if c.before != nil {
			if old, oldErr := c.before.catalogue.Select([]string{pattern}); oldErr == nil {
				gone, err = old, nil
			}
		}
		if err != nil {
			return err
		}
		for _, v := range slices.Concat(chosen, gone) {
			ids[v.ID] = true
		}
	}
	report.Keep(func(id, _ string) bool { return ids[id] })
	report.Removed = slices.DeleteFunc(report.Removed, func(id string) bool { return !ids[id] })
	return nil
}

// side is one of the two states.
type side struct {
	*repository
	tree  *git.Tree
	state *affected.State
	err   error // of finding out what goes into targets
}

// stateUnless is nothing when the state cannot be compared with.
func (s *side) stateUnless(everything string) *affected.State {
	if s == nil || everything != "" {
		return nil
	}
	return s.state
}

// comparison is two states, and why everything counts as touched if it does.
type comparison struct {
	since, until string
	before, now  *side // before is nil when there is none
	everything   string
}

func (c *comparison) close() error {
	var errs []error
	for _, s := range []*side{c.before, c.now} {
		if s != nil {
			errs = append(errs, s.tree.Close())
		}
	}
	return errors.Join(errs...)
}

// compare reads both states.
func (a *app) compare(ctx context.Context, repo *git.Repo, o affectedOptions, everything *patternmatcher.PatternMatcher) (*comparison, error) {
	c := &comparison{until: o.until}
	head := "HEAD"
	if o.until != "" {
		commit, err := repo.Commit(ctx, o.until)
		if err != nil {
			return nil, err
		}
		head, c.until = commit, commit
	}
	if strings.Trim(o.since, "0") == "" && len(o.since) >= 40 {
		c.everything = "there is no commit before this one"
	} else if err := a.base(ctx, repo, o.since, head, c); err != nil {
		return nil, err
	}
	state := head
	if o.until == "" {
		tree, err := repo.WorkingTree(ctx)
		if err != nil {
			return nil, err
		}
		state, c.until = tree, "working tree"
	}
	var group errgroup.Group
	group.Go(func() (err error) { c.now, err = readState(ctx, repo, state); return err })
	if c.since != "" {
		group.Go(func() (err error) { c.before, err = readState(ctx, repo, c.since); return err })
	}
	if err := group.Wait(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if c.everything == "" {
		reason, err := c.doubt(o.since, everything)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.everything = reason
	}
	return c, nil
}

// base finds the commit to compare with.
func (a *app) base(ctx context.Context, repo *git.Repo, since, head string, c *comparison) error {
	commit, err := repo.Commit(ctx, since)
	if err != nil {
		return err
	}
	c.since = commit
	base, found, err := repo.MergeBase(ctx, commit, head)
	if err != nil {
		return err
	}
	if found {
		c.since = base
		return nil
	}
	_, err = fmt.Fprintf(a.env.Stderr, "this clone does not have the commit where %s parted; comparing with %s itself\n", since, since)
	return err
}

// readState reads the definitions of a state, and what goes into its targets.
func readState(ctx context.Context, repo *git.Repo, state string) (*side, error) {
	tree, err := repo.Tree(ctx, state)
	if err != nil {
		return nil, err
	}
	s := &side{repository: readFrom(tree), tree: tree}
	if s.diags.HasErrors() {
		return s, nil
	}
	file := s.file()
	values := file.Defaults()
	s.state = &affected.State{File: file}
	builds := slices.Concat(file.Evaluate(values), file.EvaluateTests(values))
	s.state.Inputs, s.err = inputs.Of(ctx, tree, builds, inputs.Options{Hash: tree.Hash})
	return s, nil
}

// doubt is why the states cannot be compared target by target; "" if they can.
func (c *comparison) doubt(since string, everything *patternmatcher.PatternMatcher) (string, error) {
	if c.before.diags.HasErrors() {
		return fmt.Sprintf("the definitions of %s have errors", since), nil
	}
	if c.before.err != nil {
		return fmt.Sprintf("what went into images at %s is not known: %v", since, c.before.err), nil
	}
	if name := differing(c.before.tree.Submodules(), c.now.tree.Submodules()); name != "" {
		return "submodule " + name + " changed", nil
	}
	if len(everything.Patterns()) == 0 {
		return "", nil
	}
	before, now := c.before.tree.Files(), c.now.tree.Files()
	for _, files := range []map[string]string{before, now} {
		var failed error
		maps.DeleteFunc(files, func(name, _ string) bool {
			matched, err := everything.MatchesOrParentMatches(name)
			failed = errors.Join(failed, err)
			return !matched
		})
		if failed != nil {
			return "", fmt.Errorf("--everything: %w", failed)
		}
	}
	if name := differing(before, now); name != "" {
		return name + " changed", nil
	}
	return "", nil
}

// differing is the first name under which two maps differ.
func differing(a, b map[string]string) string {
	var names []string
	for _, m := range []map[string]string{a, b} {
		for name := range m {
			if a[name] != b[name] {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
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

func runnerOf(runners map[string]string) func(string) string {
	return func(platform string) string {
		if runner := runners[platform]; runner != "" {
			return runner
		}
		return runners["linux/amd64"]
	}
}

// writeMatrices writes outputs of a step of GitHub Actions, one a line.
func writeMatrices(w io.Writer, m affected.Matrices) error {
	for _, matrix := range []struct {
		name string
		rows []affected.Row
	}{{"build", m.Build}, {"publish", m.Publish}, {"test", m.Test}} {
		text, err := json.Marshal(map[string][]affected.Row{"include": matrix.rows})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s=%s\n%s-rows=%d\n", matrix.name, text, matrix.name, len(matrix.rows)); err != nil {
			return err
		}
	}
	return nil
}
