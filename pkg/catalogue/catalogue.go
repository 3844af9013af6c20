// Package catalogue gives runtime definitions their meaning: defaults applied,
// references followed, rules checked. Its result is immutable and sorted, and
// everything after it (the bake file, the plan, the registry entries) starts
// from it.
package catalogue

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/check"
)

// Kind says how a runtime runs user code.
type Kind string

const (
	// Interpreted runtimes run the user's code in the image that prepared it.
	Interpreted Kind = "interpreted"
	// Compiled runtimes leave an executable, which another image may run, a
	// smaller one.
	Compiled Kind = "compiled"
	// Base images run what compiled runtimes leave. They have no language.
	Base Kind = "base"
)

// Catalogue is all runtimes and bases of a repository.
type Catalogue struct {
	Project  Project
	Runtimes []*Runtime // bases too; sorted by key
	Groups   []Group    // of the project, as written
}

// Project is what all images share.
type Project struct {
	Registry string // registry and path, for example docker.io/appwrite
	// Registries are those that images are published to besides, in order.
	Registries []string
	// Definitions are the patterns of folders in which definitions are.
	Definitions []string
	Variables   []Variable
	// DefaultLabels says whether images have the labels that say what they are.
	DefaultLabels bool
	Workflows     []string // the services that workflows are written for: github, gitlab
	Workflow      Workflow
	Cache         Cache
	Attest        Attest
	Output        map[string]string // options of images that are pushed
	Test          Test
	Lint          Lint
}

// Cache is where builds keep their cache when nothing else is asked for.
type Cache struct {
	Type string // none, registry, gha or local
	Ref  string // "" for the default of the type
	// Options are those of what is exported, whatever type it is of.
	Options map[string]string
}

// Attest says which attestations pushed images carry.
type Attest struct {
	SBOM       bool
	Provenance string // max, min, or "" for none
}

// Test says where the program comes from that questions servers in tests: an
// image, or a Dockerfile of this repository, whose context is the root.
type Test struct {
	Probe      string // image; "" when it is built
	Dockerfile string // from the root; "" when there is an image
}

// Contracts that images may have.
const (
	// FunctionContract is that of runtimes which run functions.
	FunctionContract = "function"
	// NoContract is that of images which are nothing in particular.
	NoContract = "none"
)

// Runtime is a language as users see it, or a base.
type Runtime struct {
	Key        string
	Contract   string // function or none
	Name       string // display name
	Kind       Kind
	Entrypoint string // file name a function has when it says nothing; "" for bases
	Fixture    string // folder of the function that proves the runtime, from the root; "" if none
	Behaviour  string // file of a function that does what tests ask of it, from the root; "" if none
	Broken     string // file of a function that cannot be built, from the root; "" if none
	Versions   []*Version
	// Partial says that something of its definition was wrong and has been
	// reported: what seems to be missing may be there.
	Partial bool
}

// Version is one version of a runtime: one image, for one or more platforms.
type Version struct {
	ID          string // key-version
	Target      string // the ID as a bake target: dots become underscores
	Name        string // with a variant: 22-alpine
	Variant     string // "" for the bare image
	Runtime     *Runtime
	Registry    string            // of its own; "" for the project's, which REGISTRY replaces
	Image       string            // repository below the registry
	Tags        []string          // at least one; the first names the image in references
	Platforms   []string          // normalised, in the order written
	Context     string            // build context, from the root, or an address
	Dockerfile  string            // from the context
	Stage       string            // target stage; "" for the last
	Contexts    map[string]string // folders, images and addresses, by the names under which BuildKit looks for them
	Stages      []Stage           // with names, that the build reaches
	Args        map[string]string // build arguments, those of From included
	Labels      map[string]string
	Annotations map[string]string // besides the labels, which are annotations too
	Texts       Texts             // what of Args, Tags and Labels depends on variables
	Requirements
	Bases      []Image  // images of others that the build takes, in order of use
	Needs      []Need   // images of this repository that the build takes, in order of use
	Entrypoint []string // of the image, as its Dockerfile gives it; nil when it does not
	Command    []string // CMD, likewise
	Checks     []check.Check
	Run        *Version // compiled runtimes: the image that runs the result; nil for their own
	Lint       Lint
	Budget     Budget
	Deprecated string // since when, as YYYY-MM-DD; "" if it is not
	EndOfLife  string // when its makers end its support, as YYYY-MM-DD; "" if not known
	Range      hcl.Range

	deprecatedAt, endOfLifeAt hcl.Range
}

