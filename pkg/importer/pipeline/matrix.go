package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// matrix lists the combinations of a matrix, as GitHub does: all of its axes, without
// those that are excluded, and with those that are included.
func (r *reader) matrix(n *yaml.Node, s scope) []map[string]any {
	if n == nil {
		return []map[string]any{{}}
	}
	if n.Kind == yaml.ScalarNode {
		v := r.evaluate(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(n.Value), "${{"), "}}"), s)
		object, is := v.(map[string]any)
		if !is {
			return r.openMatrix(n)
		}
		return r.combine(object, slices.Sorted(maps.Keys(object)), n)
	}
	object, open := map[string]any{}, map[string]any{}
	var axes []string
	var first *yaml.Node
	for _, e := range entries(n) {
		v := r.matrixValue(e.value, s)
		if _, is := v.(unknown); is {
			open[e.key] = unknownf("matrix.%s is known %s", e.key, running)
			first = cmp.Or(first, e.value)
			continue
		}
		object[e.key] = v
		axes = append(axes, e.key)
	}
	if len(open) == 0 {
		return r.combine(object, axes, n)
	}
	cells := r.openMatrix(first)
	if len(axes) > 0 { // those that are known
		cells = r.combine(object, axes, n)
	}
	delete(open, "include")
	delete(open, "exclude")
	for _, cell := range cells {
		maps.Copy(cell, open)
	}
	return cells
}

// matrixValue is a value of a matrix, with its expressions evaluated.
func (r *reader) matrixValue(n *yaml.Node, s scope) any {
	if n = target(n); n != nil && n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${{") {
		whole := strings.TrimSpace(n.Value)
		if strings.HasPrefix(whole, "${{") && strings.Index(whole, "}}") == len(whole)-2 {
			return r.evaluate(whole[3:len(whole)-2], s)
		}
		return r.expand(n, s).String()
	}
	if n != nil && n.Kind == yaml.SequenceNode {
		all := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			if r.budget--; r.budget < 0 {
				return unknownf("it is too large")
			}
			all = append(all, r.matrixValue(item, s))
		}
		return all
	}
	return plain(n, &r.budget, 0)
}

func (r *reader) openMatrix(n *yaml.Node) []map[string]any {
	r.warn(fact.RuleNotUnderstood, r.place(n), "The matrix is made when it runs",
		"Its values are not known here. Write them out, or import what it builds by other files.")
	return []map[string]any{{rest: running}}
}

// combine makes the combinations of some axes.
func (r *reader) combine(object map[string]any, axes []string, n *yaml.Node) []map[string]any {
	cells := []map[string]any{}
	first := true
	for _, axis := range axes {
		values, is := object[axis].([]any)
		if axis == "include" || axis == "exclude" || !is {
			continue
		}
		if first {
			cells, first = []map[string]any{{}}, false
		}
		var more []map[string]any
		for _, cell := range cells {
			for _, v := range values {
				if len(more) > maxCells {
					r.fail(fact.RuleNotUnderstood, r.place(n), "The matrix has too many combinations",
						fmt.Sprintf("It has more than %d, which GitHub refuses.", maxCells))
					return nil
				}
				one := maps.Clone(cell)
				one[axis] = v
				more = append(more, one)
			}
		}
		cells = more
	}
	excluded, _ := object["exclude"].([]any)
	cells = slices.DeleteFunc(cells, func(cell map[string]any) bool {
		return slices.ContainsFunc(excluded, func(v any) bool {
			pattern, is := v.(map[string]any)
			return is && len(pattern) > 0 && matches(cell, pattern)
		})
	})
	included, _ := object["include"].([]any)
	return include(cells, included, axes)
}

// matches reports a combination that has all values of a pattern.
func matches(cell, pattern map[string]any) bool {
	for key, v := range pattern {
		have, has := cell[key]
		if !has || !same(have, v) {
			return false
		}
	}
	return true
}

func same(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// include adds to each combination what does not change its axes, and makes one of
// its own of what fits none.
func include(cells []map[string]any, included []any, axes []string) []map[string]any {
	original := slices.Clone(cells)
	for i := range cells {
		cells[i] = maps.Clone(cells[i])
	}
	for _, v := range included {
		more, is := v.(map[string]any)
		if !is || len(cells) > maxCells {
			continue
		}
		fits := false
		for i, cell := range original {
			clash := slices.ContainsFunc(axes, func(axis string) bool {
				value, given := more[axis]
				have, has := cell[axis]
				return given && has && !same(value, have)
			})
			if !clash {
				maps.Copy(cells[i], more)
				fits = true
			}
		}
		if !fits {
			cells = append(cells, maps.Clone(more))
		}
	}
	return cells
}
