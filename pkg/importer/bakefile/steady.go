package bakefile

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	buildxbake "github.com/docker/buildx/bake"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// steady takes out of targets what another evaluation, later and on another
// machine, has not: a definition says the same each time.
func (r *reading) steady(other *buildxbake.Config) {
	kept := r.names[:0]
	for _, name := range r.names {
		t := r.targets[name]
		o, err := other.ResolveTarget(name, nil, &buildxbake.EntitlementConf{})
		if err != nil {
			r.left(t, "name", "", "another evaluation has no such target", "Its name changes from one to the next.")
			delete(r.targets, name)
			continue
		}
		steadyMap(r, t, "args", "The build argument", t.Args, o.Args)
		steadyMap(r, t, "labels", "The label", t.Labels, o.Labels)
		steadyMap(r, t, "extra-hosts", "The host", t.ExtraHosts, o.ExtraHosts)
		steadyList(r, t, "tags", "The tag", &t.Tags, o.Tags)
		steadyList(r, t, "platforms", "The platform", &t.Platforms, o.Platforms)
		if attr := moved(t, o); attr != "" {
			r.left(t, attr, "", attr+" changes from one evaluation to the next", "A definition says the same each time.")
			delete(r.targets, name)
			continue
		}
		kept = append(kept, name)
	}
	r.names = kept
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

const unsteady = "%s of %%s changes from one evaluation to the next"

func (r *reading) changes(t *buildxbake.Target, attr, key, what string) {
	r.add(entry{
		kind: asWarning, rule: fact.RuleInexpressible, at: r.place(t.Name, attr, key), text: fmt.Sprintf(unsteady, what),
		detail: "A definition says the same each time, on each machine. It is left out; set it when you build.",
	}, t.Name)
}

func steadyMap(r *reading, t *buildxbake.Target, attr, what string, m, o map[string]*string) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if have, is := o[key]; !is || deref(have) != deref(m[key]) {
			r.changes(t, attr, key, what+" "+key)
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
		at := r.element(t.Name, attr, i, len(*list))
		r.add(entry{
			kind: asWarning, rule: fact.RuleInexpressible, at: at,
			text:   fmt.Sprintf("%s of %%s changes from one evaluation to the next", what),
			detail: "A definition says the same each time, on each machine. It is left out; set it when you build.",
		}, t.Name)
	}
	*list = kept
}
