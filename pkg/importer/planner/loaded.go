package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// loaded leaves out images that a pipeline builds for itself, to test them, beside those
// that it pushes. What another image is built on stays.
func (p *planner) loaded() {
	pushes := map[string]bool{}
	for _, v := range p.versions {
		for _, b := range v.image.builds {
			pushes[b.Script] = pushes[b.Script] || b.Push
		}
	}
	p.versions = slices.DeleteFunc(p.versions, func(v *version) bool {
		if slices.ContainsFunc(v.image.builds, func(b *fact.Build) bool { return b.Push || !b.Loaded || !pushes[b.Script] }) || p.isUsed(v) {
			return false
		}
		p.note(fact.Note{
			Range: v.build.Range, Kind: fact.LeftOut,
			Text: fmt.Sprintf("%s: it is loaded and never pushed, and others of this pipeline are pushed", v.image.names[0].id()),
		})
		return true
	})
}

// isUsed reports an image that another one is built on, or is given the name of.
func (p *planner) isUsed(v *version) bool {
	named := func(ref string) bool {
		return slices.ContainsFunc(v.image.names, func(n name) bool { return familiar(ref) == familiar(n.full()) })
	}
	return slices.ContainsFunc(p.versions, func(o *version) bool {
		if o == v {
			return false
		}
		if slices.ContainsFunc(slices.Concat(o.args, o.from, upstreamImages(o.build)), func(a fact.Pair) bool { return named(a.Value) }) {
			return true
		}
		return slices.ContainsFunc(p.takes(o), func(i dockerfile.Image) bool { return named(i.Ref) })
	})
}

// upstreamImages are the named contexts of a build that are images, by their names.
func upstreamImages(b *fact.Build) []fact.Pair {
	var all []fact.Pair
	for _, c := range b.Upstream {
		if ref, is := strings.CutPrefix(c.Value, dockerfile.ImageScheme); is {
			all = append(all, fact.Pair{Name: c.Name, Value: ref, Range: c.Range})
		}
	}
	return all
}
