package pipeline

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// maxCalls is how deep workflows and actions may call one another.
const maxCalls = 8

// called is a reader of another file of the repository; nil if it cannot be read.
func (r *reader) called(uses *yaml.Node, name string) *reader {
	file, err := fact.Read(r.fsys, name)
	var d *document
	if err == nil {
		d, err = parse(file)
	}
	switch {
	case r.depth >= maxCalls:
		r.fail(fact.RuleNotUnderstood, r.place(uses), "Workflows and actions call one another too deeply", "This one is not read.")
		return nil
	case err != nil:
		r.fail(fact.RuleNotUnderstood, r.place(uses), fmt.Sprintf("Cannot read %s", fact.Shorten(name)),
			fmt.Sprintf("What it builds is not imported (%v).", err))
		return nil
	}
	r.Texts[name] = file.Text
	return &reader{state: r.state, document: d, depth: r.depth + 1, outputs: map[string]any{}}
}

// callWorkflow reads a workflow that a job calls, with its inputs.
func (r *reader) callWorkflow(uses, with *yaml.Node, s scope) {
	name, own := strings.CutPrefix(uses.Value, "./")
	if !own {
		if mentionsImages(uses.Value) {
			r.fail(fact.RuleNotUnderstood, r.place(uses), fmt.Sprintf("The workflow %s is not read", fact.Shorten(uses.Value)),
				"It is in another repository, and what it builds is not imported.")
		}
		return
	}
	if other := r.called(uses, path.Clean(name)); other != nil {
		other.github(other.start(), r.values(with, s))
	}
}

// callAction reads the steps of an action of the repository.
func (r *reader) callAction(st *step, uses *yaml.Node, job entry) []*fact.Build {
	dir := path.Clean(strings.TrimPrefix(uses.Value, "./"))
	name := path.Join(dir, "action.yml")
	if _, err := r.stat(name); err != nil {
		name = path.Join(dir, "action.yaml")
	}
	other := r.called(uses, name)
	if other == nil {
		return nil
	}
	inputs := map[string]any{}
	for _, e := range entries(get(other.root, "inputs")) {
		inputs[e.key] = other.scalar(get(e.value, "default")).String()
	}
	maps.Copy(inputs, r.values(st.with, st.scope))
	runs := get(other.root, "runs")
	return other.steps(entry{key: job.key, at: job.at, value: runs}, st.scope.with("inputs", inputs))
}

// values are the inputs of a call.
func (r *reader) values(n *yaml.Node, s scope) map[string]any {
	all := map[string]any{}
	for _, e := range entries(n) {
		all[e.key] = r.matrixValue(e.value, s)
	}
	return all
}
