// Package shell reads shell scripts, and the commands of RUN in Dockerfiles: what
// they call with which words, what only bash understands, and whether they stop
// at the first error.
package shell

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"

	"github.com/runbake/runbake/pkg/budget"
)

// MaxSize is how large a script may be that is read, in bytes.
const MaxSize = 1 << 20

// Script is one parsed script.
type Script struct {
	Name string
	// Interpreter is the program that the first line names, for example
	// /bin/sh, or bash where it is asked for through env; "" without such a
	// line.
	Interpreter string
	flags       string // of the first line: -e
	src         []byte
	lines       []int // byte offset of each line
	file        *syntax.File
}

// Parse reads a script by the grammar of bash, which is the wider one, so that
// what sh does not know can be named. name is what diagnostics call it.
func Parse(name string, src []byte) (*Script, *hcl.Diagnostic) {
	s := &Script{Name: name, src: src, lines: []int{0}}
	for i, c := range src {
		if c == '\n' && i+1 < len(src) {
			s.lines = append(s.lines, i+1)
		}
	}
	s.shebang()
	if len(src) > MaxSize {
		diags := s.problem(s.lineRange(1), "Script is too large to be read", fmt.Sprintf("It has %d bytes; %d are read.", len(src), MaxSize))
		return s, diags
	}
	if at, deep := budget.Script(src); deep {
		diags := s.problem(s.lineRange(sort.SearchInts(s.lines, at+1)), "Script is nested too deep to be read",
			fmt.Sprintf("Brackets and compound commands are in one another more than %d times.", budget.MaxDepth))
		return s, diags
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(src), name)
	if err != nil {
		diags := s.syntax(err)
		return s, diags
	}
	s.file = file
	return s, nil
}

// Shell is the name of the interpreter without its folder: sh, bash; sh where
// none is named, because that is what runs it then.
func (s *Script) Shell() string {
	if s.Interpreter == "" {
		return "sh"
	}
	return path.Base(s.Interpreter)
}

// First is the range of the first line.
func (s *Script) First() hcl.Range { return s.lineRange(1) }

// Last is the range of the last command, or of the first line when there is
// none.
func (s *Script) Last() hcl.Range {
	if s.file == nil || len(s.file.Stmts) == 0 {
		return s.lineRange(1)
	}
	return s.place(s.file.Stmts[len(s.file.Stmts)-1])
}

// WindowsLine is the first line that ends as lines do on Windows.
func (s *Script) WindowsLine() (hcl.Range, bool) {
	at := bytes.Index(s.src, []byte("\r\n"))
	if at < 0 {
		return hcl.Range{}, false
	}
	return s.lineRange(1 + bytes.Count(s.src[:at], []byte("\n"))), true
}

func (s *Script) shebang() {
	line, _, _ := strings.Cut(string(s.src[:min(len(s.src), 256)]), "\n")
	text, found := strings.CutPrefix(line, "#!")
	if !found {
		return
	}
	words := strings.Fields(text)
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = words[1:]
		if words[0] == "-S" {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return
	}
	s.Interpreter, s.flags = words[0], strings.Join(words[1:], " ")
}

func (s *Script) problem(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()}
}

func (s *Script) syntax(err error) *hcl.Diagnostic {
	at, text := s.lineRange(1), err.Error()
	if parse, is := errors.AsType[syntax.ParseError](err); is {
		at, text = s.lineRange(int(parse.Pos.Line())), parse.Text
	} else if lang, is := errors.AsType[syntax.LangError](err); is {
		at, text = s.lineRange(int(lang.Pos.Line())), lang.Feature+" is not known to bash"
	}
	return s.problem(at, "Script cannot be parsed", fmt.Sprintf("The shell would stop here: %s.", text))
}

// place is the range of a node.
func (s *Script) place(n syntax.Node) hcl.Range {
	return hcl.Range{Filename: s.Name, Start: s.position(n.Pos()), End: s.position(n.End())}
}

func (s *Script) position(p syntax.Pos) hcl.Pos {
	if !p.IsValid() {
		return hcl.InitialPos
	}
	at := min(int(p.Offset()), len(s.src))
	line := sort.SearchInts(s.lines, at+1)
	start := s.lines[line-1]
	return hcl.Pos{Line: line, Column: 1 + utf8.RuneCount(s.src[start:at]), Byte: at}
}

// lineRange is a whole line, without its end.
func (s *Script) lineRange(number int) hcl.Range {
	line := min(max(number, 1), len(s.lines))
	start := s.lines[line-1]
	text := s.src[start:]
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		text = text[:end]
	}
	text = bytes.TrimRight(text, "\r")
	return hcl.Range{
		Filename: s.Name,
		Start:    hcl.Pos{Line: line, Column: 1, Byte: start},
		End:      hcl.Pos{Line: line, Column: 1 + utf8.RuneCount(text), Byte: start + len(text)},
	}
}
