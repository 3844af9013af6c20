package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/pkg/affected"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/inputs"
	"github.com/runbake/runbake/pkg/repository"
)

// side is one of the two states.
type side struct {
	*repository.Repository
	tree    *git.Tree
	state   *affected.State
	problem string // with finding out what goes into targets
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
	if c.before != nil && c.now != nil && c.before.tree == c.now.tree {
		return c.now.tree.Close()
	}
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
	if o.until == "" {
		c.until = "working tree"
		if err := repo.Stage(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.read(ctx, repo, head, o.until == ""); err != nil {
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

// read reads both states: the commits while git looks at the working tree, and
// only one of them if they hold the same.
func (c *comparison) read(ctx context.Context, repo *git.Repo, head string, workingTree bool) error {
	var group errgroup.Group
	if c.since != "" {
		group.Go(func() (err error) { c.before, err = readState(ctx, repo, c.since); return err })
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
		if c.since != "" {
			before, err := repo.CommittedTree(ctx, c.since)
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
		c.now, err = readState(ctx, repo, now)
		return err
	})
	err := group.Wait()
	if same {
		c.now = c.before
	}
	return err
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
	r, err := repository.Load(tree)
	if err != nil {
		return nil, errors.Join(err, tree.Close())
	}
	s := &side{Repository: r, tree: tree}
	if s.Diagnostics.HasErrors() {
		return s, nil
	}
	file := s.File()
	values := file.Defaults()
	s.state = &affected.State{File: file}
	builds := slices.Concat(file.EvaluateAll(values), file.EvaluateTests(values))
	s.state.Inputs, err = inputs.Of(ctx, tree, builds, inputs.Options{Hash: tree.Hash})
	if err != nil {
		s.problem = err.Error()
	}
	return s, nil
}

// doubt is why the states cannot be compared target by target; "" if they can.
func (c *comparison) doubt(since string, everything *patternmatcher.PatternMatcher) (string, error) {
	if c.before.Diagnostics.HasErrors() {
		return fmt.Sprintf("the definitions of %s have errors", since), nil
	}
	if c.before.problem != "" {
		return fmt.Sprintf("what went into images at %s is not known: %s", since, c.before.problem), nil
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
