package fact

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Made is a text that was made of parts of a file, and knows where each of them
// stands: commands in a file of another language, with its variables filled in.
type Made struct {
	*File
	text  strings.Builder
	marks []Mark
}

// NewMade is an empty text that is made of a file.
func NewMade(f *File) *Made { return &Made{File: f} }

// Mark says where a part of a text comes from: byte for byte, or as a whole.
type Mark struct {
	At    int // in the text
	From  int // in the file
	Until int // 0 where nobody knows
	Exact bool
}

// Add appends what stands at a place.
func (m *Made) Add(text string, k Mark) {
	if text != "" {
		k.At = m.text.Len()
		m.marks = append(m.marks, k)
		m.text.WriteString(text)
	}
}

// String is the text.
func (m *Made) String() string { return m.text.String() }

// Len is the length of the text.
func (m *Made) Len() int { return m.text.Len() }

// Copy appends a part of another text of the same file.
func (m *Made) Copy(from *Made, start, end int) {
	text := from.text.String()
	for i := from.index(start); start < end; i++ {
		k, until := Mark{}, end
		if i >= 0 {
			k = from.marks[i]
		}
		if i+1 < len(from.marks) {
			until = min(end, from.marks[i+1].At)
		}
		m.Add(text[start:until], Mark{From: from.Source(start), Until: k.Until, Exact: k.Exact})
		start = until
	}
}

// Replace is the text with others in the places of some parts, each of which ends before
// the next begins.
func (m *Made) Replace(parts []Part) *Made {
	made, at := NewMade(m.File), 0
	for _, p := range parts {
		made.Copy(m, at, p.Start)
		made.Add(p.Text, Mark{From: m.Source(p.Start)})
		at = p.End
	}
	made.Copy(m, at, m.Len())
	return made
}

// Part is a part of a text, and what takes its place.
type Part struct {
	Start, End int
	Text       string
}

// Source is where a byte of the text stands in the file.
func (m *Made) Source(at int) int {
	k := m.mark(at)
	if k.Exact {
		return min(k.From+at-k.At, len(m.Text))
	}
	return min(k.From, len(m.Text))
}

// mark is that of a byte of the text.
func (m *Made) mark(at int) Mark {
	if i := m.index(at); i >= 0 {
		return m.marks[i]
	}
	return Mark{}
}

// index is that of the mark of a byte; -1 if there is none.
func (m *Made) index(at int) int {
	i, found := slices.BinarySearchFunc(m.marks, at, func(k Mark, at int) int { return cmp.Compare(k.At, at) })
	if found {
		return i
	}
	return i - 1
}

// Range is where a part of the text stands.
func (m *Made) Range(from, to int) hcl.Range {
	if len(m.marks) == 0 {
		return Start(m.Name)
	}
	start, last := m.Source(from), max(from, to-1)
	end := m.Source(last)
	switch k := m.mark(last); {
	case to <= from:
	case k.Exact:
		end++
	case k.Until > end:
		end = k.Until
	default:
		end = m.LineEnd(end)
	}
	return m.Span(start, min(max(start, end), len(m.Text)))
}

// Whole is where the text stands.
func (m *Made) Whole() hcl.Range { return m.Range(0, m.text.Len()) }

// LineEnd is where the line of a byte ends.
func (s *File) LineEnd(at int) int {
	line := s.Position(at).Line
	if line >= len(s.lines) {
		return len(s.Text)
	}
	end := s.lines[line] - 1
	if end > at && s.Text[end-1] == '\r' {
		end--
	}
	return end
}

// LineStart is where a line starts, counted from one; false if there is none.
func (s *File) LineStart(line int) (int, bool) {
	if line < 1 || line > len(s.lines) {
		return 0, false
	}
	return s.lines[line-1], true
}

// Move gives everything that was found in a made text the places of what it was made
// of. What was found in other files stays where it is.
func (f *Set) Move(m *Made) {
	move := func(at hcl.Range) hcl.Range {
		if at.Filename != m.Name {
			return at
		}
		return m.Range(at.Start.Byte, at.End.Byte)
	}
	for _, d := range f.Diagnostics {
		moved := move(*d.Subject)
		d.Subject = &moved
		if found, is := d.Extra.(Finding); is {
			for i := range found.Others {
				found.Others[i] = move(found.Others[i])
			}
		}
	}
	for i := range f.Notes {
		f.Notes[i].Range = move(f.Notes[i].Range)
	}
	for _, s := range f.Sources {
		for i := range s.Events {
			s.Events[i].move(move)
		}
	}
	for _, b := range f.Bakes {
		b.move(move)
	}
	f.Texts[m.Name] = m.Text
}

func (e *Event) move(move func(hcl.Range) hcl.Range) {
	e.Range = move(e.Range)
	texts := [][]Text{e.From}
	alone := []*Text{e.Push, e.Target}
	var pairs [][]Pair
	if b := e.Build; b != nil {
		b.Range, b.Context.Range = move(b.Range), move(b.Context.Range)
		alone = append(alone, b.Dockerfile, b.Target, b.Title, b.Network, b.ShmSize, b.Parent)
		texts = append(texts, b.Tags, b.Platforms, b.SSH, b.Entitlements)
		pairs = [][]Pair{b.Args, b.Labels, b.Annotations, b.Contexts, b.Images, b.Upstream, b.Secrets, b.ExtraHosts, b.Ulimits}
	}
	for _, t := range alone {
		if t != nil {
			t.Range = move(t.Range)
		}
	}
	for _, list := range texts {
		for i := range list {
			list[i].Range = move(list[i].Range)
		}
	}
	for _, list := range pairs {
		for i := range list {
			list[i].Range = move(list[i].Range)
		}
	}
}
