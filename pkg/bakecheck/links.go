package bakecheck

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbake/runbake/bake"
)

// links follows the contexts that are targets, as bake does before it builds: each
// must be there, lead back to nothing, and be built for the platforms of what needs
// it; and what its build is entitled to, that of the other must be as well. Model
// and text have been compared: what the model says of them, the text does too.
func links(builds map[string]func() bake.Build) error {
	all := make(map[string]*linked, len(builds))
	for name, build := range builds {
		b := build()
		all[name] = &linked{name: name, contexts: b.Contexts, platforms: b.Platforms, entitlements: b.Entitlements}
	}
	var errs []error
	done := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		errs = append(errs, follow(all, name, nil, done))
	}
	return errors.Join(errs...)
}

// linked is what matters of a build to others.
type linked struct {
	name                    string
	contexts                map[string]string
	platforms, entitlements []string
}

// follow follows the contexts of one target.
func follow(builds map[string]*linked, name string, visited []string, done map[string]bool) error {
	if done[name] {
		return nil
	}
	visited = append(visited, name)
	b := builds[name]
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(b.contexts)) {
		needed, is := strings.CutPrefix(b.contexts[key], "target:")
		if !is {
			continue
		}
		other := builds[needed]
		switch {
		case needed == name:
			errs = append(errs, fmt.Errorf("target %s: the context %s is the target itself", name, key))
			continue
		case slices.Contains(visited, needed):
			errs = append(errs, fmt.Errorf("target %s: the context %s leads back to it", name, key))
			continue
		case other == nil:
			errs = append(errs, fmt.Errorf("target %s: its context %s, the target %s, is missing", name, key, needed))
			continue
		}
		errs = append(errs, follow(builds, needed, visited, done), fits(b, other))
	}
	done[name] = true
	return errors.Join(errs...)
}

// fits says whether a build can take another as a context, and says so itself.
func fits(b, other *linked) error {
	for _, e := range other.entitlements {
		if !slices.Contains(b.entitlements, e) {
			return fmt.Errorf("target %s: entitlements differs: bake adds %s, of %s", b.name, e, other.name)
		}
	}
	if len(b.platforms) < 2 || len(other.platforms) < 2 {
		return nil
	}
	for _, p := range b.platforms {
		if !slices.Contains(other.platforms, p) {
			return fmt.Errorf("target %s: %s, which it is built from, is not built for %s", b.name, other.name, p)
		}
	}
	return nil
}
