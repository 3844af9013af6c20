package changes

import (
	"cmp"
	"maps"
	"slices"
)

// Package is an installed package.
type Package struct {
	Type    string // as in package URLs: deb, apk, npm …; "" when it is not known
	Name    string // with its namespace, where that is part of what people call it
	Version string
}

// Kind is what happened to a package or a setting.
type Kind string

// Kinds of changes.
const (
	Came       Kind = "added"
	Gone       Kind = "removed"
	Upgraded   Kind = "upgraded"
	Downgraded Kind = "downgraded"
	Replaced   Kind = "changed" // of versions: those that have no order
)

// Update is a package that differs.
type Update struct {
	Change Kind   `json:"change"`
	Type   string `json:"type,omitempty"`
	Name   string `json:"name"`
	Pair
}

// sorted are packages in order, each once.
func sorted(all []Package) []Package {
	slices.SortFunc(all, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return slices.Compact(all)
}

// key is what makes a package the same one in another version.
type key struct{ kind, name string }

func versions(all []Package) map[key][]string {
	found := map[key][]string{}
	for _, p := range all {
		found[key{p.Type, p.Name}] = append(found[key{p.Type, p.Name}], p.Version)
	}
	return found
}

// comparePackages finds what differs, sorted by type and name. Of a package that is
// there in several versions, those that both have are left out.
func comparePackages(before, after []Package) []Update {
	olds, news := versions(before), versions(after)
	keys := maps.Clone(olds)
	maps.Copy(keys, news)
	order := slices.SortedFunc(maps.Keys(keys), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	var all []Update
	for _, k := range order {
		gone, come := without(olds[k], news[k]), without(news[k], olds[k])
		if len(gone) == 1 && len(come) == 1 {
			all = append(all, Update{kindOf(k.kind, gone[0], come[0]), k.kind, k.name, Pair{gone[0], come[0]}})
			continue
		}
		for _, v := range gone {
			all = append(all, Update{Gone, k.kind, k.name, Pair{Before: v}})
		}
		for _, v := range come {
			all = append(all, Update{Came, k.kind, k.name, Pair{After: v}})
		}
	}
	return all
}

// without are the versions of one list that another does not have.
func without(all, others []string) []string {
	var left []string
	for _, v := range all {
		if !slices.Contains(others, v) && !slices.Contains(left, v) {
			left = append(left, v)
		}
	}
	return left
}

func kindOf(kind, before, after string) Kind {
	order, known := Order(kind, before, after)
	switch {
	case known && order < 0:
		return Upgraded
	case known && order > 0:
		return Downgraded
	}
	return Replaced
}
