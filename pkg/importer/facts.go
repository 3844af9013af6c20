package importer

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
)

// facts is all that is found in sources, each with its place.
type facts struct {
	findings
	sources  []*script // what the scripts that were asked for do, in their order
	registry *registry // nil if no source has one
	tests    []*testEntry
	notes    []Note
	texts    map[string][]byte // of the files that were read, by their names
}

func (f *facts) note(n Note) { f.notes = append(f.notes, n) }

// add appends what was found in another source. A registry that is there already
// is kept.
func (f *facts) add(o *facts) {
	f.diags = append(f.diags, o.diags...)
	f.sources = append(f.sources, o.sources...)
	if f.registry == nil {
		f.registry = o.registry
	}
	f.tests = append(f.tests, o.tests...)
	f.notes = append(f.notes, o.notes...)
	maps.Copy(f.texts, o.texts)
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
