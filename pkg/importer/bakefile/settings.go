package bakefile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Settings are what is said of bake files where bake runs.
type Settings struct {
	Variables []fact.Setting // of which bake takes those that it has
	Set       []fact.Text    // --set, each with a value
	Names     []fact.Naming  // of targets that other targets inherit
}

// made is a bake file that is made when bake runs, and says what targets are called. Its
// places are those of what makes it.
func made(n fact.Naming, i int) *source {
	target := map[string]any{}
	b := newBlock("target", n.Target, n.Range)
	if len(n.Tags) > 0 {
		tags := make([]string, 0, len(n.Tags))
		for _, t := range n.Tags {
			tags = append(tags, literal(t.Value))
			b.lists["tags"] = append(b.lists["tags"], t.Range)
		}
		target["tags"], b.attrs["tags"] = tags, n.Range
	}
	if len(n.Labels) > 0 {
		labels := map[string]string{}
		b.items["labels"] = map[string]hcl.Range{}
		for _, l := range n.Labels {
			b.items["labels"][l.Name] = l.Range
			labels[literal(l.Name)] = literal(l.Value)
		}
		target["labels"], b.attrs["labels"] = labels, n.Range
	}
	text, _ := json.Marshal(map[string]any{"target": map[string]any{n.Target: target}}) //nolint:errchkjson // texts alone
	return &source{
		File: fact.NewFile(n.Range.Filename+"."+strconv.Itoa(i)+".json", text), blocks: []*block{b},
		defines: []string{"target " + n.Target},
	}
}

// literal is a text of JSON in which bake sees no template.
func literal(s string) string { return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s) }

// names adds the files that are made when bake runs, and of which one of the others knows.
func (c *collection) names(sources []*source) []*source {
	var all []*source
	for i, n := range c.settings.Names {
		if slices.ContainsFunc(sources, func(s *source) bool { return strings.Contains(string(s.Text), strconv.Quote(n.Target)) }) {
			all = append(all, made(n, i))
			continue
		}
		c.Warn(fact.RuleInexpressible, n.Range, fmt.Sprintf("No target of the bake files inherits %s", n.Target),
			"The names that are given to it here are those of no image. Let the target of the image inherit it.")
	}
	return all
}

// given are the variables that are set, of those that the files have and whose value is
// known.
func (c *collection) given(sources []*source) map[string]string {
	all := map[string]string{}
	for _, v := range c.settings.Variables {
		if v.Why == "" && has(sources, v.Name) {
			all[v.Name] = v.Value
		}
	}
	return all
}

// has reports a variable of files. Those of compose files are what they mention.
func has(sources []*source, name string) bool {
	return slices.ContainsFunc(sources, func(s *source) bool {
		if isCompose(s.Name) {
			return strings.Contains(string(s.Text), "${"+name) || strings.Contains(string(s.Text), "$"+name)
		}
		return slices.ContainsFunc(s.blocks, func(b *block) bool { return b.kind == "variable" && b.label == name })
	})
}

// setting is what is set for a variable; nil if nothing is.
func (c *collection) setting(name string) *fact.Setting {
	at := slices.IndexFunc(c.settings.Variables, func(v fact.Setting) bool { return v.Name == name })
	if at < 0 {
		return nil
	}
	return &c.settings.Variables[at]
}

// tellSettings says of variables that are set where bake runs what becomes of them.
func (c *collection) tellSettings() {
	for _, v := range c.settings.Variables {
		if !has(c.sources, v.Name) {
			continue
		}
		if v.Why != "" {
			c.Note(fact.Note{
				Range: v.Range, Kind: fact.LeftOut,
				Text: fmt.Sprintf("the variable %s, which is set where bake runs: %s; definitions have what the bake file says", v.Name,
					strings.TrimSuffix(v.Why, ".")),
			})
			continue
		}
		c.Note(fact.Note{Range: v.Range, Text: fmt.Sprintf("the variable %s is %s, as it is set where bake runs", v.Name,
			cmp.Or(fact.Shorten(v.Value), "empty"))})
	}
}

// evaluate merges and evaluates files with what is set for them, and with other variables
// besides.
func (r *reading) evaluate(w world, vars map[string]string) (*evaluation, error) {
	all := maps.Clone(r.vars)
	maps.Copy(all, vars)
	e, err := evaluate(r.selection.sources, w, all)
	if err == nil && len(r.overrides) > 0 {
		e.override(r.selection.sources, w, all, r.overrides)
	}
	return e, err
}

// accept keeps what is set that bake can set in these files, and tells of the rest.
func (r *reading) accept(e *evaluation) {
	if len(e.config.Targets) == 0 {
		return
	}
	name := e.config.Targets[0].Name
	for _, set := range r.settings.Set {
		if _, err := targets(r.selection.sources, oneMachine, r.vars, []string{name}, []string{set.Value}); err != nil {
			if _, broken := targets(r.selection.sources, oneMachine, r.vars, []string{name}, nil); broken == nil {
				r.Fail(fact.RuleNotUnderstood, set.Range, fmt.Sprintf("Bake cannot set %s", fact.Shorten(set.Value)),
					fmt.Sprintf("It is left out: %s", sentence(err.Error())))
				continue
			}
		}
		r.overrides = append(r.overrides, set.Value)
	}
}

// override makes the targets of an evaluation those with what is set.
func (e *evaluation) override(sources []*source, w world, vars map[string]string, set []string) {
	e.overridden = map[string]*buildxbake.Target{}
	names := make([]string, 0, len(e.config.Targets))
	for _, t := range e.config.Targets {
		names = append(names, t.Name)
	}
	if all, err := targets(sources, w, vars, names, set); err == nil {
		e.overridden = all
		return
	}
	for _, name := range names { // one that cannot be resolved keeps no other out
		if one, err := targets(sources, w, vars, []string{name}, set); err == nil && one[name] != nil {
			e.overridden[name] = one[name]
		}
	}
}

// target is a target with what it inherits, and what is set for it.
func (e *evaluation) target(name string) (*buildxbake.Target, error) {
	if t := e.overridden[name]; t != nil {
		clone := *t
		return &clone, nil
	}
	return e.config.ResolveTarget(name, nil, &buildxbake.EntitlementConf{})
}

// targets are some of files, with what is set for them.
func targets(sources []*source, w world, vars map[string]string, names, set []string) (map[string]*buildxbake.Target, error) {
	return budget.Within(func() (all map[string]*buildxbake.Target, err error) {
		defer func() { // some texts are more than bake's parser can take
			if p := recover(); p != nil {
				err = fmt.Errorf("bake's parser ends with a panic: %v", p)
			}
		}()
		files := make([]buildxbake.File, 0, len(sources))
		for _, s := range sources {
			files = append(files, buildxbake.File{Name: s.Name, Data: s.replaced()})
		}
		all, _, err = buildxbake.ReadTargets(context.Background(), files, slices.Clone(names), set, w, vars, &buildxbake.EntitlementConf{})
		return all, err
	})
}
