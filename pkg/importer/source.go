package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/budget"
)

// excerpt is something that a source says, and the place where it says so.
type excerpt struct {
	Value string
	Range hcl.Range
}

// pair is a named value: a build argument, a label, a named context.
type pair struct {
	Name, Value string
	Range       hcl.Range
}

// source is one file that was read.
type source struct {
	name  string
	text  []byte
	lines []int // where each line starts
}

func newSource(name string, text []byte) *source {
	s := &source{name: name, text: text, lines: []int{0}}
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

// read returns a file of the repository.
func read(fsys fs.FS, name string) (*source, error) {
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
	s := newSource(name, text)
	if at, deep := budget.Script(text); deep {
		return nil, fmt.Errorf("brackets and compound commands are in one another more than %d times, on line %d", budget.MaxDepth, s.position(at).Line)
	}
	return s, nil
}

// position counts lines and code points, as HCL does but for combined
// characters.
func (s *source) position(offset int) hcl.Pos {
	offset = min(max(offset, 0), len(s.text))
	line, exact := slices.BinarySearch(s.lines, offset)
	if !exact {
		line--
	}
	return hcl.Pos{Line: line + 1, Column: utf8.RuneCount(s.text[s.lines[line]:offset]) + 1, Byte: offset}
}

// span is the range between two offsets.
func (s *source) span(from, to int) hcl.Range {
	return hcl.Range{Filename: s.name, Start: s.position(from), End: s.position(max(from, to))}
}

// start is the place of a file as a whole.
func start(name string) hcl.Range {
	return hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}
