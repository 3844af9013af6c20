package planner

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// takes are the images that the Dockerfile of a version names.
func (p *planner) takes(v *version) []dockerfile.Image {
	d := p.dockerfile(v.build.DockerfilePath())
	if d == nil {
		return nil
	}
	stage := ""
	if v.build.Target != nil {
		stage = v.build.Target.Value
	}
	used, _ := d.Images(stage, pairs(slices.Concat(v.args, v.from)), v.platforms)
	return used
}

// called is the version that sources call so; nil for none.
func (p *planner) called(ref string) *version {
	for _, v := range p.versions {
		if slices.ContainsFunc(v.image.names, func(n name) bool { return familiar(ref) == familiar(n.full()) }) {
			return v
		}
	}
	return nil
}

// fullName is what a version is called in definitions.
func (p *planner) fullName(v *version) string {
	return path.Join(cmp.Or(v.registry, p.given), v.label) + ":" + v.tags[0]
}

// locals lets images be built on those that have got another name: a name without a
// registry, that only the machine knows on which both were built, or any where all
// images go to another registry.
func (p *planner) locals() {
	for _, v := range p.versions {
		for _, image := range p.takes(v) {
			base := p.called(image.Ref)
			if base == nil || base == v || familiar(p.fullName(base)) == familiar(image.Ref) {
				continue
			}
			name := p.fullName(base)
			p.note(fact.Note{Range: v.build.Range, Text: fmt.Sprintf("%s is built on %s: it takes %s", v.id(), base.id(), image.Ref)})
			if i := slices.IndexFunc(v.from, func(a fact.Pair) bool { return image.Arg != "" && a.Name == image.Arg }); i >= 0 {
				v.from = slices.Clone(v.from) // versions may share it
				v.from[i].Value = name
				continue
			}
			context := fact.Pair{Name: dockerfile.ContextName(image.Ref), Value: name, Range: v.build.Range}
			if !slices.ContainsFunc(named(v.build), func(have fact.Pair) bool { return have.Name == context.Name }) {
				v.build.Images = append(v.build.Images, context)
			}
		}
	}
}
