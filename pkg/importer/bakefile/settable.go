package bakefile

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/bake/hclparser"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// tries is how many targets are evaluated to find variables, all evaluations together.
const tries = 2_000

// settable finds the variables that stand in build arguments, labels and annotations as
// they are, and in nothing else: whoever builds may go on setting them. What the others
// are is said once, by their defaults.
func (r *reading) settable(values map[string]*hclparser.Variable) map[string]bool {
	found := map[string]bool{}
	if len(r.events) == 0 {
		return found
	}
	decided := r.deciding()
	candidates := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if v.Value != nil && !decided[name] && r.defaulted(name) && r.still(name, *v.Value) {
			candidates[name] = marked(len(candidates))
		}
	}
	vars := map[string]string{}
	for i, name := range slices.Sorted(maps.Keys(candidates)) {
		one := map[string]string{name: candidates[name]}
		if (i+2)*len(r.names) <= tries && r.stands(one, values) != nil {
			vars[name] = candidates[name]
		}
	}
	if len(vars) == 0 {
		return found
	}
	if e := r.stands(vars, values); e != nil {
		r.template(e, vars, values)
		for name := range vars {
			found[name] = true
		}
	}
	return found
}

// marked is a value that nothing else has.
func marked(n int) string { return fmt.Sprintf("rb0variable%dx0", n) }

// deciding are the names of variables that more is done with than to put them into
// texts, and of those in files that are not looked into.
func (r *reading) deciding() map[string]bool {
	found := map[string]bool{}
	all := func(root string) { found[root] = true }
	for _, s := range r.selection.sources {
		if path.Ext(s.Name) != ".hcl" {
			for _, b := range s.blocks {
				found[b.label] = true
			}
			continue
		}
		f, diags := hclsyntax.ParseConfig(s.Text, s.Name, hcl.InitialPos)
		if body, is := f.Body.(*hclsyntax.Body); is && !diags.HasErrors() {
			decides(body, all)
		}
	}
	return found
}

// decides calls with the roots of what expressions of a body do more with than to put it
// into a text.
func decides(body *hclsyntax.Body, do func(root string)) {
	for _, attr := range body.Attributes {
		_ = hclsyntax.VisitAll(attr.Expr, func(n hclsyntax.Node) hcl.Diagnostics {
			expr, is := n.(hclsyntax.Expression)
			if !is || !decision(expr) {
				return nil
			}
			for _, t := range hclsyntax.Variables(expr) {
				do(t.RootName())
			}
			return nil
		})
	}
	for _, b := range body.Blocks {
		decides(b.Body, do)
	}
}

// decision reports an expression whose value is more than the texts in it.
func decision(expr hclsyntax.Expression) bool {
	switch expr.(type) {
	case *hclsyntax.ConditionalExpr, *hclsyntax.BinaryOpExpr, *hclsyntax.UnaryOpExpr, *hclsyntax.FunctionCallExpr,
		*hclsyntax.ForExpr, *hclsyntax.IndexExpr, *hclsyntax.SplatExpr:
		return true
	}
	return false
}

// stands finds whether targets with other values of variables differ in texts of build
// arguments, labels and annotations alone, and in some: the evaluation, or nil.
func (r *reading) stands(vars map[string]string, values map[string]*hclparser.Variable) *evaluation {
	e, err := r.evaluate(oneMachine, vars)
	if err != nil {
		return nil
	}
	back := func(text string) string {
		for name, mark := range vars {
			text = strings.ReplaceAll(text, mark, *values[name].Value)
		}
		return text
	}
	some := false
	for _, t := range r.images {
		if t.in != r {
			continue
		}
		o, err := e.target(t.Name)
		if err != nil || moved(t.Target, o) != "" || !reflect.DeepEqual(t.Tags, o.Tags) || !reflect.DeepEqual(t.Platforms, o.Platforms) ||
			!reflect.DeepEqual(t.Outputs, o.Outputs) || !reflect.DeepEqual(t.Ulimits, o.Ulimits) {
			return nil
		}
		for _, pair := range [][2]map[string]string{
			{derefs(t.Args), derefs(o.Args)},
			{derefs(t.Labels), derefs(o.Labels)},
			{annotations(t.Target), annotations(o)},
			{derefs(t.ExtraHosts), derefs(o.ExtraHosts)},
		} {
			for key, text := range pair[1] {
				if was, is := pair[0][key]; !is || was != back(text) {
					return nil
				}
				some = some || pair[0][key] != text
			}
			if len(pair[0]) != len(pair[1]) {
				return nil
			}
		}
		if !maps.Equal(derefs(t.ExtraHosts), derefs(o.ExtraHosts)) {
			return nil
		}
	}
	if !some {
		return nil
	}
	return e
}

// annotations are those of a target, as an object.
func annotations(t *buildxbake.Target) map[string]string {
	all := map[string]string{}
	for _, a := range t.Annotations {
		key, value, _ := strings.Cut(a, "=")
		all[key] = value
	}
	return all
}

// template notes in builds where variables stand, by what they are with marks.
func (r *reading) template(e *evaluation, vars map[string]string, values map[string]*hclparser.Variable) {
	for i, t := range r.images {
		if t.in != r {
			continue
		}
		o, err := e.target(t.Name)
		if err != nil {
			continue
		}
		b := r.images[i].build
		for j, p := range b.Args {
			b.Args[j].Template = templateOf(derefs(o.Args)[p.Name], vars, values)
		}
		for j, p := range b.Labels {
			b.Labels[j].Template = templateOf(derefs(o.Labels)[p.Name], vars, values)
		}
		marked := &fact.Build{}
		for _, a := range o.Annotations {
			marked.Annotate(a, b.Range)
		}
		for j, p := range b.Annotations {
			at := slices.IndexFunc(marked.Annotations, func(o fact.Pair) bool { return o.Name == p.Name })
			if at >= 0 {
				b.Annotations[j].Template = templateOf(marked.Annotations[at].Value, vars, values)
			}
		}
	}
}

// templateOf takes a text apart at its variables; nil if there are none.
func templateOf(text string, vars map[string]string, values map[string]*hclparser.Variable) []fact.Piece {
	var pieces []fact.Piece
	for text != "" {
		first, name := len(text), ""
		for v, mark := range vars {
			if at := strings.Index(text, mark); at >= 0 && at < first {
				first, name = at, v
			}
		}
		if first > 0 {
			pieces = append(pieces, fact.Piece{Literal: text[:first]})
		}
		if name == "" {
			break
		}
		pieces = append(pieces, fact.Piece{Variable: name, Literal: *values[name].Value})
		text = text[first+len(vars[name]):]
	}
	if !slices.ContainsFunc(pieces, func(p fact.Piece) bool { return p.Variable != "" }) {
		return nil
	}
	return pieces
}
