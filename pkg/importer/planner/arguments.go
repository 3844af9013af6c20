package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// arguments sorts build arguments: those that a Dockerfile takes an image from,
// others, and those that it does not declare.
func (p *planner) arguments(v *version) {
	v.platforms = texts(v.build.Platforms)
	if len(v.platforms) == 0 && v.registered != nil {
		v.platforms = texts(v.registered.Platforms)
	}
	d := p.dockerfile(v.build.DockerfilePath())
	if d == nil {
		v.args = v.build.Args
		return
	}
	stage := ""
	if v.build.Target != nil {
		stage = v.build.Target.Value
	}
	used, _ := d.Images(stage, pairs(v.build.Args), v.platforms)
	p.upstream(v, d, used)
	for _, a := range v.build.Args {
		switch {
		case slices.ContainsFunc(used, func(i dockerfile.Image) bool { return i.Arg == a.Name && i.Ref == a.Value }):
			v.from = append(v.from, a)
		case declares(d, a.Name):
			v.args = append(v.args, a)
		default:
			p.Warn(fact.RuleArgument, a.Range, fmt.Sprintf("%s declares no ARG %s", d.Name, a.Name),
				"The value has no effect. It is not imported.")
		}
	}
}

// upstream compares what an image is built on with what a registry class says.
func (p *planner) upstream(v *version, d *dockerfile.File, used []dockerfile.Image) {
	if v.registered == nil || v.registered.Upstream.Value == "" || len(used) == 0 {
		return
	}
	said := v.registered.Upstream
	refs := make([]string, 0, len(used))
	for _, i := range used {
		if familiar(i.Ref) == familiar(said.Value) {
			return
		}
		refs = append(refs, i.Ref)
	}
	at := fact.Start(d.Name)
	p.Warn(fact.RuleRegisteredImage, said.Range,
		fmt.Sprintf("%s is registered as built on %s, and is built on %s",
			v.registered.Runtime.Key.Value+" "+v.registered.Version.Value, said.Value, strings.Join(refs, ", ")),
		fmt.Sprintf("The definition has what %s says.", d.Name), at)
}

// familiar is a name as people write it, without a digest.
func familiar(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	tagged, ok := reference.TagNameOnly(named).(reference.NamedTagged)
	if !ok {
		return reference.FamiliarString(named)
	}
	return reference.FamiliarName(tagged) + ":" + tagged.Tag()
}

func declares(d *dockerfile.File, name string) bool {
	return slices.ContainsFunc(d.Args(), func(a dockerfile.Arg) bool { return a.Name == name }) ||
		strings.HasPrefix(name, "BUILDKIT_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") ||
		name == "SOURCE_DATE_EPOCH"
}

func texts(list []fact.Text) []string {
	var all []string
	for _, t := range list {
		if !slices.Contains(all, t.Value) {
			all = append(all, t.Value)
		}
	}
	return all
}
