// Package fact has what the readers of an import find in sources: builds and
// pushes of images, registered runtimes and tests, each with its place.
//
// Readers return a [Set] and know nothing of definitions; what plans definitions
// takes a Set and knows nothing of readers.
package fact

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
)

// Set is all that is found in sources, each with its place.
type Set struct {
	Findings
	Sources  []*Source // what the scripts that were asked for do, in their order
	Registry *Registry // nil if no source has one
	Tests    []*Test
	Groups   []*Group
	Bakes    []*Bake // what is built of it, is read with the bake files
	// Variables stand in texts of builds, and may be set when they are built.
	Variables []*Variable
	Common    *Common // nil if the sources say nothing of it
	Notes     []Note
	Texts     map[string][]byte // of the files that were read, by their names
}

// Note appends a note.
func (f *Set) Note(n Note) { f.Notes = append(f.Notes, n) }

// Add appends what was found in another source. A registry that is there already
// is kept.
func (f *Set) Add(o *Set) {
	f.Diagnostics = append(f.Diagnostics, o.Diagnostics...)
	f.Sources = append(f.Sources, o.Sources...)
	if f.Registry == nil {
		f.Registry = o.Registry
	}
	if f.Common == nil {
		f.Common = o.Common
	}
	f.Tests = append(f.Tests, o.Tests...)
	f.Groups = append(f.Groups, o.Groups...)
	f.Bakes = append(f.Bakes, o.Bakes...)
	f.Variables = append(f.Variables, o.Variables...)
	f.Notes = append(f.Notes, o.Notes...)
	maps.Copy(f.Texts, o.Texts)
}

// Variable is one that whoever builds may set.
type Variable struct {
	Name, Default, Description string
	Range                      hcl.Range
}

// Piece is some of a text: a literal, or what a variable is when nobody sets it.
type Piece struct{ Literal, Variable string }

// Group is a name under which a source builds several images.
type Group struct {
	Name    Text
	Members []Member
}

// Member is one target of a group.
type Member struct {
	Target string
	Tag    string // one of its image; "" if it makes none
}

// Common is what all builds of the sources have in common, and a project says
// once. What is empty is not said.
type Common struct {
	Cache, CacheMode string // type and mode
	SBOM             string // true or false
	Provenance       string // max, min or none
	Output           []Pair // options of images that are pushed
}

// Note is something that no source says and that was inferred, or something that
// is not what it was.
type Note struct {
	Range hcl.Range // from what
	Text  string
	Kind  NoteKind
}

// NoteKind says what a note is about.
type NoteKind string

// What notes are about.
const (
	Inferred NoteKind = ""         // no source says it
	Renamed  NoteKind = "renamed"  // an image has another name than it had
	LeftOut  NoteKind = "left out" // something of a source is in no definition
)
