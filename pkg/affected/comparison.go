package affected

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/epoch"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/repository"
)

// Options say which states of a repository are compared.
type Options struct {
	Since      string                         // commit, branch or tag
	Until      string                         // likewise; "" for the working tree
	Everything *patternmatcher.PatternMatcher // files of which a change touches everything
	Log        func(line string)              // takes what there is to say of it
}

// Side is one of the two states.
type Side struct {
	*repository.Repository
	Problem string // with finding out what goes into targets
	tree    *git.Tree
	state   *State
}

// Comparison is two states, and why everything counts as touched if it does.
type Comparison struct {
	Since, Until string // commits, or "working tree"
	Before, Now  *Side  // Before is nil when there is none
	Everything   string
	until        string // as it was asked for
}

// Close closes both states.
func (c *Comparison) Close() error {
	var errs []error
	if c.Before != nil && c.Now != nil && c.Before.tree == c.Now.tree {
		return c.Now.tree.Close()
	}
	for _, s := range []*Side{c.Before, c.Now} {
		if s != nil {
			errs = append(errs, s.tree.Close())
		}
	}
	return errors.Join(errs...)
}

// Read reads both states. Close the result.
func Read(ctx context.Context, repo *git.Repo, o Options) (*Comparison, error) {
	c := &Comparison{Until: o.Until, until: o.Until}
	head := "HEAD"
	if o.Until != "" {
		commit, err := repo.Commit(ctx, o.Until)
		if err != nil {
			return nil, err
		}
		head, c.Until = commit, commit
	}
	if strings.Trim(o.Since, "0") == "" && len(o.Since) >= 40 {
		c.Everything = "there is no commit before this one"
	} else if err := c.base(ctx, repo, o, head); err != nil {
		return nil, err
	}
	if o.Until == "" {
		c.Until = "working tree"
		if err := repo.Stage(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.read(ctx, repo, head, o.Until == ""); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if c.Everything == "" {
		reason, err := c.doubt(o.Since, o.Everything)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.Everything = reason
	}
	return c, nil
}

// read reads both states: the commits while git looks at the working tree, and
// only one of them if they hold the same.
func (c *Comparison) read(ctx context.Context, repo *git.Repo, head string, workingTree bool) error {
	var group errgroup.Group
	if c.Since != "" {
		group.Go(func() (err error) { c.Before, err = readState(ctx, repo, c.Since); return err })
	}
	same := false
	group.Go(func() error {
		var now string
		var err error
		if workingTree {
			now, err = repo.WorkingTree(ctx)
		} else {
			now, err = repo.CommittedTree(ctx, head)
		}
		if err != nil {
			return err
		}
		if c.Since != "" {
			before, err := repo.CommittedTree(ctx, c.Since)
			if err != nil {
				return err
			}
			if same = before == now; same {
				return nil
			}
		}
		if !workingTree {
			now = head // which may lack the folder
		}
		c.Now, err = readState(ctx, repo, now)
		return err
	})
	err := group.Wait()
	if same {
		c.Now = c.Before
	}
	return err
}

// base finds the commit to compare with.
func (c *Comparison) base(ctx context.Context, repo *git.Repo, o Options, head string) error {
	commit, err := repo.Commit(ctx, o.Since)
	if err != nil {
		return err
	}
	c.Since = commit
	base, found, err := repo.MergeBase(ctx, commit, head)
	if err != nil {
		return err
	}
	if found {
		c.Since = base
		return nil
	}
	o.Log(fmt.Sprintf("this clone does not have the commit where %s parted; comparing with %s itself", o.Since, o.Since))
	return nil
}

// readState reads the definitions of a state, and what goes into its targets.
func readState(ctx context.Context, repo *git.Repo, state string) (*Side, error) {
	tree, err := repo.Tree(ctx, state)
	if err != nil {
		return nil, err
	}
	r, err := repository.Load(tree)
	if err != nil {
		return nil, errors.Join(err, tree.Close())
	}
	s := &Side{Repository: r, tree: tree}
	if s.Diagnostics.HasErrors() {
		return s, nil
	}
	file := s.File()
	values := file.Defaults()
	s.state = &State{File: file}
	builds := slices.Concat(file.EvaluateAll(values), file.EvaluateTests(values))
	s.state.Inputs, err = inputs.Of(ctx, tree, builds, inputs.Options{Hash: tree.Hash})
	if err != nil {
		s.Problem = err.Error()
	}
	return s, nil
}

// Report is what the change touches.
func (c *Comparison) Report() *Report {
	var before *State
	if c.Before != nil && c.Everything == "" {
		before = c.Before.state
	}
	return Compare(before, *c.Now.state, c.Everything)
}

// Narrow leaves out of a report what is not asked for; without patterns that is
// what is deprecated, and left is how many targets that is.
func (c *Comparison) Narrow(report *Report, patterns []string) (left int, err error) {
	if len(patterns) == 0 {
		report.Keep(func(_, deprecated string) bool {
			if deprecated != "" {
				left++
			}
			return deprecated == ""
		})
		return left, nil
	}
	ids := map[string]bool{}
	for _, pattern := range patterns {
		chosen, err := c.Now.Catalogue.Select([]string{pattern})
		var gone []*catalogue.Version
		if c.Before != nil {
			if old, oldErr := c.Before.Catalogue.Select([]string{pattern}); oldErr == nil {
				gone, err = old, nil
			}
		}
		if err != nil {
			return 0, err
		}
		for _, v := range slices.Concat(chosen, gone) {
			ids[v.ID] = true
		}
	}
	report.Keep(func(id, _ string) bool { return ids[id] })
	report.Removed = slices.DeleteFunc(report.Removed, func(id string) bool { return !ids[id] })
	return 0, nil
}

// Date gives jobs the earliest times of their images. Before the first commit there
// are none.
func (c *Comparison) Date(ctx context.Context, repo *git.Repo, jobs []Row, log func(line string)) ([]Row, error) {
	commit, err := repo.Commit(ctx, cmp.Or(c.until, "HEAD"))
	if _, none := errors.AsType[*git.UnknownRefError](err); none || len(jobs) == 0 {
		return jobs, nil
	}
	if err != nil {
		return nil, err
	}
	times, err := epoch.At(ctx, repo, commit, c.Now.Catalogue, log)
	if err != nil {
		return nil, err
	}
	dated := slices.Clone(jobs)
	for i := range dated {
		dated[i].Epoch = times.Earliest(strings.Fields(dated[i].Targets))
	}
	return dated, nil
}

// doubt is why the states cannot be compared target by target; "" if they can.
func (c *Comparison) doubt(since string, everything *patternmatcher.PatternMatcher) (string, error) {
	if c.Before.Diagnostics.HasErrors() {
		return fmt.Sprintf("the definitions of %s have errors", since), nil
	}
	if c.Before.Problem != "" {
		return fmt.Sprintf("what went into images at %s is not known: %s", since, c.Before.Problem), nil
	}
	if name := differing(c.Before.tree.Submodules(), c.Now.tree.Submodules()); name != "" {
		return "submodule " + name + " changed", nil
	}
	if len(everything.Patterns()) == 0 {
		return "", nil
	}
	before, now := c.Before.tree.Files(), c.Now.tree.Files()
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
