// Package dockerfile says what a Dockerfile takes from where: its stages, its
// build arguments and the images that a build of it needs. It reads with
// BuildKit's own parser and follows the rules of BuildKit's frontend.
package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/runbake/runbake/pkg/diag"
)

// File is one parsed Dockerfile. It does not change: many can ask it at once.
type File struct {
	Name     string
	src      []byte
	lines    []int // byte offset of each line
	escape   rune
	meta     []instructions.ArgCommand
	stages   []instructions.Stage
	syntax   string // what # syntax= says
	syntaxAt []parser.Range
	// triggers are ONBUILD instructions of images, by the names of contexts.
	triggers map[string][]string
}

// Arg is a build argument that a Dockerfile declares.
type Arg struct {
	Name    string
	Default string
	Global  bool // declared before the first FROM, where FROM can use it
	Range   hcl.Range
}

// Parse reads a Dockerfile. name is what diagnostics call it.
func Parse(name string, src []byte) (*File, hcl.Diagnostics) {
	f := &File{Name: name, src: src, lines: lineOffsets(src)}
	result, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		return nil, hcl.Diagnostics{f.unparsed(err)}
	}
	f.escape = result.EscapeToken
	f.syntax, _, f.syntaxAt, _ = parser.DetectSyntax(src)
	f.stages, f.meta, err = instructions.Parse(result.AST, nil)
	if err != nil {
		return nil, hcl.Diagnostics{f.unparsed(err)}
	}
	if problem := f.checkGrowth(result.AST); problem != nil {
		return nil, hcl.Diagnostics{problem}
	}
	if len(f.stages) == 0 {
		return nil, hcl.Diagnostics{f.problem(nil, "Dockerfile builds nothing", "It has no FROM. Start with the image to build on.")}
	}
	return f, nil
}

// lexer expands words. It holds the one that it is at, so every user of a file
// has a lexer of its own.
type lexer struct{ *shell.Lex }

func (f *File) lexer() lexer { return lexer{shell.NewLex(f.escape)} }

// expand replaces the variables of a word and takes its quotes off.
func (l lexer) expand(word string, env shell.EnvGetter) (string, error) {
	if literal(word) {
		return word, nil
	}
	expanded, _, err := l.ProcessWord(word, env)
	return expanded, err
}

// literal reports whether a word stands for itself: it has no variable, quote or
// escape.
func literal(word string) bool { return !strings.ContainsAny(word, "$'\"`\\") }

// Args lists the declared build arguments in the order of the file.
func (f *File) Args() []Arg {
	var args []Arg
	add := func(cmd *instructions.ArgCommand, global bool) {
		for _, a := range cmd.Args {
			arg := Arg{Name: a.Key, Global: global, Range: f.place(cmd.Location())}
			if a.Value != nil {
				arg.Default = *a.Value
			}
			args = append(args, arg)
		}
	}
	for i := range f.meta {
		add(&f.meta[i], true)
	}
	for i := range f.stages {
		for _, cmd := range f.stages[i].Commands {
			if arg, ok := cmd.(*instructions.ArgCommand); ok {
				add(arg, false)
			}
		}
	}
	return args
}

// unparsed turns an error of BuildKit's parser into a diagnostic.
func (f *File) unparsed(err error) *hcl.Diagnostic {
	var located *parser.LocationError
	var at []parser.Range
	if errors.As(err, &located) && len(located.Locations) > 0 {
		at = located.Locations[0]
	}
	text := err.Error()
	if i := strings.Index(text, "parse error on line"); i >= 0 {
		if _, after, found := strings.Cut(text[i:], ": "); found {
			text = after
		}
	}
	detail := fmt.Sprintf("BuildKit says: %s.", strings.TrimRight(text, ". "))
	if unknown, ok := errors.AsType[*instructions.UnknownInstructionError](err); ok {
		detail = fmt.Sprintf("There is no instruction %s.%s", unknown.Instruction, meantInstruction(unknown.Instruction))
	}
	if len(at) > 0 && strings.Contains(f.line(f.clamp(at[0].Start.Line)), " #") {
		detail += " A comment has a line of its own in a Dockerfile."
	}
	return f.problem(at, "Dockerfile cannot be parsed", detail)
}

// meantInstruction replaces BuildKit's own suggestion, which is another one in
// every run when several are as near.
func meantInstruction(name string) string {
	var known []string
	for c := range command.Commands {
		known = append(known, strings.ToUpper(c))
	}
	slices.Sort(known)
	if near := diag.Suggest(strings.ToUpper(name), known); near != "" {
		return fmt.Sprintf(" Did you mean %s?", near)
	}
	return ""
}

func (f *File) problem(at []parser.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: f.place(at).Ptr()}
}

// place makes a range of BuildKit's, which knows lines only: from the first
// character of the first line to the last of the last.
func (f *File) place(at []parser.Range) hcl.Range {
	r := hcl.Range{Filename: f.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if len(at) == 0 {
		return r
	}
	first := f.clamp(at[0].Start.Line)
	last := max(first, f.clamp(at[len(at)-1].End.Line))
	r.Start = hcl.Pos{Line: first, Column: 1, Byte: f.lines[first-1]}
	text := f.line(last)
	r.End = hcl.Pos{Line: last, Column: len([]rune(text)) + 1, Byte: f.lines[last-1] + len(text)}
	return r
}

func (f *File) clamp(line int) int {
	return min(max(line, 1), len(f.lines))
}

// line is the text of a line without its end.
func (f *File) line(number int) string {
	rest := f.src[f.lines[number-1]:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	return strings.TrimRight(string(rest), "\r")
}

func lineOffsets(src []byte) []int {
	offsets := []int{0}
	for i, c := range src {
		if c == '\n' && i+1 < len(src) {
			offsets = append(offsets, i+1)
		}
	}
	return offsets
}
