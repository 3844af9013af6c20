package catalogue

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
)

// Aliases that versions may have.
const (
	aliasMinor  = "minor"  // 1.2 of 1.2.3
	aliasMajor  = "major"  // 1 of it
	aliasLatest = "latest" // the newest of all
)

// numbered are the names of versions that have aliases: releases, and nothing
// that comes before one.
var numbered = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)*$`)

// aliases adds tags to the versions of a runtime: those of the newest of each line
// that has them. No list of tags is kept by hand, and the tags move when a
// version comes or is deprecated.
func (r *resolver) aliases(scopes []*scope) {
	for _, s := range scopes {
		list := firstList(s.given.Aliases, r.defaults.Aliases)
		if list == nil {
			continue
		}
		for _, alias := range r.aliasNames(list) {
			for _, line := range s.lines() {
				if name := s.alias(alias, line, scopes); name != "" {
					r.addAlias(s, name, line)
				}
			}
		}
	}
}

func (r *resolver) aliasNames(list *definition.List) []string {
	var names []string
	for _, item := range list.Items {
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			r.report(item.Range(), "An alias is a string", `Write "minor", "major" or "latest"; variables cannot be used here.`)
			continue
		}
		if slices.Contains(names, v.AsString()) {
			r.report(item.Range(), fmt.Sprintf("Alias %q is listed twice", v.AsString()), "Remove one of the two.")
			continue
		}
		names = append(names, r.oneOf(definition.String{Value: v.AsString(), Range: item.Range()}, "alias", []string{aliasMinor, aliasMajor, aliasLatest}))
	}
	return names
}

// alias is the name that an alias gives to a version in a line: "" when it has none,
// or when another version of the line is newer or has the name itself.
func (s *scope) alias(alias, line string, all []*scope) string {
	numbers := strings.Split(s.name, ".")
	kept := map[string]int{aliasMinor: 2, aliasMajor: 1}[alias]
	if !numbered.MatchString(s.name) || s.version.Deprecated != "" || alias != aliasLatest && kept >= len(numbers) {
		return ""
	}
	start := strings.Join(numbers[:kept], ".")
	name := start
	if alias == aliasLatest {
		name = aliasLatest
	}
	for _, other := range all {
		if !slices.Contains(other.lines(), line) {
			continue
		}
		inLine := start == "" || other.name == start || strings.HasPrefix(other.name, start+".")
		newer := numbered.MatchString(other.name) && other.version.Deprecated == "" && inLine && compareNatural(other.name, s.name) > 0
		if other.name == name || newer {
			return ""
		}
	}
	return name
}

// addAlias adds what the templates of tags are for another name of the version.
// Where latest is no version, it stands alone; that of a variant is the variant's
// name.
func (r *resolver) addAlias(s *scope, name, line string) {
	tags := []string{cmp.Or(line, aliasLatest)}
	if name != aliasLatest {
		again := *s
		again.name = name
		again.ctx = &hcl.EvalContext{Variables: maps.Clone(s.ctx.Variables)}
		again.ctx.Variables["version"] = versionValue(s.version.ID, name)
		tags = r.tagsOf(&again, line)
	}
	for _, tag := range tags {
		if !slices.Contains(s.version.Tags, tag) {
			s.version.Tags = append(s.version.Tags, tag)
		}
	}
}
