package catalogue

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/diag"
)

// Select finds the versions that patterns name: ids ("node-22"), bake target
// names, keys ("node": all its versions), groups of the project, and globs over
// all but groups ("python-3.*"). No pattern selects everything. The result is in the catalogue's order, without
// duplicates; the error names every pattern that matches nothing.
func (c *Catalogue) Select(patterns []string) ([]*Version, error) {
	all := c.Versions()
	if len(patterns) == 0 {
		return all, nil
	}
	chosen := map[*Version]bool{}
	var problems []string
	for _, p := range patterns {
		group := c.group(p)
		found := group != nil
		if found {
			for _, v := range group.Versions {
				chosen[v] = true
			}
		}
		for _, v := range all {
			ok, err := matches(p, v)
			if err != nil {
				return nil, fmt.Errorf("%q is no pattern: %w", p, err)
			}
			if ok {
				chosen[v], found = true, true
			}
		}
		if !found {
			problems = append(problems, c.unknown(p))
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	return slices.DeleteFunc(all, func(v *Version) bool { return !chosen[v] }), nil
}

func matches(pattern string, v *Version) (bool, error) {
	for _, name := range []string{v.ID, v.Target, v.Runtime.Key} {
		ok, err := path.Match(pattern, name)
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (c *Catalogue) unknown(pattern string) string {
	var names []string
	for _, rt := range c.Runtimes {
		names = append(names, rt.Key)
		for _, v := range rt.Versions {
			names = append(names, v.ID)
		}
	}
	for _, g := range c.Groups {
		names = append(names, g.Name)
	}
	if near := diag.Suggest(pattern, names); near != "" {
		return fmt.Sprintf("no runtime %q; did you mean %q?", pattern, near)
	}
	return fmt.Sprintf("no runtime %q; runbake list shows all", pattern)
}
