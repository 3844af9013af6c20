package facttest

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Text is all of a set, one fact a line.
func Text(set *fact.Set) string {
	var b strings.Builder
	for _, s := range set.Sources {
		for _, e := range s.Events {
			fmt.Fprintf(&b, "%s: %s\n", diag.Place(e.Range), Event(e))
		}
	}
	if set.Registry != nil {
		for _, rt := range set.Registry.Runtimes {
			fmt.Fprintf(&b, "%s: runtime %s %q in the list as %q\n", diag.Place(rt.Key.Range), rt.Key.Value,
				rt.Name.Value, values(rt.Slots))
			for _, v := range rt.Versions {
				fmt.Fprintf(&b, "%s: version %s\n", diag.Place(v.Range), version(v))
			}
		}
	}
	for _, p := range set.Tests {
		fmt.Fprintf(&b, "%s: test %s: code %q, entrypoint %q, runtime %q, archive %q", diag.Place(p.Range), p.Key.Value,
			p.Code.Value, p.Entrypoint.Value, p.Runtime.Value, p.Archive.Value)
		if p.Again != nil {
			fmt.Fprintf(&b, ", again at %s", diag.Place(p.Again.Range))
		}
		b.WriteString("\n")
	}
	for _, g := range set.Groups {
		fmt.Fprintf(&b, "%s: group %s of %v\n", diag.Place(g.Name.Range), g.Name.Value, g.Members)
	}
	for _, r := range set.Bakes {
		fmt.Fprintf(&b, "%s: %s\n", diag.Place(r.Range), run(r))
	}
	if c := set.Common; c != nil {
		fmt.Fprintf(&b, "all: cache %q %q, sbom %q, provenance %q, output %q\n", c.Cache, c.CacheMode, c.SBOM, c.Provenance,
			pairs(c.Output))
	}
	for _, n := range set.Notes {
		fmt.Fprintf(&b, "%s: %s: %s\n", diag.Place(n.Range), cmp.Or(n.Kind, "inferred"), n.Text)
	}
	for _, d := range diag.Sort(set.Diagnostics) {
		severity, rule := "error", ""
		if d.Severity == hcl.DiagWarning {
			severity = "warning"
		}
		if f, ok := d.Extra.(fact.Finding); ok {
			rule = f.Rule
		}
		fmt.Fprintf(&b, "%s: %s: %s: %s: %s\n", diag.Place(*d.Subject), severity, rule, d.Summary, d.Detail)
	}
	return b.String()
}

// Event is one event without its place.
func Event(e fact.Event) string {
	switch {
	case e.Push != nil:
		return "push " + e.Push.Value
	case e.Build == nil:
		return fmt.Sprintf("name %s of %s", e.Target.Value, values(e.From))
	}
	b := e.Build
	s := fmt.Sprintf("build %s of %s", values(b.Tags), b.Context.Value)
	more := func(name, value string) {
		if value != "" {
			s += " " + name + " " + value
		}
	}
	if b.Dockerfile != nil {
		more("with", b.Dockerfile.Value)
	}
	if b.Target != nil {
		more("target", b.Target.Value)
	}
	more("for", values(b.Platforms))
	more("args", pairs(b.Args))
	more("labels", pairs(b.Labels))
	more("annotations", pairs(b.Annotations))
	more("contexts", pairs(b.Contexts))
	more("images", pairs(b.Images))
	more("upstream", pairs(b.Upstream))
	more("secrets", pairs(b.Secrets))
	more("ssh", values(b.SSH))
	more("entitlements", values(b.Entitlements))
	if b.Network != nil {
		more("network", b.Network.Value)
	}
	more("hosts", pairs(b.ExtraHosts))
	more("ulimits", pairs(b.Ulimits))
	if b.ShmSize != nil {
		more("shm", b.ShmSize.Value)
	}
	if b.Push {
		s += ", pushed"
	}
	if b.Title != nil {
		s += fmt.Sprintf(", called %q", b.Title.Value)
	}
	if b.Parent != nil {
		s += ", base of " + b.Parent.Value
	}
	if n := len(b.Arms); n > 0 {
		s += fmt.Sprintf(", in %d branches", n)
	}
	return s
}

// run is one run of bake without its place.
func run(r *fact.Bake) string {
	var s strings.Builder
	s.WriteString("bake " + values(r.Targets) + " of " + cmp.Or(values(r.Files), "what is in "+r.Folder))
	for _, v := range r.Variables {
		fmt.Fprintf(&s, ", %s=%s%s", v.Name, v.Value, v.Why)
	}
	for _, text := range r.Set {
		s.WriteString(", sets " + text.Value)
	}
	for _, n := range r.Names {
		fmt.Fprintf(&s, ", calls %s %s, labels %s", n.Target, values(n.Tags), pairs(n.Labels))
	}
	if r.Push {
		s.WriteString(", pushed")
	}
	return s.String()
}

func version(v *fact.Version) string {
	s := fmt.Sprintf("%s built by %q", v.Version.Value, v.Build.Value)
	if v.OwnRun() {
		s += fmt.Sprintf(" run by %q", v.Run.Value)
	}
	if len(v.Platforms) > 0 {
		s += " for " + values(v.Platforms)
	}
	if v.Deprecated != nil {
		s += ", deprecated " + cmp.Or(v.Deprecated.Value, "since nobody knows when")
	}
	return s
}

func values(list []fact.Text) string {
	all := make([]string, 0, len(list))
	for _, t := range list {
		all = append(all, t.Value)
	}
	return strings.Join(all, ",")
}

func pairs(list []fact.Pair) string {
	all := make([]string, 0, len(list))
	for _, p := range list {
		all = append(all, p.Name+"="+p.Value)
	}
	return strings.Join(all, ",")
}
