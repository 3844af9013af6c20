package bake

import (
	"maps"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// wholePrefix begins the names of targets that build an image for all of its
// platforms, whatever PLATFORM says.
const wholePrefix = "_"

// context is where a build takes an image of this file from. One that it may
// ask for another platform than is built, as FROM --platform=$BUILDPLATFORM
// does, must be there for all: with PLATFORM the target itself has one alone,
// and BuildKit takes what is there for any platform.
func context(need catalogue.Need) string {
	if need.Cross && len(need.Version.Platforms) > 1 {
		return dockerfile.TargetScheme + wholePrefix + need.Version.Target
	}
	return dockerfile.TargetScheme + need.Version.Target
}

// Origin is the name of the target whose image a target makes: its own, but for
// the targets that make one for all of its platforms.
func (t *Target) Origin() string { return strings.TrimPrefix(t.Name, wholePrefix) }

// whole are the targets that builds take for all platforms, and those that
// these are built on, sorted by name. They are built where they are needed, and
// go nowhere.
func (f *File) whole() []Target {
	byName := make(map[string]*Target, len(f.Targets))
	var todo []string
	for i := range f.Targets {
		t := &f.Targets[i]
		byName[t.Name] = t
		todo = append(todo, wholeNeeds(t)...)
	}
	all := map[string]Target{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		t, known := byName[name]
		if _, done := all[name]; done || !known {
			continue
		}
		whole := *t
		whole.Name, whole.Contexts = wholePrefix+name, maps.Clone(t.Contexts)
		for key, value := range whole.Contexts {
			need := byName[strings.TrimPrefix(value, dockerfile.TargetScheme)]
			if strings.HasPrefix(value, dockerfile.TargetScheme) && need != nil && len(need.Platforms) > 1 {
				whole.Contexts[key] = dockerfile.TargetScheme + wholePrefix + need.Name
			}
		}
		all[name] = whole
		todo = append(todo, wholeNeeds(&whole)...)
	}
	var list []Target
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}

// wholeNeeds are the targets that another takes for all of their platforms.
func wholeNeeds(t *Target) []string {
	var names []string
	for _, value := range t.Contexts {
		if name, is := strings.CutPrefix(value, dockerfile.TargetScheme+wholePrefix); is {
			names = append(names, name)
		}
	}
	return names
}

// wholeAttributes are what the file says of such a target.
func wholeAttributes(t *Target, commonLabels map[string]string) []attribute {
	plain := *t
	plain.Name = t.Origin() // for its cache
	all := targetAttributes(&plain, commonLabels)
	all = slices.DeleteFunc(all, func(a attribute) bool {
		return slices.Contains([]string{"inherits", "description", "tags", "annotations", "cache-to"}, a.name)
	})
	for i := range all {
		if all[i].name == "platforms" {
			all[i].value = list(t.Platforms)
		}
	}
	return append(all, attribute{"output", cacheOnly}, attribute{"attest", noProvenance})
}

// EvaluateWhole says what bake makes of the targets that others take for all
// platforms.
func (f *File) EvaluateWhole(v Values) []Build {
	var builds []Build
	for _, whole := range f.whole() {
		builds = append(builds, f.evaluateWhole(v, &whole))
	}
	return builds
}

func (f *File) evaluateWhole(v Values, whole *Target) Build {
	t := f.with(v, whole)
	t.Description = ""
	b := Build{
		Target: t, Platforms: t.Platforms, Labels: v.labels(t),
		Output: []Attributes{{"type": "cacheonly"}}, Attest: []Attributes{{"type": "provenance", "disabled": "true"}},
	}
	named := *t
	named.Name = t.Origin()
	b.CacheFrom = v.cacheFrom(&named)
	return b
}

// EvaluateAll says what bake makes of every target that an image may come from.
func (f *File) EvaluateAll(v Values) []Build {
	return append(f.Evaluate(v), f.EvaluateWhole(v)...)
}
