package bakefile

import (
	"fmt"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
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
	told := map[string]bool{}
	for _, s := range r.sources {
		for _, b := range s.blocks {
			v := values[b.label]
			if b.kind != "variable" || v == nil || told[b.label] || r.done[b] {
				continue
			}
			told[b.label], r.done[b] = true, true
			if r.emitted(b.label) {
				continue
			}
			text := fmt.Sprintf("the variable %s has no default: it is empty in the definitions", b.label)
			if _, given := r.lastDefault(b.label); given {
				text = fmt.Sprintf("the variable %s: its default is in the definitions, which have no variables", b.label)
			}
			if v.Value != nil && *v.Value != "" && r.still(b.label, *v.Value) {
				text = fmt.Sprintf("the variable %s: its default, %s, is in the definitions, which have no variables", b.label,
					fact.Shorten(*v.Value))
			}
			r.Note(fact.Note{Range: b.at, Kind: fact.LeftOut, Text: text})
		}
	}
}

// lastDefault finds the block that gives a variable its default.
func (r *reading) lastDefault(name string) (*block, bool) {
	for _, s := range slices.Backward(r.sources) {
		for _, b := range slices.Backward(s.blocks) {
			if _, given := b.attrs["default"]; b.kind == "variable" && b.label == name && given {
				return b, true
			}
		}
	}
	return nil, false
}

// still reports a variable that has the same value in another evaluation.
func (r *reading) still(name, value string) bool {
	e, err := evaluate(r.sources, there, nil)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(e.meta.AllVariables, func(v *hclparser.Variable) bool {
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
func (r *reading) emitted(name string) bool {
	probe, known := probes[name]
	if !known || len(r.events) == 0 {
		return false
	}
	e, err := evaluate(r.sources, here, map[string]string{name: probe.value})
	if err != nil {
		return false
	}
	for _, t := range r.images {
		if t.in != r {
			continue
		}
		o, err := e.config.ResolveTarget(t.Name, nil, &buildxbake.EntitlementConf{})
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
