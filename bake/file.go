// Package bake is the model of the emitted docker-bake.hcl: what it says, how
// it is written, and what bake will make of it for given values of its
// variables. Text, plan and build all start from a [File], so that a preview
// cannot differ from a build.
package bake

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/runbake/runbake/pkg/catalogue"
)

// FileName is the name under which the emitted file is committed.
const FileName = "docker-bake.hcl"

// File is one docker-bake.hcl.
type File struct {
	Registry string
	Cache    catalogue.Cache
	Attest   catalogue.Attest
	Output   map[string]string // options of images that are pushed
	Probe    catalogue.Test    // where tests have their probe from
	// Definitions are the patterns of folders that it is made from.
	Definitions []string
	// Variables are those of the project, in the order of the definition.
	Variables []catalogue.Variable
	Groups    []Group  // in the order of the file: default first, then by name
	Targets   []Target // sorted by runtime and version
	Tests     []Test   // sorted as Targets
}

// Group is a bake group.
type Group struct {
	Name        string
	Description string
	Targets     []string
}

// Target is one image: a version of a runtime or base.
type Target struct {
	Name        string // bake's name
	ID          string // ours
	Description string
	Context     string
	Dockerfile  string            // "" for bake's default
	Stage       string            // "" for the last
	Contexts    map[string]string // folders, target:NAME for images of this file, docker-image://NAME, with a digest for pinned ones, addresses
	Args        map[string]string
	Platforms   []string
	Registry    string   // of its own, whatever REGISTRY is; "" for that
	Image       string   // repository below the registry
	Tags        []string // without registry and suffix
	Labels      map[string]string
	Annotations map[string]string // besides the labels
	Texts       catalogue.Texts   // what of Args, Tags, Labels and Annotations depends on variables
	catalogue.Requirements
	Bases      []catalogue.Image // images of others that it is built from
	Needs      []string          // names of targets that it is built from
	Run        string            // name of the target that runs what it makes; "" if itself
	Deprecated string
}

// OCI's annotation keys, used for labels as well:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
const (
	keyTitle    = "org.opencontainers.image.title"
	keyVersion  = "org.opencontainers.image.version"
	keyBaseName = "org.opencontainers.image.base.name"
	keyRevision = "org.opencontainers.image.revision"
)

// FromCatalogue says what the bake file of a catalogue holds.
func FromCatalogue(c *catalogue.Catalogue) *File {
	f := &File{
		Registry: c.Project.Registry,
		Cache:    c.Project.Cache, Attest: c.Project.Attest, Output: c.Project.Output,
		Probe: c.Project.Test, Variables: c.Project.Variables, Definitions: c.Project.Definitions,
	}
	for _, v := range c.Versions() {
		f.Targets = append(f.Targets, target(v, c.Project.DefaultLabels))
		f.Tests = append(f.Tests, tests(v)...)
	}
	f.Groups = append(groups(c), testGroups(c)...)
	return f
}

func target(v *catalogue.Version, labels bool) Target {
	t := Target{
		Name:         v.Target,
		ID:           v.ID,
		Description:  v.Title(),
		Context:      v.Context,
		Stage:        v.Stage,
		Contexts:     map[string]string{},
		Args:         v.Args,
		Platforms:    v.Platforms,
		Registry:     v.Registry,
		Image:        v.Image,
		Tags:         v.Tags,
		Labels:       map[string]string{},
		Annotations:  v.Annotations,
		Texts:        v.Texts,
		Requirements: v.Requirements,
		Bases:        v.Bases,
		Deprecated:   v.Deprecated,
	}
	if v.Dockerfile != "Dockerfile" {
		t.Dockerfile = v.Dockerfile
	}
	maps.Copy(t.Contexts, v.Contexts)
	for _, need := range v.Needs {
		t.Contexts[need.Context] = context(need)
		t.Needs = append(t.Needs, need.Version.Target)
	}
	if v.Run != nil {
		t.Run = v.Run.Target
	}
	t.Texts.Labels = map[string]catalogue.Text{}
	if labels {
		t.label(v)
	}
	t.Entitlements = entitlements(v)
	maps.Copy(t.Labels, v.Labels)
	for key := range v.Labels {
		t.Texts.Labels[key] = v.Texts.Labels[key] // nil for a literal in the place of a text
	}
	maps.DeleteFunc(t.Texts.Labels, func(_ string, text catalogue.Text) bool { return text == nil })
	if v.Deprecated != "" {
		t.Description += fmt.Sprintf(" (deprecated since %s)", v.Deprecated)
	}
	return t
}

// label adds the labels that say what an image is.
func (t *Target) label(v *catalogue.Version) {
	t.Labels[keyTitle], t.Labels[keyVersion] = v.Title(), v.Name
	for _, base := range v.Bases {
		if base.Root {
			t.nameBase(base)
		}
	}
}

// entitlements are those of versions and of all images of this repository that
// they are built from: bake asks for them together.
func entitlements(versions ...*catalogue.Version) []string {
	all := map[string]bool{}
	seen := map[*catalogue.Version]bool{}
	var collect func(v *catalogue.Version)
	collect = func(v *catalogue.Version) {
		if seen[v] {
			return
		}
		seen[v] = true
		for _, e := range v.Entitlements {
			all[e] = true
		}
		for _, n := range v.Needs {
			collect(n.Version)
		}
	}
	for _, v := range versions {
		collect(v)
	}
	return slices.Sorted(maps.Keys(all))
}

func groups(c *catalogue.Catalogue) []Group {
	all := Group{Name: catalogue.GroupDefault, Description: "All images that are not deprecated"}
	bases := Group{Name: catalogue.GroupBases, Description: "Images that run what compiled runtimes make"}
	deprecated := Group{Name: catalogue.GroupDeprecated, Description: "Images that are deprecated"}
	var keys []Group
	for _, rt := range c.Runtimes {
		own := Group{Name: rt.Key, Description: "All versions of " + rt.Name}
		for _, v := range rt.Versions {
			own.Targets = append(own.Targets, v.Target)
			if rt.Kind == catalogue.Base {
				bases.Targets = append(bases.Targets, v.Target)
			}
			if v.Deprecated == "" {
				all.Targets = append(all.Targets, v.Target)
			} else {
				deprecated.Targets = append(deprecated.Targets, v.Target)
			}
		}
		keys = append(keys, own)
	}
	for _, g := range c.Groups {
		own := Group{Name: g.Name, Description: g.Description}
		for _, v := range g.Versions {
			own.Targets = append(own.Targets, v.Target)
		}
		keys = append(keys, own)
	}
	slices.SortStableFunc(keys, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	list := append([]Group{all, bases, deprecated}, keys...)
	return slices.DeleteFunc(list, func(g Group) bool { return len(g.Targets) == 0 && g.Name != catalogue.GroupDefault })
}

// Platforms lists the platforms of all targets, sorted.
func (f *File) Platforms() []string {
	var all []string
	for _, t := range f.Targets {
		all = append(all, t.Platforms...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
