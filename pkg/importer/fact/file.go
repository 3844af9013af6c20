package fact

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/budget"
)

// Text is something that a source says, and the place where it says so.
type Text struct {
	Value string
	Range hcl.Range
}

// Pair is a named value: a build argument, a label, a named context.
type Pair struct {
	Name, Value string
	Template    []Piece // of which variables make the value; nil if none stands in it
	Range       hcl.Range
}

// File is one file that was read.
type File struct {
	Name  string
	Text  []byte
	lines []int // where each line starts
}

// NewFile is a file with a text.
func NewFile(name string, text []byte) *File {
	s := &File{Name: name, Text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// maxSource bounds what is read: scripts are short, and a large file is
// something else.
const maxSource = 1 << 20

// Read returns a file of the repository.
func Read(fsys fs.FS, name string) (*File, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return nil, err
	}
	if len(text) > maxSource {
		return nil, errors.New("it is larger than 1 MiB")
	}
	file := NewFile(name, text)
	if at, deep := budget.Script(text); deep {
		return nil, fmt.Errorf("brackets and compound commands are in one another more than %d times, on line %d",
			budget.MaxDepth, file.Position(at).Line)
	}
	return file, nil
}

// Position counts lines and code points, as HCL does but for combined
// characters.
func (s *File) Position(offset int) hcl.Pos {
	offset = min(max(offset, 0), len(s.Text))
	line, exact := slices.BinarySearch(s.lines, offset)
	if !exact {
		line--
	}
	return hcl.Pos{Line: line + 1, Column: utf8.RuneCount(s.Text[s.lines[line]:offset]) + 1, Byte: offset}
}

// Span is the range between two offsets.
func (s *File) Span(from, to int) hcl.Range {
	return hcl.Range{Filename: s.Name, Start: s.Position(from), End: s.Position(max(from, to))}
}

// Start is the place of a file as a whole.
func Start(name string) hcl.Range {
	return hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}
