package catalogue

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
)

// What a project block that says nothing means.
const (
	defaultImage     = "${runtime.key}-runtime"
	defaultBaseImage = "${runtime.key}-base"
	defaultTag       = "${version.name}"
)

// DefaultProbe is the image of the probe of a project that names none. Its tag
// changes with the rules that a probe decides, so that an emitted file never meets
// a probe of another contract.
const DefaultProbe = "docker.io/runbake/probe:1"

// defaultFile stands for a file name in the ranges of those.
const defaultFile = "default"

// Values of the emitted variable CACHE.
var cacheTypes = []string{"none", "registry", "gha", "local"}

// project resolves the project block and keeps what versions inherit of it.
func (r *resolver) project(set *definition.Set) Project {
	p := Project{Test: Test{Probe: DefaultProbe}, Cache: Cache{Type: "none"}, Attest: Attest{SBOM: true, Provenance: "max"}}
	p.Definitions = set.Folders
	given := definition.Project{}
	if set.Project != nil {
		given = *set.Project
	} else if _, read := set.Sources[definition.ProjectFile]; read || len(set.Blocks) > 0 {
		at := hcl.Range{Filename: definition.ProjectFile, Start: hcl.InitialPos, End: hcl.InitialPos}
		r.report(at, "No project block",
			fmt.Sprintf(`Write one in %s, at the least: project { registry = "docker.io/acme" }.`, definition.ProjectFile))
	}
	r.defaults = withDefaults(given)
	p.Variables = r.declare(given.Variables)
	p.Registry = r.registry(given, set.Project != nil)
	p.Registries = r.registries(given.Registries, p.Registry)
	if given.Cache != nil {
		p.Cache = r.cache(*given.Cache)
	}
	if given.Attest != nil {
		p.Attest = r.attest(*given.Attest)
	}
	if given.Output != nil {
		p.Output = r.options(given.Output.Options, "outputs", outputOptions)
	}
	p.DefaultLabels = given.DefaultLabels == nil || given.DefaultLabels.Value
	p.Workflows, p.Workflow = r.workflows(given.Workflows), r.workflow(given.Workflow)
	p.Test = r.test(given.Test)
	p.Lint = r.lint(given.Lint, Lint{Level: Strict})
	r.projectLint = p.Lint
	r.projectBudget = given.Budget
	r.projectContract = FunctionContract
	if given.Contract != nil {
		r.projectContract = r.oneOf(*given.Contract, "contract", contracts())
	}
	return p
}

func (r *resolver) registry(given definition.Project, present bool) string {
	if given.Registry == nil {
		if present && !given.Partial {
			r.report(given.Range, "The project has no registry", `Give the registry and path that images are pushed to, for example registry = "docker.io/acme".`)
		}
		return "localhost"
	}
	if !r.checkRegistry(*given.Registry) {
		return "localhost"
	}
	return given.Registry.Value
}

// registries are those that images are published to besides the project's.
func (r *resolver) registries(given *definition.List, first string) []string {
	if given == nil {
		return nil
	}
	var all []string
	for _, item := range given.Items {
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			r.report(item.Range(), "A registry is a string", `Write host[:port][/path], for example "ghcr.io/acme"; variables cannot be used here.`)
			continue
		}
		name := v.AsString()
		switch {
		case !r.checkRegistry(definition.String{Value: name, Range: item.Range()}):
		case name == first || slices.Contains(all, name):
			r.report(item.Range(), fmt.Sprintf("Registry %q is listed twice", name), "Remove one of the two; registry is one of them.")
		default:
			all = append(all, name)
		}
	}
	return all
}

func (r *resolver) checkRegistry(s definition.String) bool {
	_, err := reference.ParseNormalizedNamed(s.Value + "/image")
	switch {
	case err != nil:
		r.report(s.Range, fmt.Sprintf("Invalid registry %q", s.Value),
			fmt.Sprintf("Write host[:port][/path], in lower case and without a scheme (%v).", err))
	case !registryPattern.MatchString(s.Value):
		r.report(s.Range, fmt.Sprintf("Invalid registry %q", s.Value),
			"Write host[:port][/path], in lower case and without a scheme.")
	default:
		return true
	}
	return false
}

