package bake

import (
	"slices"
	"strings"
)

// part is the members of a group that have the same platforms. A group is
// written, and read, part by part: PLATFORM leaves out whole parts.
type part struct {
	platforms []string // sorted
	members   []string
}

// parts says which members groups have, in which order. Everything that writes
// or reads a group starts from here.
func (f *File) parts() [][]part {
	sets := f.platformSets()
	groups := make([][]part, len(f.Groups))
	for i, g := range f.Groups {
		place := map[string]int{} // of each set of platforms, in order of first use
		for _, name := range g.Targets {
			key := strings.Join(sets[name], ",")
			at, known := place[key]
			if !known {
				at = len(groups[i])
				place[key] = at
				groups[i] = append(groups[i], part{platforms: sets[name]})
			}
			groups[i][at].members = append(groups[i][at].members, name)
		}
	}
	return groups
}

// Members are the targets of every group for given values, by the group's name.
func (f *File) Members(v Values) map[string][]string {
	members := make(map[string][]string, len(f.Groups))
	for i, parts := range f.parts() {
		var list []string
		for _, p := range parts {
			if v.Platform == "" || slices.Contains(p.platforms, v.Platform) {
				list = append(list, p.members...)
			}
		}
		members[f.Groups[i].Name] = list
	}
	return members
}

// platformSets are the sorted platforms of each target.
func (f *File) platformSets() map[string][]string {
	sets := make(map[string][]string, len(f.Targets)+len(f.Tests))
	for _, t := range f.Targets {
		sets[t.Name] = slices.Sorted(slices.Values(t.Platforms))
	}
	for _, t := range f.Tests {
		sets[t.Name] = slices.Sorted(slices.Values(t.Platforms))
	}
	return sets
}
