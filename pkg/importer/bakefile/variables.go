package bakefile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/docker/buildx/bake/hclparser"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// variables notes which defaults are in the definitions now.
func (r *reading) variables(e *evaluation) {
	if e.meta == nil {
		return
	}
	values := map[string]*hclparser.Variable{}
	for _, v := range e.meta.AllVariables {
		values[v.Name] = v
	}
	kept := r.settable(values)
	told := map[string]bool{}
	for _, s := range r.selection.sources {
		for _, b := range s.blocks {
			v := values[b.label]
			if b.kind != "variable" || v == nil || told[b.label] || r.done[b] {
				continue
			}
			told[b.label], r.done[b] = true, true
			if v.Value != nil && r.emitted(b.label, *v.Value) {
				continue
			}
			if given := r.setting(b.label); given != nil && !kept[b.label] {
				continue // as is told
			}
			if kept[b.label] {
				r.Variables = append(r.Variables, &fact.Variable{
					Name: b.label, Default: *v.Value, Description: v.Description, Range: b.at,
				})
				continue
			}
			value := "its default, null"
			switch {
			case !r.defaulted(b.label):
				value = "no value, as it has no default"
			case v.Value != nil && !r.still(b.label, *v.Value):
				value = "its default"
			case v.Value != nil && *v.Value == "":
				value = "its default, which is empty"
			case v.Value != nil:
				value = "its default, " + fact.Shorten(*v.Value)
			}
			text := fmt.Sprintf("the variable %s: definitions have %s", b.label, value)
			r.Note(fact.Note{Range: b.at, Kind: fact.LeftOut, Text: text})
		}
	}
}

// defaulted reports a variable that has a default.
func (r *reading) defaulted(name string) bool {
	return slices.ContainsFunc(r.selection.sources, func(s *source) bool {
		return slices.ContainsFunc(s.blocks, func(b *block) bool {
			_, given := b.attrs["default"]
			return given && b.kind == "variable" && b.label == name
		})
	})
}

// still reports a variable that has the same value in another evaluation.
func (r *reading) still(name, value string) bool {
	if r.elsewhere == nil || r.elsewhere.meta == nil {
		return true
	}
	return slices.ContainsFunc(r.elsewhere.meta.AllVariables, func(v *hclparser.Variable) bool {
		return v.Name == name && v.Value != nil && *v.Value == value
	})
}

// probes are variables of bake files that the emitted file has as well, with a
// value that shows in tags whether they mean the same.
var probes = map[string]struct {
	value string
	shows func(before, after string) bool
}{
	"REGISTRY": {"registry.example/some/path", func(before, after string) bool {
		_, name, _ := strings.Cut(strings.TrimPrefix(after, "registry.example/some/path"), "/")
		return strings.HasPrefix(after, "registry.example/some/path/") && strings.HasSuffix(before, "/"+name)
	}},
	"TAG_SUFFIX": {"-suffix", func(before, after string) bool { return after == before+"-suffix" }},
}

// emitted reports a variable that means what the emitted file means by it: set to
// another value, it changes all tags so.
func (r *reading) emitted(name, value string) bool {
	probe, known := probes[name]
	if !known || len(r.events) == 0 || name == "REGISTRY" && !r.registry(value) {
		return false
	}
	e, err := r.evaluate(oneMachine, map[string]string{name: probe.value})
	if err != nil {
		return false
	}
	for _, t := range r.images {
		if t.in != r {
			continue
		}
		o, err := e.target(t.Name)
		if err != nil || len(o.Tags) != len(t.Tags) {
			return false
		}
		for i, tag := range t.Tags {
			if !probe.shows(tag, o.Tags[i]) {
				return false
			}
		}
	}
	return true
}

// registry reports that a value is all that stands before the names of images:
// so the project has it.
func (r *reading) registry(value string) bool {
	var all []string
	for _, t := range r.images {
		for _, tag := range t.Tags {
			all = append(all, path.Dir(tag)+"/")
		}
	}
	return len(all) > 0 && slices.Contains(all, value+"/") &&
		!slices.ContainsFunc(all, func(dir string) bool { return !strings.HasPrefix(dir, value+"/") })
}
