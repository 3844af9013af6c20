package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// verify reads the definitions back as generate will, and compares what bake
// makes of them with what the scripts build.
func (p *planner) verify(files []File) {
	fsys := changeset.Over(p.fsys, Changes(files))
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	for _, d := range slices.Concat(diags, more) {
		rule := fact.RuleDefinition
		if strings.HasSuffix(d.Summary, "is never built") {
			if d.Subject != nil && p.builds(d.Subject.Filename) {
				continue // a script does, and why it is left out has been said
			}
			rule = fact.RuleFolder
		}
		p.tell(fsys, d, rule)
	}
	if diags.HasErrors() || more.HasErrors() {
		return
	}
	file := bake.FromCatalogue(c)
	builds := map[string]bake.Build{}
	for _, b := range file.Evaluate(file.Defaults()) {
		builds[b.ID] = b
	}
	for _, v := range p.versions {
		if b := builds[v.id()]; b.Target != nil && len(b.Tags) > 0 {
			p.renamed(v, b.Tags)
		}
		if what := p.differs(v, builds[v.id()]); what != "" {
			p.Fail(fact.RuleDefinition, v.build.Range,
				fmt.Sprintf("The definition of %s does not say what this builds", v.id()),
				fmt.Sprintf("They differ in %s. Please report it with this script.", what))
		}
	}
}

// builds reports a Dockerfile that a script builds.
func (p *planner) builds(dockerfile string) bool {
	for _, s := range p.scripts {
		if slices.ContainsFunc(s.Events,
			func(e fact.Event) bool { return e.Build != nil && e.Build.DockerfilePath() == dockerfile }) {
			return true
		}
	}
	return false
}

// differs names what a target has other than a build; "" if nothing.
func (p *planner) differs(v *version, t bake.Build) string {
	if t.Target == nil {
		return "everything"
	}
	b := v.build
	stage := ""
	if b.Target != nil {
		stage = b.Target.Value
	}
	args := pairs(slices.Concat(v.args, v.from))
	tags := map[string]bool{}
	for _, n := range v.image.names {
		if n.repo == v.repo {
			tags[n.tag] = true
		}
	}
	platforms := slices.Sorted(slices.Values(texts(b.Platforms)))
	contexts := map[string]string{}
	for name, context := range pairs(named(b)) {
		contexts[dockerfile.ContextName(name)] = context
	}
	for ref, to := range t.Contexts {
		if strings.HasPrefix(to, "target:") {
			contexts[ref] = to // where an image of the repository comes from
		}
	}
	switch {
	case t.Context != b.Context.Value:
		return "the context"
	case t.DockerfilePath() != b.DockerfilePath():
		return "the Dockerfile"
	case t.Stage != stage:
		return "the stage"
	case !maps.Equal(t.Args, args):
		return "build arguments"
	case !maps.Equal(t.Contexts, contexts):
		return "named contexts"
	case len(platforms) > 0 && !v.softened && !slices.Equal(slices.Sorted(slices.Values(t.Platforms)), platforms):
		return "platforms"
	case !p.sameNames(v, t.Tags, tags):
		return "tags"
	case !p.sameRequirements(b, t):
		return "secrets, hosts or limits"
	}
	for _, l := range b.Labels {
		if t.Labels[l.Name] != l.Value {
			return "labels"
		}
	}
	for _, a := range b.Annotations {
		if t.Annotated[a.Name] != a.Value {
			return "annotations"
		}
	}
	return ""
}

// sameRequirements compares what steps need besides files. Entitlements of images
// that this one is built on are asked for as well.
func (p *planner) sameRequirements(b *fact.Build, t bake.Build) bool {
	network := ""
	if b.Network != nil {
		network = b.Network.Value
	}
	size := ""
	if b.ShmSize != nil {
		size = b.ShmSize.Value
	}
	ulimits := make([]string, 0, len(b.Ulimits))
	for _, u := range b.Ulimits {
		ulimits = append(ulimits, u.Name+"="+u.Value)
	}
	missing := slices.ContainsFunc(b.Entitlements, func(e fact.Text) bool { return !slices.Contains(t.Entitlements, e.Value) })
	return !missing && maps.Equal(t.Secrets, pairs(b.Secrets)) && maps.Equal(t.ExtraHosts, pairs(b.ExtraHosts)) &&
		slices.Equal(t.SSH, texts(b.SSH)) && slices.Equal(slices.Sorted(slices.Values(t.Ulimits)), ulimits) &&
		(t.Network == network || network == "default" && t.Network == "") && t.ShmSize == size
}

// sameNames compares full names. Where the registry was given, or a script
// names none, only what stands behind it counts.
func (p *planner) sameNames(v *version, have []string, tags map[string]bool) bool {
	if len(have) != len(tags) {
		return false
	}
	registry := p.given
	if v.path != "" && !p.chosen {
		registry = v.path
	}
	for _, full := range have {
		named, err := reference.ParseNormalizedNamed(full)
		if err != nil {
			return false
		}
		tagged, ok := named.(reference.Tagged)
		if !ok || !tags[tagged.Tag()] {
			return false
		}
		want := name{registry: registry, repo: v.repo, tag: tagged.Tag()}
		if !p.chosen && want.full() != named.String() {
			return false
		}
	}
	return true
}

// Changes are definitions as what is to be written, none of which is there yet.
func Changes(files []File) []changeset.File {
	changes := make([]changeset.File, len(files))
	for i, f := range files {
		changes[i] = changeset.File{Path: f.Name, Mode: 0o644, Content: f.Text}
	}
	return changes
}
