package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
)

// Change is one image that the lock and the world disagree on.
type Change struct {
	Change  string `json:"change"` // added, moved, dropped, gone or lost
	Image   string `json:"image"`
	Locked  string `json:"locked,omitempty"`  // digest
	Current string `json:"current,omitempty"` // digest
}

// Kinds of changes.
const (
	added   = "added"   // the lock lacks it
	moved   = "moved"   // the name stands for another image
	dropped = "dropped" // no version is built from it
	gone    = "gone"    // the registry has no image of that name
	lost    = "lost"    // the registry does not have the locked image
)

// Definitions reports whether the definitions made the change, and not the
// registry.
func (c Change) Definitions() bool { return c.Change == added || c.Change == dropped }

// Select are the names that the registry is asked for: those that the lock lacks,
// and with update all, or those that patterns match.
func Select(f *lock.File, names, patterns []string, update bool) ([]string, error) {
	wanted := map[string]bool{}
	for _, n := range names {
		_, locked := f.Find(n)
		wanted[n] = !locked || update && len(patterns) == 0
	}
	var unknown []error
	for _, p := range patterns {
		found := false
		for _, n := range names {
			ok, err := matches(p, n)
			if err != nil {
				return nil, fmt.Errorf("%q is no pattern: %w", p, err)
			}
			wanted[n], found = wanted[n] || ok, found || ok
		}
		if !found {
			unknown = append(unknown, unknownImage(p, names))
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !wanted[n] }), errors.Join(unknown...)
}

// matches matches a pattern with a name in full, in short, or without its tag.
func matches(pattern, name string) (bool, error) {
	familiar := lock.Familiar(name)
	untagged, _ := lock.Split(familiar)
	for _, n := range []string{name, familiar, untagged} {
		if ok, err := path.Match(pattern, n); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func unknownImage(pattern string, names []string) error {
	familiar := make([]string, len(names))
	for i, n := range names {
		familiar[i] = lock.Familiar(n)
	}
	if near := diag.Suggest(pattern, familiar); near != "" {
		return fmt.Errorf("no base image %q; did you mean %q?", pattern, near)
	}
	return fmt.Errorf("no base image %q; runbake bases --offline shows all", pattern)
}

// Lock asks for images, and returns the lock of names that follows: an image that
// cannot be asked for stays as it was. The errors are in the order of asked.
func Lock(ctx context.Context, client *registry.Client, before *lock.File,
	names, asked []string,
) (after *lock.File, changes []Change, errs []error) {
	found := make([]*registry.Image, len(asked))
	errs = registry.Each(ctx, len(asked), func(ctx context.Context, i int) (err error) {
		found[i], err = client.Resolve(ctx, asked[i])
		return err
	})
	after = before.Clone()
	after.Keep(func(name string) bool { return slices.Contains(names, name) })
	for i, image := range found {
		if image != nil {
			after.Set(locked(asked[i], image))
		}
	}
	changes = []Change{}
	for _, c := range lock.Diff(before, after) {
		kind := moved
		if c.Old == "" {
			kind = added
		} else if c.New == "" {
			kind = dropped
		}
		changes = append(changes, Change{kind, c.Name, c.Old, c.New})
	}
	return after, changes, errs
}

func locked(name string, image *registry.Image) lock.Image {
	locked := lock.Image{Name: name, Digest: image.Digest}
	for _, p := range image.Platforms {
		locked.Platforms = append(locked.Platforms, lock.Platform{Name: p.Name, Digest: p.Digest})
	}
	return locked
}

// Compare compares a lock with what definitions name and registries have. The
// errors are in the order of names.
func Compare(ctx context.Context, client *registry.Client, f *lock.File, names []string) ([]Change, []error) {
	perName := make([][]Change, len(names))
	errs := registry.Each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		perName[i], err = compare(ctx, client, f, names[i])
		return err
	})
	changes := append([]Change{}, slices.Concat(perName...)...)
	for _, i := range f.Images {
		if !slices.Contains(names, i.Name) {
			changes = append(changes, Change{Change: dropped, Image: i.Name, Locked: i.Digest})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Image, b.Image) })
	return changes, errs
}

// compare compares the lock of one name with what the registry has.
func compare(ctx context.Context, client *registry.Client, f *lock.File, name string) ([]Change, error) {
	locked, found := f.Find(name)
	now, err := client.Head(ctx, name)
	absent := errors.Is(err, registry.ErrNotFound)
	switch {
	case err != nil && !absent:
		return nil, err
	case !found:
		return []Change{{Change: added, Image: name, Current: now.Digest}}, nil
	case now.Digest == locked.Digest:
		return nil, nil
	}
	changes := []Change{{moved, name, locked.Digest, now.Digest}}
	if absent {
		changes[0].Change = gone
	}
	repository, _ := lock.Split(name)
	if _, err := client.Head(ctx, repository+"@"+locked.Digest); errors.Is(err, registry.ErrNotFound) {
		changes = append(changes, Change{lost, name, locked.Digest, ""})
	} else if err != nil {
		return changes, err
	}
	return changes, nil
}
