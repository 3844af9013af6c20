package catalogue

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// scope is what the templates of one version can refer to.
type scope struct {
	edition
	version *Version
	given   definition.Settings // of the block, with what is laid over it
	dir     string
	partial bool // something of the block was reported already
	checks  []*definition.Check

	ctx *hcl.EvalContext

	// What build finds out for images; file is nil when that cannot be said.
	file     *dockerfile.File
	from     []entry
	contexts []entry
	secrets  []entry
	asks     []dockerfile.Ask
	used     []dockerfile.Image
	diags    hcl.Diagnostics
}

// variables lists what templates can refer to, for messages.
var variables = map[string][]string{
	"runtime":   {"key", "name"},
	"version":   {"id", "name"},
	variantRoot: {"name"},
}

// variantRoot is what the name of the variant is an attribute of.
const variantRoot = "variant"

// runtimeValue is the variable runtime, and versionValue the variable version.
func runtimeValue(rt *Runtime) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(rt.Key), "name": cty.StringVal(rt.Name)})
}

func versionValue(id, name string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(id), "name": cty.StringVal(name)})
}

// nameValue is a variable that has nothing but a name.
func nameValue(name string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(name)})
}

// text evaluates a template in which no variable of the project may stand.
func (r *resolver) text(s *scope, expr hcl.Expression) (string, bool) {
	for _, t := range expr.Variables() {
		if isVariable(t) {
			r.report(t.SourceRange(), "No variable can stand here",
				"What this is must be known before anybody builds. Variables can stand in from, args, tags, labels and annotations.")
			return "", false
		}
	}
	text, _, ok := r.template(s, expr)
	return text, ok
}

// checkVariables reports references to anything but the variables that exist.
func (r *resolver) checkVariables(expr hcl.Expression) bool {
	good := true
	for _, t := range expr.Variables() {
		root := t.RootName()
		if root == variableRoot {
			good = r.checkVariable(t) && good
			continue
		}
		attrs, known := variables[root]
		if !known {
			detail := suggestion(root, slices.Sorted(maps.Keys(variables)))
			if root == "base" {
				detail = `A base can be named in run and as a value of from and contexts, and there only as a whole: base.debian["12"].`
			}
			r.report(t.SourceRange(), fmt.Sprintf("There is no variable %q", root), detail)
			good = false
			continue
		}
		var attr string
		if len(t) == 2 {
			if step, ok := t[1].(hcl.TraverseAttr); ok {
				attr = step.Name
			}
		}
		if !slices.Contains(attrs, attr) {
			r.report(t.SourceRange(), fmt.Sprintf("No such attribute of %q", root), suggestion(attr, attrs))
			good = false
		}
	}
	return good
}

// entry is one evaluated value of a map, with the place of its key.
type entry struct {
	key   definition.String
	value string
	at    hcl.Range // of the value
	text  Text      // with variables; nil if there are none
}

// merged evaluates maps that are laid over one another, the later ones
// winning, in the order in which keys first appear.
func (r *resolver) merged(s *scope, layers ...*definition.Map) []entry {
	var entries []entry
	for _, item := range overlay(layers) {
		if v, ok := r.text(s, item.Value); ok {
			entries = append(entries, entry{key: item.Key, value: v, at: item.Value.Range()})
		}
	}
	return entries
}

// templates is merged for maps in whose values variables may stand.
func (r *resolver) templates(s *scope, layers ...*definition.Map) []entry {
	var entries []entry
	for _, item := range overlay(layers) {
		if v, text, ok := r.template(s, item.Value); ok {
			entries = append(entries, entry{item.Key, v, item.Value.Range(), text})
		}
	}
	return entries
}

func overlay(layers []*definition.Map) []definition.Item {
	var items []definition.Item
	for _, m := range layers {
		if m == nil {
			continue
		}
		for _, item := range m.Items {
			same := func(i definition.Item) bool { return i.Key.Value == item.Key.Value }
			if at := slices.IndexFunc(items, same); at >= 0 {
				items[at] = item
				continue
			}
			items = append(items, item)
		}
	}
	return items
}

func toMap(entries []entry) map[string]string {
	m := make(map[string]string, len(entries))
	for _, e := range entries {
		m[e.key.Value] = e.value
	}
	return m
}

// baseReference reads base.debian["12"]. ok is false for any other form, which
// is an error only where nothing else may stand.
func baseReference(expr hcl.Expression) (key, version string, ok bool) {
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() || t.RootName() != "base" || len(t) != 3 {
		return "", "", false
	}
	names := make([]string, 0, 2)
	for _, step := range t[1:] {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		case hcl.TraverseIndex:
			if step.Key.Type() != cty.String {
				return "", "", false
			}
			names = append(names, step.Key.AsString())
		default:
			return "", "", false
		}
	}
	return names[0], names[1], true
}

// placed is the range to report for an expression: its own, or the version's
// when the expression is one of our defaults and stands in no file.
func (r *resolver) placed(s *scope, at hcl.Range) hcl.Range {
	if at.Filename == defaultFile {
		return s.version.Range
	}
	return at
}