func (r *resolver) cache(given definition.Cache) Cache {
	c := Cache{Type: "none"}
	if given.Type != nil {
		c.Type = r.oneOf(*given.Type, "cache type", cacheTypes)
	}
	c.Options = r.options(given.Options, "caches", cacheOptions)
	if given.Ref != nil {
		c.Ref = r.cacheRef(*given.Ref, c.Type)
	}
	return c
}

// cacheRef checks what CACHE_REF is when nobody sets it.
func (r *resolver) cacheRef(given definition.String, cacheType string) string {
	if given.Value == "" || strings.ContainsAny(given.Value, " \t\r\n,\"=") {
		r.report(given.Range, fmt.Sprintf("Invalid cache reference %q", given.Value),
			"It is the name of an image repository or a folder, without spaces, commas, quotes and equals signs.")
		return ""
	}
	if cacheType != "registry" {
		return given.Value
	}
	named, err := r.parseReference(given.Value)
	switch {
	case err != nil:
		r.report(given.Range, fmt.Sprintf("Invalid cache reference %q", given.Value),
			fmt.Sprintf("A registry cache is kept in an image repository, for example %q (%v).", "ghcr.io/acme/cache", err))
	case !repositoryPattern.MatchString(given.Value) && reference.IsNameOnly(named):
		r.report(given.Range, fmt.Sprintf("Invalid cache reference %q", given.Value), "Write it in lower case.")
	case !reference.IsNameOnly(named):
		r.report(given.Range, fmt.Sprintf("Cache reference %q has a tag or digest", given.Value),
			"Remove it; every target's cache has a tag of its own.")
	}
	return given.Value
}

func (r *resolver) attest(given definition.Attest) Attest {
	a := Attest{SBOM: true, Provenance: "max"}
	if given.SBOM != nil {
		a.SBOM = given.SBOM.Value
	}
	if given.Provenance != nil {
		a.Provenance = r.oneOf(*given.Provenance, "provenance mode", []string{"max", "min", "none"})
		if a.Provenance == "none" {
			a.Provenance = ""
		}
	}
	return a
}

// test says where the probe comes from.
func (r *resolver) test(given *definition.Test) Test {
	t := Test{Probe: DefaultProbe}
	if given == nil {
		return t
	}
	if given.Probe != nil {
		t.Probe = given.Probe.Value
		if _, err := r.parseReference(t.Probe); err != nil {
			r.report(given.Probe.Range, fmt.Sprintf("Invalid image %q", t.Probe),
				fmt.Sprintf("Write [registry/]name:tag in lower case, for example %q (%v).", DefaultProbe, err))
		}
	}
	if given.Dockerfile != nil {
		t.Probe, t.Dockerfile = "", given.Dockerfile.Value
		if given.Probe != nil {
			r.report(given.Dockerfile.Range, "The probe is both an image and built here", "Remove one of probe and dockerfile.")
		}
		if !r.inside(*given.Dockerfile, t.Dockerfile, "dockerfile") {
			return t
		}
		t.Dockerfile = path.Clean(t.Dockerfile)
		if info, err := r.stat(t.Dockerfile); err != nil || info.IsDir() {
			r.report(given.Dockerfile.Range, fmt.Sprintf("%s is no file", t.Dockerfile), "Name the Dockerfile of the probe, from the root of the repository.")
		}
	}
	return t
}

func (r *resolver) oneOf(s definition.String, what string, known []string) string {
	for _, k := range known {
		if s.Value == k {
			return k
		}
	}
	r.report(s.Range, fmt.Sprintf("Unknown %s %q", what, s.Value), suggestion(s.Value, known))
	return known[0]
}

// withDefaults fills what a project did not say.
func withDefaults(p definition.Project) definition.Project {
	if p.Image == nil {
		p.Image = template(defaultImage)
	}
	if p.BaseImage == nil {
		p.BaseImage = template(defaultBaseImage)
	}
	if p.Tags == nil {
		p.Tags = &definition.List{Items: []hcl.Expression{template(defaultTag)}}
	}
	if p.Platforms == nil {
		p.Platforms = &definition.List{Items: []hcl.Expression{template("linux/amd64"), template("linux/arm64")}}
	}
	return p
}

// template parses one of the constants above.
func template(s string) hcl.Expression {
	expr, diags := hclsyntax.ParseTemplate([]byte(s), defaultFile, hcl.InitialPos)
	if diags.HasErrors() {
		panic(diags) // a constant of this file is broken
	}
	return expr
}
