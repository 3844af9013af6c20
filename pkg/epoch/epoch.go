// Package epoch is the time that images get: what SOURCE_DATE_EPOCH says, else
// the time of the last commit of their definitions, and how a build is told.
package epoch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/git"
)

// Variable is the variable, and build argument, of
// https://reproducible-builds.org/specs/source-date-epoch/.
const Variable = "SOURCE_DATE_EPOCH"

// Times are the times, in seconds since 1970, that none in an image may be later
// than, by target; nil when times stay what they are.
type Times map[string]int64

// Parse reads the value of the variable: seconds since 1970.
func Parse(value string) (int64, error) {
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return 0, fmt.Errorf("%s=%q: it is a number of seconds since 1970", Variable, value)
	}
	return seconds, nil
}

// Given gives all images the time that the variable has.
func Given(value string, c *catalogue.Catalogue) (Times, error) {
	seconds, err := Parse(value)
	if err != nil {
		return nil, err
	}
	times := Times{}
	for _, v := range c.Versions() {
		times[v.Target] = seconds
	}
	return times, nil
}

// Committed are the times of the last commits of definitions. log takes what
// there is to say of them.
func Committed(ctx context.Context, dir string, c *catalogue.Catalogue, log func(line string)) (_ Times, err error) {
	explain := func(err error) error {
		return fmt.Errorf("images get their times from git; give one in %s where there is no commit: %w", Variable, err)
	}
	repo, err := git.Open(ctx, dir)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	commit, err := repo.Commit(ctx, "HEAD")
	if err != nil {
		return nil, explain(err)
	}
	return At(ctx, repo, commit, c, log)
}

// At is [Committed] for a commit. A definition that no commit has counts as
// changed by the last of all.
func At(ctx context.Context, repo *git.Repo, commit string, c *catalogue.Catalogue, log func(line string)) (Times, error) {
	last, err := repo.CommitTime(ctx, commit)
	if err != nil {
		return nil, err
	}
	files := map[string]int64{}
	for _, v := range c.Versions() {
		files[v.Range.Filename] = last.Unix()
	}
	touched, err := repo.Touched(ctx, commit, slices.Sorted(maps.Keys(files)))
	if err != nil {
		return nil, err
	}
	unsure := false
	for name, touch := range touched {
		files[name] = touch.Time.Unix()
		unsure = unsure || touch.Unsure
	}
	if unsure {
		log("this clone is shallow, and the times of images may be later than those of a whole one: " +
			"git fetch --unshallow (with actions/checkout: fetch-depth: 0)")
	}
	return fromFiles(c, files), nil
}

// fromFiles are the times of images. An image that is built on another one of the
// repository has the time of that: so they have layers in common.
func fromFiles(c *catalogue.Catalogue, files map[string]int64) Times {
	times := Times{}
	for _, v := range c.Versions() {
		times[v.Target] = files[root(v).Range.Filename]
	}
	return times
}

// root is the image of the repository that a version starts from: itself, if it
// is built on none.
func root(v *catalogue.Version) *catalogue.Version {
	for {
		i := slices.IndexFunc(v.Needs, func(n catalogue.Need) bool { return n.Root && n.Version != v })
		if i < 0 {
			return v
		}
		v = v.Needs[i].Version
	}
}

// Earliest is the earliest time of some targets, as the variable has it; "" if
// none of them has one.
func (t Times) Earliest(targets []string) string {
	earliest := int64(-1)
	for _, target := range targets {
		if time, found := t[target]; found && (earliest < 0 || time < earliest) {
			earliest = time
		}
	}
	if earliest < 0 {
		return ""
	}
	return strconv.FormatInt(earliest, 10)
}
