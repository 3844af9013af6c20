package bakefile

import (
	"maps"
	"reflect"
	"slices"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// steady takes out of targets what another evaluation, later and on another
// machine, has not: a definition says the same each time.
func (r *reading) steady(other *evaluation) {
	r.names = slices.DeleteFunc(r.names, func(name string) bool {
		if r.told(name) || r.same(name, other) {
			return false
		}
		delete(r.targets, name)
		return true
	})
}

// same reports that another evaluation has a target, but for what can be taken
// out of it.
func (r *reading) same(name string, other *evaluation) bool {
	t := r.targets[name]
	o, err := other.target(name)
	if err != nil {
		label := name
		if blocks := r.blocks[name]; len(blocks) > 0 {
			label = blocks[0].label
		}
		r.add(entry{
			kind: asError, rule: fact.RuleInexpressible, at: r.place(name, "name", ""),
			text:   "%s: its name changes from one evaluation to the next",
			detail: "A definition says the same each time. It is left out.",
		}, label)
		return false
	}
	steadyMap(r, t, "args", "The build argument", t.Args, o.Args)
	steadyMap(r, t, "labels", "The label", t.Labels, o.Labels)
	steadyMap(r, t, "extra-hosts", "The host", t.ExtraHosts, o.ExtraHosts)
	attr := moved(t, o)
	if len(t.Tags) == 0 {
		return attr == "" // what is built on it is told
	}
	if !slices.ContainsFunc(t.Tags, func(tag string) bool { return slices.Contains(o.Tags, tag) }) {
		return r.left(t, "tags", "", "all of its tags change from one evaluation to the next",
			"A definition says the same each time.")
	}
	steadyList(r, t, "tags", "The tag", &t.Tags, o.Tags)
	steadyList(r, t, "platforms", "The platform", &t.Platforms, o.Platforms)
	if attr != "" {
		return r.left(t, attr, "", attr+" changes from one evaluation to the next", "A definition says the same each time.")
	}
	return true
}

// moved is an attribute without which a target is another, and that two
// evaluations do not agree on; "" if there is none.
func moved(t, o *buildxbake.Target) string {
	for _, a := range []struct {
		name string
		x, y any
	}{
		{"context", t.Context, o.Context},
		{"dockerfile", t.Dockerfile, o.Dockerfile},
		{"dockerfile-inline", t.DockerfileInline, o.DockerfileInline},
		{"target", t.Target, o.Target},
		{"contexts", t.Contexts, o.Contexts},
		{"secret", t.Secrets, o.Secrets},
		{"ssh", t.SSH, o.SSH},
		{"network", t.NetworkMode, o.NetworkMode},
		{"entitlements", t.Entitlements, o.Entitlements},
		{"shm-size", t.ShmSize, o.ShmSize},
	} {
		if !reflect.DeepEqual(a.x, a.y) {
			return a.name
		}
	}
	return ""
}

// changes reports something of a target that two evaluations do not agree on.
func (r *reading) changes(t *buildxbake.Target, at hcl.Range, what string) {
	if len(t.Tags) == 0 {
		return // it is told of the images that inherit it
	}
	r.say(entry{
		kind: asWarning, rule: fact.RuleInexpressible, at: at,
		text:   what + " of %s changes from one evaluation to the next",
		detail: "A definition says the same each time, on each machine. It is left out; set it when you build.",
	}, t)
}

func steadyMap(r *reading, t *buildxbake.Target, attr, what string, m, o map[string]*string) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if have, is := o[key]; !is || deref(have) != deref(m[key]) {
			r.changes(t, r.place(t.Name, attr, key), what+" "+key)
			delete(m, key)
		}
	}
}

func steadyList(r *reading, t *buildxbake.Target, attr, what string, list *[]string, other []string) {
	var kept []string
	for i, s := range *list {
		if slices.Contains(other, s) {
			kept = append(kept, s)
			continue
		}
		r.changes(t, r.element(t.Name, attr, i, len(*list)), what)
	}
	*list = kept
}
