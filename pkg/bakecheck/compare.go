package bakecheck

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/util/buildflags"
	"golang.org/x/text/unicode/norm"

	"github.com/runbake/runbake/bake"
)

// compareGroups compares the members of groups with what the model says.
func compareGroups(f *bake.File, got []*buildxbake.Group, members map[string][]string) error {
	byName := make(map[string][]string, len(got))
	for _, g := range got {
		byName[g.Name] = g.Targets
	}
	var errs []error
	for _, g := range f.Groups {
		want := members[g.Name]
		if _, found := byName[g.Name]; !found {
			errs = append(errs, fmt.Errorf("group %s is missing", g.Name))
		} else if !slices.Equal(byName[g.Name], want) {
			errs = append(errs, fmt.Errorf("group %s: members differ: want %v, got %v", g.Name, want, byName[g.Name]))
		}
	}
	if len(got) != len(f.Groups) {
		errs = append(errs, fmt.Errorf("%d groups were meant, bake reads %d", len(f.Groups), len(got)))
	}
	return errors.Join(errs...)
}

func compareTarget(want *bake.Build, got *buildxbake.Target) error {
	dockerfile := want.DockerfileName()
	pairs := []struct {
		name      string
		want, got any
	}{
		{"description", want.Description, got.Description},
		{"context", want.Context, deref(got.Context)},
		{"dockerfile", dockerfile, deref(got.Dockerfile)},
		{"dockerfile-inline", want.Inline, deref(got.DockerfileInline)},
		{"target", want.Stage, deref(got.Target)},
		{"contexts", want.Contexts, got.Contexts},
		{"args", want.Args, derefMap(got.Args)},
		{"labels", want.Labels, derefMap(got.Labels)},
		{"tags", want.Tags, got.Tags},
		{"platforms", want.Platforms, got.Platforms},
		{"annotations", want.Annotations, got.Annotations},
		{"cache-from", want.CacheFrom, caches(got.CacheFrom)},
		{"cache-to", want.CacheTo, caches(got.CacheTo)},
		{"output", want.Output, outputs(got.Outputs)},
		{"attest", want.Attest, attests(got.Attest)},
		{"secret", want.Secrets, secrets(got.Secrets)},
		{"ssh", want.SSH, keys(got.SSH)},
		{"entitlements", want.Entitlements, got.Entitlements},
		{"network", want.Network, deref(got.NetworkMode)},
		{"extra-hosts", want.ExtraHosts, derefMap(got.ExtraHosts)},
		{"ulimits", want.Ulimits, got.Ulimits},
		{"shm-size", want.ShmSize, deref(got.ShmSize)},
	}
	var errs []error
	for _, p := range pairs {
		if reflect.DeepEqual(p.want, p.got) {
			continue // most are, and writing them takes longer
		}
		if w, g := normal(p.want), normal(p.got); w != g {
			errs = append(errs, fmt.Errorf("target %s: %s differs: want %s, got %s", want.Name, p.name, w, g))
		}
	}
	return errors.Join(append(errs, compareRest(want.Name, got))...)
}

// compareRest checks that bake sees no attribute that the model has no field
// for.
func compareRest(name string, got *buildxbake.Target) error {
	rest := *got
	for _, field := range []string{
		"Name", "Description", "Inherits", "Context", "Dockerfile", "DockerfileInline", "Target", "Contexts", "Args", "Labels", "Tags",
		"Platforms", "Annotations", "CacheFrom", "CacheTo", "Outputs", "Attest", "Secrets", "SSH", "Entitlements", "NetworkMode", "ExtraHosts", "Ulimits", "ShmSize",
	} {
		reflect.ValueOf(&rest).Elem().FieldByName(field).SetZero()
	}
	var errs []error
	v := reflect.ValueOf(rest)
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() && !v.Field(i).IsZero() {
			errs = append(errs, fmt.Errorf("target %s: unexpected %s", name, field.Name))
		}
	}
	return errors.Join(errs...)
}

// normal writes a value in a form in which equal things are equal: maps sorted,
// empty as nil, text in Unicode's form C, as HCL has it.
func normal(v any) string {
	if rv := reflect.ValueOf(v); (rv.Kind() == reflect.Map || rv.Kind() == reflect.Slice) && rv.Len() == 0 {
		return "nothing"
	}
	return norm.NFC.String(fmt.Sprintf("%q", v))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func derefMap(m map[string]*string) map[string]string {
	out := make(map[string]string, len(m))
	for key, value := range m {
		out[key] = deref(value)
	}
	return out
}

func caches(entries buildflags.CacheOptions) []bake.Attributes {
	var list []bake.Attributes
	for _, e := range entries {
		list = append(list, with(e.Attrs, "type", e.Type))
	}
	return list
}

func outputs(entries buildflags.Exports) []bake.Attributes {
	var list []bake.Attributes
	for _, e := range entries {
		list = append(list, with(e.Attrs, "type", e.Type))
	}
	return list
}

func attests(entries buildflags.Attests) []bake.Attributes {
	var list []bake.Attributes
	for _, e := range entries {
		a := with(e.Attrs, "type", e.Type)
		if e.Disabled {
			a["disabled"] = "true"
		}
		list = append(list, a)
	}
	return list
}

// secrets are the sources of secrets, by their ids.
func secrets(list buildflags.Secrets) map[string]string {
	sources := map[string]string{}
	for _, s := range list {
		switch {
		case s.Env != "":
			sources[s.ID] = "env=" + s.Env
		case s.FilePath != "":
			sources[s.ID] = "src=" + s.FilePath
		}
	}
	return sources
}

func keys(list buildflags.SSHKeys) []string {
	var all []string
	for _, k := range list {
		all = append(all, k.String())
	}
	return all
}

func with(attrs map[string]string, key, value string) bake.Attributes {
	a := bake.Attributes{}
	maps.Copy(a, attrs)
	a[key] = value
	return a
}
