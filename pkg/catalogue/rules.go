package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/platform"
)

// rules are the checks that need the whole catalogue.
var rules = []func(*resolver, *Catalogue){
	uniqueIDs,
	uniqueTargets,
	groupsAndTargets,
	uniqueTags,
	oneRepository,
	platformsCovered,
	noCycles,
	stagesKept,
	liveOnDeprecated,
}

func uniqueIDs(r *resolver, c *Catalogue) {
	unique(r, c, "id", func(v *Version) []string { return []string{v.ID} },
		"Remove one of the two, or give it another version name.")
}

func uniqueTargets(r *resolver, c *Catalogue) {
	unique(r, c, "bake target", func(v *Version) []string { return []string{v.Target} },
		"Bake has no dots in target names, they become underscores. Rename one of the two.")
}

// unique reports versions that share a name that only one can have.
func unique(r *resolver, c *Catalogue, what string, names func(*Version) []string, mend string) {
	owners := map[string]*Version{}
	for _, v := range inPlaceOrder(c) {
		for _, name := range names(v) {
			first, taken := owners[name]
			if !taken {
				owners[name] = v
				continue
			}
			if v.ID == first.ID && what != "id" {
				continue // reported for the id
			}
			r.report(v.Range, fmt.Sprintf("Two versions have the %s %s", what, name),
				fmt.Sprintf("The other is %s at %s. %s", first.ID, diag.Place(first.Range), mend))
		}
	}
}

// inPlaceOrder lists versions as they were written, so that of two that clash
// the later one is reported.
func inPlaceOrder(c *Catalogue) []*Version {
	return slices.SortedStableFunc(slices.Values(c.Versions()), func(a, b *Version) int {
		if d := strings.Compare(a.Range.Filename, b.Range.Filename); d != 0 {
			return d
		}
		return a.Range.Start.Byte - b.Range.Start.Byte
	})
}

func groupsAndTargets(r *resolver, c *Catalogue) {
	keys := map[string]*Runtime{}
	for _, rt := range c.Runtimes {
		keys[rt.Key] = rt
	}
	for _, v := range c.Versions() {
		if other := keys[v.Target]; other != nil && len(other.Versions) > 0 {
			r.report(v.Range, fmt.Sprintf("%s has the name of a group", v.ID),
				fmt.Sprintf("All versions of %q form a bake group of that name, see %s. Rename one of the two.", other.Key, diag.Place(other.Versions[0].Range)))
		}
	}
}

func uniqueTags(r *resolver, c *Catalogue) {
	unique(r, c, "image", func(v *Version) []string {
		repository := RepositoryIn(v.Registry, v.Image)
		refs := make([]string, 0, len(v.Tags))
		for _, t := range v.Tags {
			refs = append(refs, repository+":"+t)
		}
		return refs
	}, "The one that is pushed last would win. Change image or tags of one of the two.")
}

// oneRepository refuses repositories that some images name with a registry of their
// own, and others below that of the project: what REGISTRY is set to would decide
// whether they are one.
func oneRepository(r *resolver, c *Catalogue) {
	ordinary := map[string]*Version{}
	for _, v := range c.Versions() {
		if name := r.canonical(c.repository(v)); v.Registry == "" && ordinary[name] == nil {
			ordinary[name] = v
		}
	}
	for _, v := range c.Versions() {
		name := r.canonical(c.repository(v))
		if other := ordinary[name]; v.Registry != "" && name != "" && other != nil {
			r.report(v.Range, fmt.Sprintf("%s and %s name one repository in two ways", v.ID, other.ID),
				fmt.Sprintf("It is %s: here with a registry of its own, and below the project's at %s. Write it the same way.",
					c.repository(v), diag.Place(other.Range)))
		}
	}
}

// platformsCovered checks that an image exists on a platform before another
// one of this repository is built on it or run by it there.
func platformsCovered(r *resolver, c *Catalogue) {
	for _, v := range c.Versions() {
		reported := map[*Version]bool{v: true}
		for _, n := range v.Needs {
			if !reported[n.Version] {
				reported[n.Version] = r.covers(v, n.Version, "build", n.Platforms)
			}
		}
		if v.Run != nil && !reported[v.Run] {
			r.covers(v, v.Run, "run", v.Platforms)
		}
	}
}

// covers reports the platforms that an image lacks.
func (r *resolver) covers(v, other *Version, how string, asked []string) (reported bool) {
	missing := slices.DeleteFunc(slices.Clone(asked), other.has)
	if len(missing) == 0 {
		return false
	}
	summary, mend := fmt.Sprintf("%s has platforms that its %s image %s has not", v.ID, how, other.ID), "Remove them here"
	if slices.ContainsFunc(missing, func(p string) bool { return !slices.Contains(v.Platforms, p) }) {
		summary, mend = fmt.Sprintf("%s asks its %s image %s for platforms that it has not", v.ID, how, other.ID), "Correct FROM --platform"
	}
	r.report(v.Range, summary, fmt.Sprintf("Missing there: %s. %s, or add them at %s.", strings.Join(missing, ", "), mend, diag.Place(other.Range)))
	return true
}

// has reports whether an image is taken where a platform is asked for. Of
// several BuildKit takes that of the same name; one alone it takes for all.
func (v *Version) has(name string) bool {
	return slices.Contains(v.Platforms, name) || len(v.Platforms) == 1 && platform.Fits(v.Platforms[0], name)
}

// noCycles reports images that need themselves, with the way round.
func noCycles(r *resolver, c *Catalogue) {
	const (
		unseen = iota
		open
		done
	)
	state := map[*Version]int{}
	var path []*Version
	var visit func(v *Version)
	visit = func(v *Version) {
		state[v] = open
		path = append(path, v)
		for _, next := range dependencies(v) {
			switch state[next] {
			case unseen:
				visit(next)
			case open:
				cycle := path[slices.Index(path, next):]
				r.reportCycle(cycle)
			}
		}
		path = path[:len(path)-1]
		state[v] = done
	}
	for _, v := range c.Versions() {
		if state[v] == unseen {
			visit(v)
		}
	}
}

func (r *resolver) reportCycle(cycle []*Version) {
	ids := make([]string, 0, len(cycle)+1)
	for _, v := range cycle {
		ids = append(ids, v.ID)
	}
	ids = append(ids, ids[0])
	r.report(cycle[0].Range, "Images depend on each other in a cycle", strings.Join(ids, " → ")+". Break it at one of these.")
}

// dependencies are the images of this repository that a version needs, built
// from or run by.
func dependencies(v *Version) []*Version {
	var all []*Version
	for _, n := range v.Needs {
		all = append(all, n.Version)
	}
	if v.Run != nil {
		all = append(all, v.Run)
	}
	return all
}
