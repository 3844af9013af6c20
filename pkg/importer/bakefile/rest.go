package bakefile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/util/buildflags"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// rest reports what of a target is in no definition.
func (r *reading) rest(t *buildxbake.Target) {
	for _, a := range []struct {
		name  string
		given bool
		why   string
	}{
		{"description", t.Description != "", "definitions describe targets by name and version"},
		{"pull", t.Pull != nil && *t.Pull, "give --pull when you build"},
		{"no-cache", t.NoCache != nil && *t.NoCache, "give --no-cache when you build"},
		{"no-cache-filter", len(t.NoCacheFilter) > 0, "give --no-cache-filter when you build"},
		{"call", t.Call != nil && *t.Call != "" && *t.Call != "build", "definitions build"},
		{"policy", len(t.Policy) > 0, "give --policy when you build"},
		{"resources", t.Resources != nil, "limits are the builder's"},
	} {
		if a.given {
			r.leave(t, a.name, a.why)
		}
	}
}

func (r *reading) leave(t *buildxbake.Target, attr, why string) {
	r.say(entry{
		kind: asNote, text: fmt.Sprintf("%s of %%s: %s", attr, why), at: r.place(t.Name, attr, ""),
	}, t)
}

// annotations takes the annotations of a target.
func (r *reading) annotations(b *fact.Build, t *buildxbake.Target) {
	narrow := false
	for _, a := range t.Annotations {
		before := len(b.Extra())
		whole, _ := b.Annotate(a, r.place(t.Name, "annotations", "")) // bake has read them
		narrow = narrow || !whole && len(b.Extra()) > before
	}
	if narrow {
		r.say(entry{
			kind: asGuess, at: r.place(t.Name, "annotations", ""),
			text: "annotations of %s are on the index and the manifests",
		}, t)
	}
}

// outputs sees whether an image is pushed.
func (r *reading) outputs(b *fact.Build, t *buildxbake.Target) {
	for _, o := range t.Outputs {
		switch {
		case o.Type == "registry", o.Type == "image" && o.Attrs["push"] == "true":
			b.Push = true
		case o.Type == "image":
		default:
			r.leave(t, "output", fmt.Sprintf("%s is said when you build, not by definitions", o.Type))
		}
	}
}

// common is what all images agree on, which definitions say once. What they do
// not is told for those that say it.
func (c *collection) common() *fact.Common {
	common := &fact.Common{}
	attest, agree := shared(c.images, attestations)
	switch {
	case !agree || attest == other:
		c.unshared("attest", func(t *buildxbake.Target) bool { return len(t.Attest) > 0 })
	case attest != "":
		common.SBOM, common.Provenance, _ = strings.Cut(attest, " ")
	}
	cache, agree := shared(c.images, caches)
	switch {
	case !agree || cache == other:
		c.unshared("cache-from", func(t *buildxbake.Target) bool { return len(t.CacheFrom) > 0 })
		c.unshared("cache-to", func(t *buildxbake.Target) bool { return len(t.CacheTo) > 0 })
	case cache != "":
		common.Cache, common.CacheMode, _ = strings.Cut(cache, " ")
	}
	options, agree := shared(c.images, outputOptions)
	switch {
	case !agree || options == other:
		c.unshared("output", func(t *buildxbake.Target) bool { return outputOptions(t) != "" })
	case options != "":
		for option := range strings.SplitSeq(options, "\n") {
			name, value, _ := strings.Cut(option, "=")
			common.Output = append(common.Output, fact.Pair{Name: name, Value: value})
		}
	}
	if common.Cache == "" && attest == "" && len(common.Output) == 0 {
		return nil
	}
	return common
}

// unshared tells of an attribute that definitions have for all images at once.
func (c *collection) unshared(attr string, given func(*buildxbake.Target) bool) {
	for _, t := range c.images {
		if given(t.Target) {
			t.in.leave(t.Target, attr, "the project of definitions has one of its own for all images")
		}
	}
}

// other is said of targets for what the project of definitions cannot say.
const other = "?"

// shared is what all targets say, and whether they say one thing.
func shared(targets []built, say func(*buildxbake.Target) string) (string, bool) {
	if len(targets) == 0 {
		return "", true
	}
	first := say(targets[0].Target)
	for _, t := range targets[1:] {
		if say(t.Target) != first {
			return "", false
		}
	}
	return first, true
}

// attestations are sbom and provenance as definitions have them; "" if a target
// says nothing.
func attestations(t *buildxbake.Target) string {
	sbom, provenance := "", ""
	for _, a := range t.Attest {
		switch {
		case a.Type == "sbom" && len(a.Attrs) == 0:
			sbom = strconv.FormatBool(!a.Disabled)
		case a.Type == "provenance" && a.Disabled:
			provenance = "none"
		case a.Type == "provenance" && len(a.Attrs) == 1 && slices.Contains([]string{"min", "max"}, a.Attrs["mode"]):
			provenance = a.Attrs["mode"]
		default:
			return other
		}
	}
	if len(t.Attest) == 0 {
		return ""
	}
	return sbom + " " + provenance // one of them may be empty
}

// caches is the cache of GitHub Actions, which needs no more than its name; ""
// for none.
func caches(t *buildxbake.Target) string {
	if len(t.CacheFrom) == 0 && len(t.CacheTo) == 0 {
		return ""
	}
	foreign := func(o *buildflags.CacheOptionsEntry) bool {
		_, scoped := o.Attrs["scope"]
		_, moded := o.Attrs["mode"]
		known := 0
		for _, is := range []bool{scoped, moded} {
			if is {
				known++
			}
		}
		return o.Type != "gha" || len(o.Attrs) != known
	}
	if slices.ContainsFunc(t.CacheFrom, foreign) || len(t.CacheTo) != 1 || foreign(t.CacheTo[0]) {
		return other
	}
	if t.CacheTo[0].Attrs["mode"] == "max" {
		return "gha max"
	}
	return "gha min"
}

// outputOptions are how images are written that are pushed, one a line.
func outputOptions(t *buildxbake.Target) string {
	var all []string
	for _, o := range t.Outputs {
		if o.Type != "registry" && o.Type != "image" {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(o.Attrs)) {
			switch name {
			case "push":
			case "compression", "compression-level", "force-compression", "oci-mediatypes":
				all = append(all, name+"="+o.Attrs[name])
			default:
				return other
			}
		}
	}
	return strings.Join(all, "\n")
}
