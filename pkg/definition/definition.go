// Package definition reads runtime definitions: runbake.hcl at the root of a
// repository and one runtime.hcl in each folder below runtimes/, or in the
// folders that the project names.
//
// What comes out is decoded but not resolved: literals are checked for their
// type, templates and references stay expressions, and everything carries the
// place where it was written. Package catalogue gives it meaning.
package definition

import "github.com/hashicorp/hcl/v2"

// Names of the files that make up a set of definitions.
const (
	ProjectFile = "runbake.hcl"
	RuntimesDir = "runtimes"
	RuntimeFile = "runtime.hcl"
)

// NoRegistry stands in a new project for a registry that nobody has named yet. No
// image can be pushed there.
const NoRegistry = "registry.example.com/images"

// Set is all that the definition files of one repository say.
type Set struct {
	// Project is what runbake.hcl says; nil when there is no such file or
	// it has no project block.
	Project *Project
	// Blocks are the runtime and base blocks of all files, in the order of
	// the file names and, within a file, as written.
	Blocks []*Block
	// Folders are the patterns of folders in which definitions are.
	Folders []string
	// Sources maps each file that was read to its bytes, so that
	// diagnostics can show the lines they are about.
	Sources map[string][]byte
	// Partial says that something of the files is wrong and left out, so that
	// what is not in the set need not be missing.
	Partial bool
}

// String is a literal string and the place of its value.
type String struct {
	Value string
	Range hcl.Range
}

// Bool is a literal bool and the place of its value.
type Bool struct {
	Value bool
	Range hcl.Range
}

// Int is a literal whole number and the place of its value.
type Int struct {
	Value int
	Range hcl.Range
}

// List is a list whose items are evaluated later, once for each version.
type List struct {
	Items []hcl.Expression
	Range hcl.Range
}

// Map is an object whose values are evaluated later, once for each version.
// Keys are literals, unique, in the order they were written.
type Map struct {
	Items []Item
	Range hcl.Range
}

// Item is one entry of a [Map].
type Item struct {
	Key   String
	Value hcl.Expression
}

// Project is the project block: what all runtimes share. Attributes that were
// not given are nil.
type Project struct {
	Required *String // versions of runbake that may read it
	Registry *String
	// Registries are those that images are published to besides.
	Registries *List
	// Definitions are patterns of folders, from the root; nil for the default.
	Definitions []String
	Image       hcl.Expression
	BaseImage   hcl.Expression
	Tags        *List
	Aliases     *List
	Platforms   *List
	Labels      *Map
	// DefaultLabels says whether images have the labels that say what they are.
	DefaultLabels *Bool
	Annotations   *Map
	Workflows     *List
	Contract      *String
	Variables     []*Variable
	Groups        []*Group
	Checks        []*Check
	Cache         *Cache
	Attest        *Attest
	Output        *Output
	Test          *Test
	Lint          *Lint
	Budget        *Budget
	Workflow      *Workflow
	Partial       bool // as for Block
	Range         hcl.Range
}

// Variable is a variable block of a project: one of the emitted file that users
// may set.
type Variable struct {
	Name        String
	Default     *String
	Description *String
	Pattern     *String
	Range       hcl.Range // the block's header
}

// Group is a group block of a project: some of its images, under one name.
type Group struct {
	Name        String
	Description *String
	Targets     *List
	Range       hcl.Range // the block's header
}

// Cache is the cache block of a project: defaults of the emitted variables
// CACHE and CACHE_REF, and options of what is exported.
type Cache struct {
	Type    *String
	Ref     *String
	Options *Map
	Range   hcl.Range
}

// Output is the output block of a project: options of images that are pushed.
type Output struct {
	Options *Map
	Range   hcl.Range
}

// Attest is the attest block of a project.
type Attest struct {
	SBOM       *Bool
	Provenance *String
	Range      hcl.Range
}

// Test is the test block of a project: where the program comes from that
// questions servers.
type Test struct {
	Probe      *String
	Dockerfile *String
	Range      hcl.Range
}

// Block is one runtime or base block. A key may have several, in several
// files; package catalogue joins them.
type Block struct {
	Key        String
	Base       bool // a base block: an image without a language
	Name       *String
	Contract   *String
	Kind       *String
	Entrypoint *String
	Fixture    *String
	Behaviour  *String
	Broken     *String
	Lint       *Lint
	Checks     []*Check
	Budget     *Budget
	Settings
	Versions []*Version
	Variants []*Variant
	Dir      string // folder of the file, slash-separated, from the root
	// Partial says that something in the block, or the syntax of its file,
	// was wrong and has been reported: what seems to be missing may be there.
	Partial bool
	Range   hcl.Range // the block's header
}

// Version is one version block, or what one says of a variant.
type Version struct {
	Name       String
	Deprecated *String
	EndOfLife  *String
	Checks     []*Check
	Budget     *Budget
	Settings
	Variants []*Version // what is different in variants of this version
	Range    hcl.Range  // the block's header
}

// Variant is one variant block of a runtime or base: a second image of each of
// its versions, with what is different there.
type Variant struct {
	Version
	Default *Bool    // whether it stands in the place of the bare image
	Except  []String // names of the versions without it
}

// Settings are the attributes that a block gives to all its versions and that
// a version may give for itself. Maps are merged, the version's entries
// winning; everything else is replaced.
type Settings struct {
	Registry    *String
	Image       hcl.Expression
	Tags        *List
	Aliases     *List
	Platforms   *List
	Labels      *Map
	Annotations *Map
	Args        *Map
	From        *Map
	Contexts    *Map
	Context     *String
	Dockerfile  *String
	Target      *String
	Run         hcl.Expression

	// What the build needs of where it runs.
	Secrets      *Map
	SSH          *List
	Entitlements *List
	Network      *String
	ExtraHosts   *Map
	Ulimits      *Map
	ShmSize      *String
}
