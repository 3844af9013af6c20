package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// index makes all versions findable, for what comes after to refer to. Where
// two claim the same name the first wins here, and a rule reports it.
func (r *resolver) index(c *Catalogue) {
	r.byID = map[string]*Version{}
	r.byRef = map[string]*Version{}
	for _, v := range c.Versions() {
		if _, taken := r.byID[v.ID]; !taken {
			r.byID[v.ID] = v
		}
		repository, err := r.parseReference(c.repository(v))
		if err != nil {
			continue // reported for the attribute
		}
		for _, tag := range v.Tags {
			name := repository.String() + ":" + tag
			if _, taken := r.byRef[name]; !taken {
				r.byRef[name] = v
			}
		}
	}
}

// canonical writes out what a reference leaves to the reader: docker.io,
// library/ and :latest. It is "" for what is no reference.
func (r *resolver) canonical(ref string) string {
	named, err := r.parseReference(ref)
	if err != nil {
		return ""
	}
	return reference.TagNameOnly(named).String()
}

// parseReference parses each reference once; many versions share theirs.
func (r *resolver) parseReference(ref string) (reference.Named, error) {
	p, done := r.references[ref]
	if !done {
		p.named, p.err = reference.ParseNormalizedNamed(ref)
		r.references[ref] = p
	}
	return p.named, p.err
}

// build resolves what a version is built from and run by.
func (r *resolver) build(c *Catalogue, s *scope) {
	v := s.version
	r.run(s)
	before := len(r.diags)
	args := r.templates(s, s.given.Args)
	from := r.from(c, s)
	goodArgs := len(r.diags) == before
	v.Contexts = r.contexts(c, s)
	v.Requirements = r.requirements(s)
	v.Args, v.Texts.Args = toMap(slices.Concat(args, from)), texts(slices.Concat(args, from))
	for _, a := range args {
		if i := slices.IndexFunc(from, func(f entry) bool { return f.key.Value == a.key.Value }); i >= 0 {
			r.report(a.key.Range, fmt.Sprintf("%s is in both args and from", a.key.Value),
				fmt.Sprintf("It is in from at %s. Remove one of the two.", diag.Place(from[i].key.Range)))
		}
	}
	d := r.dockerfiles[v.DockerfilePath()]
	if v.Remote() || d != nil && r.checkArgs(d, args, from) && goodArgs {
		s.file, s.from = d, from
	}
}

// run follows the reference to the image that runs what a compiled runtime
// makes.
func (r *resolver) run(s *scope) {
	v := s.version
	expr := s.given.Run
	switch {
	case expr != nil && v.Runtime.Kind == Interpreted:
		r.report(expr.Range(), fmt.Sprintf("%s takes no run image", v.ID), `An interpreted runtime runs in the image that it builds. Remove run, or make it kind = "compiled".`)
	case expr != nil:
		key, name, ok := baseReference(expr)
		if !ok {
			r.report(expr.Range(), "Not a reference to a base", `Write for example base.debian["12"].`)
			return
		}
		v.Run = r.base(key, name, expr.Range())
	}
}

// base finds the base that a reference names.
func (r *resolver) base(key, name string, at hcl.Range) *Version {
	if v := r.byID[key+"-"+name]; v != nil && v.Runtime.Kind == Base && v.Runtime.Key == key {
		return v
	}
	var keys, names []string
	for _, s := range r.scopes {
		if v := s.version; v.Runtime.Kind != Base && v.Runtime.Key == key {
			r.report(at, fmt.Sprintf("%q is not a base", key), fmt.Sprintf("It is a runtime, see %s. Only bases can be referred to.", diag.Place(v.Range)))
			return nil
		} else if v.Runtime.Kind == Base {
			keys = append(keys, v.Runtime.Key)
			if v.Runtime.Key == key {
				names = append(names, v.Name)
			}
		}
	}
	slices.Sort(keys)
	if len(names) > 0 {
		r.report(at, fmt.Sprintf("Base %q has no version %q", key, name), suggestion(name, names))
		return nil
	}
	r.report(at, fmt.Sprintf("There is no base %q", key), suggestion(key, slices.Compact(keys)))
	return nil
}

// baseImage is the image of a base that a value refers to; "" when that cannot
// be said. is says that it is a reference.
func (r *resolver) baseImage(c *Catalogue, expr hcl.Expression) (image string, is bool) {
	key, name, is := baseReference(expr)
	if !is {
		return "", false
	}
	if base := r.base(key, name, expr.Range()); base != nil && len(base.Tags) > 0 {
		return c.Ref(base), true
	}
	return "", true
}

// from evaluates the images that build arguments hold: names, or references to
// bases of this repository.
func (r *resolver) from(c *Catalogue, s *scope) []entry {
	var entries []entry
	for _, item := range items(s.given.From) {
		if base, is := r.baseImage(c, item.Value); is {
			if base != "" {
				entries = append(entries, entry{key: item.Key, value: base, at: item.Value.Range()})
			}
			continue
		}
		ref, text, ok := r.template(s, item.Value)
		if !ok {
			continue
		}
		if r.checkImage(ref, item.Value.Range()) {
			entries = append(entries, entry{item.Key, ref, item.Value.Range(), text})
		}
	}
	return entries
}

// checkArgs reports build arguments that the Dockerfile does not declare:
// BuildKit would ignore them.
func (r *resolver) checkArgs(d *dockerfile.File, args, from []entry) bool {
	before := len(r.diags)
	var global, all []string
	for _, a := range d.Args() {
		if a.Global {
			global = append(global, a.Name)
		}
		all = append(all, a.Name)
	}
	for _, f := range from {
		if !slices.Contains(global, f.key.Value) {
			r.report(f.key.Range, fmt.Sprintf("%s declares no ARG %s before its first FROM", d.Name, f.key.Value), suggestArg(f.key.Value, global))
		}
	}
	for _, a := range args {
		if !slices.Contains(all, a.key.Value) && !predefined(a.key.Value) {
			r.report(a.key.Range, fmt.Sprintf("%s declares no ARG %s", d.Name, a.key.Value), suggestArg(a.key.Value, all))
		}
	}
	return len(r.diags) == before
}

func suggestArg(name string, known []string) string {
	if near := diag.Suggest(name, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	return fmt.Sprintf("Without ARG %s the value has no effect. Declare it, or remove it here.", name)
}

// predefined are arguments that BuildKit knows without a declaration:
// https://docs.docker.com/reference/dockerfile/#predefined-args.
func predefined(name string) bool {
	return strings.HasPrefix(name, "BUILDKIT_") || slices.Contains([]string{
		"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy",
		"NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "SOURCE_DATE_EPOCH",
	}, name)
}
