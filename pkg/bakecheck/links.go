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
func links(builds map[string]*bake.Build) error {
	var errs []error
	done := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(builds)) {
		errs = append(errs, follow(builds, name, nil, done))
	}
	return errors.Join(errs...)
}

// follow follows the contexts of one target.
func follow(builds map[string]*bake.Build, name string, visited []string, done map[string]bool) error {
	if done[name] {
		return nil
	}
	visited = append(visited, name)
	b := builds[name]
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(b.Contexts)) {
		needed, is := strings.CutPrefix(b.Contexts[key], "target:")
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
func fits(b, other *bake.Build) error {
	for _, e := range other.Entitlements {
		if !slices.Contains(b.Entitlements, e) {
			return fmt.Errorf("target %s: entitlements differs: bake adds %s, of %s", b.Name, e, other.Name)
		}
	}
	if len(b.Platforms) < 2 || len(other.Platforms) < 2 {
		return nil
	}
	for _, p := range b.Platforms {
		if !slices.Contains(other.Platforms, p) {
			return fmt.Errorf("target %s: %s, which it is built from, is not built for %s", b.Name, other.Name, p)
		}
	}
	return nil
}
