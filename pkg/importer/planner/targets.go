package planner

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// groups notes names for several images that no definition has.
func (p *planner) groups() {
	for _, g := range p.named {
		if members := p.members(g); len(members) == 0 || p.nameable(g) {
			continue
		}
		names := make([]string, 0, len(g.Members))
		for _, m := range g.Members {
			names = append(names, m.Target)
		}
		p.note(fact.Note{
			Range: g.Name.Range, Kind: fact.LeftOut,
			Text: fmt.Sprintf("the group %s (%s): name its targets when you build", g.Name.Value, some(names)),
		})
	}
}

// members are the versions of a group; none for one that the emitted file has by
// itself, under the same name: of all images, of each runtime, of one image, which
// also goes without saying where a bake file has one for default.
func (p *planner) members(g *fact.Group) []*version {
	have := map[*version]bool{}
	keys := map[string]bool{}
	for _, m := range g.Members {
		if v := p.tagged(m.Tag); v != nil {
			have[v], keys[v.key] = true, true
		}
	}
	of := slices.DeleteFunc(slices.Clone(p.versions), func(v *version) bool { return !keys[v.key] })
	name := g.Name.Value
	switch {
	case len(have) == len(p.versions) && name == "default", len(keys) == 1 && len(have) == len(of) && keys[name]:
		return nil
	case len(have) == 1 && (name == "default" || slices.ContainsFunc(of, func(v *version) bool { return have[v] && goesBy(v, name) })):
		return nil
	}
	return slices.DeleteFunc(of, func(v *version) bool { return !have[v] })
}

// nameable says whether a group can have its name in the emitted file.
func (p *planner) nameable(g *fact.Group) bool {
	name := g.Name.Value
	taken := slices.ContainsFunc(p.versions, func(v *version) bool { return v.key == name || goesBy(v, name) })
	return !taken && len(catalogue.CheckGroup(name)) == 0
}

// goesBy reports whether the emitted file has an image by a name.
func goesBy(v *version, name string) bool {
	return v.id() == name || catalogue.TargetName(v.id()) == name
}

// own are the groups that definitions have.
func (p *planner) own() []ownGroup {
	var all []ownGroup
	for _, g := range p.named {
		members := p.members(g)
		twice := slices.ContainsFunc(all, func(o ownGroup) bool { return o.name == g.Name.Value })
		if len(members) == 0 || !p.nameable(g) || twice {
			continue
		}
		own := ownGroup{name: g.Name.Value}
		for _, v := range members {
			own.ids = append(own.ids, v.id())
		}
		slices.Sort(own.ids)
		all = append(all, own)
	}
	return all
}

// ownGroup is a group of a project.
type ownGroup struct {
	name string
	ids  []string
}

func writeGroups(body *hclwrite.Body, groups []ownGroup) {
	for _, g := range groups {
		body.AppendNewline()
		body.AppendNewBlock("group", []string{g.name}).Body().SetAttributeValue("targets", list(g.ids))
	}
}

// some lists names, the first ones of many.
func some(names []string) string {
	const most = 6
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// tagged is the version with a name; nil if none has it.
func (p *planner) tagged(tag string) *version {
	n, err := parseName(fact.Text{Value: tag})
	if err != nil {
		return nil
	}
	at := slices.IndexFunc(p.versions, func(v *version) bool {
		return slices.ContainsFunc(v.image.names, func(o name) bool { return o.full() == n.full() })
	})
	if at < 0 {
		return nil
	}
	return p.versions[at]
}

// contexts leaves out versions with named contexts that no definition can say:
// without them they would be other images.
func (p *planner) contexts() {
	p.versions = slices.DeleteFunc(p.versions, func(v *version) bool {
		for _, c := range v.build.Upstream {
			if sayable(c.Value) {
				continue
			}
			p.Fail(fact.RuleInexpressible, c.Range,
				fmt.Sprintf("%s takes %s as its context %q", v.image.names[0].id(), c.Value, c.Name),
				"Named contexts of definitions are folders, images, and addresses of git and HTTP. It is left out.")
			return true
		}
		return false
	})
}

// sayable says whether a context that is no folder can stand in a definition.
func sayable(context string) bool {
	switch dockerfile.KindOf(context) {
	case dockerfile.ImageContext:
		return strings.HasPrefix(context, dockerfile.ImageScheme)
	case dockerfile.LayoutContext:
		return fs.ValidPath(path.Clean(dockerfile.Layout(context)))
	case dockerfile.RemoteContext:
		return dockerfile.CheckRemote(context, true) == nil
	case dockerfile.FolderContext, dockerfile.TargetContext:
	}
	return false
}

// named are the named contexts of a build, as definitions have them.
func named(b *fact.Build) []fact.Pair {
	all := slices.Concat(b.Contexts, b.Upstream)
	for _, i := range b.Images {
		i.Value = dockerfile.ImageScheme + i.Value
		all = append(all, i)
	}
	return all
}

// needs are the requirements of a build as values that can be compared.
func needs(r fact.Requirements) []map[string]string {
	lone := map[string]string{}
	if r.Network != nil {
		lone["network"] = r.Network.Value
	}
	if r.ShmSize != nil {
		lone["shm_size"] = r.ShmSize.Value
	}
	for _, t := range r.SSH {
		lone["ssh "+t.Value] = ""
	}
	for _, t := range r.Entitlements {
		lone["entitlement "+t.Value] = ""
	}
	return []map[string]string{pairs(r.Secrets), pairs(r.ExtraHosts), pairs(r.Ulimits), lone}
}

// sameNeeds reports builds whose steps need the same.
func sameNeeds(a, b fact.Requirements) bool {
	return slices.EqualFunc(needs(a), needs(b), maps.Equal)
}

// relative is the path of a file from a folder; both are paths from the root.
func relative(dir, name string) string {
	if dir == "." {
		return name
	}
	parts, to := strings.Split(dir, "/"), strings.Split(name, "/")
	for len(parts) > 0 && len(to) > 1 && parts[0] == to[0] {
		parts, to = parts[1:], to[1:]
	}
	return strings.Repeat("../", len(parts)) + strings.Join(to, "/")
}

// fromContext is the Dockerfile of a build as definitions have it: from the context.
func fromContext(b *fact.Build) string {
	switch {
	case !b.Remote:
		return relative(b.Context.Value, b.DockerfilePath())
	case b.Dockerfile != nil:
		return b.Dockerfile.Value
	}
	return "Dockerfile"
}
