package catalogue

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

// Group is some of the images, under a name of its own.
type Group struct {
	Name        string
	Description string
	Versions    []*Version // in the order of the catalogue
}

var groupPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// groups resolves the groups of a project.
func (r *resolver) groups(c *Catalogue, given []*definition.Group) []Group {
	var all []Group
	first := map[string]hcl.Range{}
	for _, g := range given {
		if before, twice := first[g.Name.Value]; twice {
			r.report(g.Name.Range, fmt.Sprintf("Duplicate group %q", g.Name.Value),
				fmt.Sprintf("It was given at %s already. Join the two.", diag.Place(before)))
			continue
		}
		first[g.Name.Value] = g.Name.Range
		r.groupName(c, g.Name)
		group := Group{Name: g.Name.Value}
		if g.Description != nil {
			group.Description = g.Description.Value
		}
		if g.Targets != nil {
			group.Versions = r.members(c, g.Targets)
		}
		all = append(all, group)
	}
	return all
}

// groupName refuses names that the emitted file has for something else.
func (r *resolver) groupName(c *Catalogue, name definition.String) {
	switch other := c.named(name.Value); {
	case !groupPattern.MatchString(name.Value):
		r.report(name.Range, fmt.Sprintf("Invalid name %q of a group", name.Value),
			"It has letters, digits, dashes and underscores, and starts with a letter or digit.")
	case reserved(name.Value):
		r.report(name.Range, fmt.Sprintf("The emitted file has a group %q already", name.Value), "Choose another name.")
	case other != nil:
		r.report(name.Range, fmt.Sprintf("%q is the name of a runtime or an image", name.Value),
			fmt.Sprintf("See %s. Rename one of the two.", diag.Place(other.Range)))
	}
}

// named is a version that bake knows by a name, alone or with others of its
// runtime; nil if there is none.
func (c *Catalogue) named(name string) *Version {
	for _, v := range c.Versions() {
		if v.Target == name || v.ID == name || v.Runtime.Key == name {
			return v
		}
	}
	return nil
}

// members are the versions that the patterns of a group name.
func (r *resolver) members(c *Catalogue, list *definition.List) []*Version {
	var patterns []string
	for _, item := range list.Items {
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			r.report(item.Range(), "A pattern is a string", `Write for example "node-*"; variables cannot be used here.`)
			continue
		}
		if _, err := c.Select([]string{v.AsString()}); err != nil {
			r.report(item.Range(), fmt.Sprintf("No image matches %q", v.AsString()),
				fmt.Sprintf("Patterns are ids, keys, and globs over both (%v).", err))
			continue
		}
		patterns = append(patterns, v.AsString())
	}
	if len(list.Items) == 0 {
		r.report(list.Range, "No targets", `List at least one, for example ["node-*"].`)
	}
	if len(patterns) == 0 {
		return nil
	}
	versions, _ := c.Select(patterns) // each of them has been selected above
	return versions
}

// group is the group of a name.
func (c *Catalogue) group(name string) *Group {
	i := slices.IndexFunc(c.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Groups[i]
}