// Image is an image that a build takes from somewhere else.
type Image struct {
	Ref     string // as the Dockerfile asks for it, arguments expanded
	Name    string // in full: registry, repository, and tag or digest
	Context string // under which BuildKit looks for it among the named contexts
	Arg     string // the build argument that holds it; "" when the Dockerfile names it
	Root    bool   // the image that the result is built on
	Syntax  bool   // what reads the Dockerfile, # syntax=
	// Platforms are those that builds ask for; with Machine that of the
	// machine that builds, too.
	Platforms []string
	Machine   bool
	Cross     bool // another platform than the one that is built may be asked for
	// Range is where it is named: in the definition when an argument of
	// from holds it, else in the Dockerfile.
	Range hcl.Range
}

// Need is an image of this repository that a build takes.
type Need struct {
	Image
	Version *Version
}

// Start is what a container of the image runs, ENTRYPOINT and CMD, as its
// Dockerfile gives them, or that of the image of this repository that it is built
// on; nil when none does.
func (v *Version) Start() []string {
	entrypoint, command := v.Entrypoint, v.Command
	seen := map[*Version]bool{} // what is built on itself is reported, and has no start
	for at := v; entrypoint == nil && !seen[at]; {
		seen[at] = true
		i := slices.IndexFunc(at.Needs, func(n Need) bool { return n.Root })
		if i < 0 {
			break
		}
		at = at.Needs[i].Version
		entrypoint = at.Entrypoint
		if command == nil {
			command = at.Command
		}
	}
	return slices.Concat(entrypoint, command)
}

// Functions says whether the contract of functions is tested: there is a function
// to do it with.
func (v *Version) Functions() bool {
	return v.Runtime.Kind != Base && v.Runtime.Fixture != "" && v.Runtime.Entrypoint != ""
}

// Homes are the folders whose folders have definitions, where the patterns say
// one: runtimes.
func (p *Project) Homes() []string {
	var all []string
	for _, pattern := range p.Definitions {
		if dir := path.Dir(path.Clean(pattern)); dir != "." && !strings.ContainsAny(dir, `*?[\`) && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// Defines says whether definitions in a folder are read.
func (p *Project) Defines(dir string) bool {
	return slices.ContainsFunc(p.Definitions, func(pattern string) bool {
		matches, err := path.Match(path.Clean(pattern), dir)
		return matches && err == nil
	})
}

// Versions lists all versions of all runtimes, sorted by key and version.
func (c *Catalogue) Versions() []*Version {
	var all []*Version
	for _, r := range c.Runtimes {
		all = append(all, r.Versions...)
	}
	return all
}

// Ref is the full name of the image as the definitions give it.
func (c *Catalogue) Ref(v *Version) string {
	return c.repository(v) + ":" + v.Tags[0]
}

// repository is where the image is as the definitions give it.
func (c *Catalogue) repository(v *Version) string {
	return cmp.Or(v.Registry, c.Project.Registry) + "/" + v.Image
}

// Title is the name of a version for people: "Node.js 22".
func (v *Version) Title() string {
	return v.Runtime.Name + " " + v.Name
}

// Release is the name of the version without that of the variant.
func (v *Version) Release() string {
	if v.Variant == "" {
		return v.Name
	}
	return strings.TrimSuffix(v.Name, "-"+v.Variant)
}

// Launches says whether the image runs functions itself: with launch.sh, on the port
// of the contract.
func (v *Version) Launches() bool { return v.RunImage() == v }

// RunImage is the version whose image runs functions: itself, unless the
// definition of a compiled runtime names another.
func (v *Version) RunImage() *Version {
	if v.Run != nil {
		return v.Run
	}
	return v
}
