package script

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Bounds of what an evaluation may grow to.
const (
	maxValue  = 1 << 14 // bytes of a word or variable
	maxFields = 1 << 12 // words that one word becomes
	maxGrown  = 1 << 24 // bytes of all words
)

// word is one argument of a command after expansion. why is empty, or says why
// its text is not known; text is then the literal that it starts with.
type word struct {
	text string
	why  string
	at   hcl.Range
}

// calledWith is how it ends why a parameter is not known.
const calledWith = " is what the script is called with."

// errRuns says that a value is the output of a command.
var errRuns = errors.New("output of a command")

// fields expands the words of a command as the shell does.
func (e *evaluator) fields(st *state, words []*syntax.Word) []word {
	var all []word
	for _, w := range words {
		at := st.src.Span(offset(w.Pos()), offset(w.End()))
		env := &environ{state: st}
		var list []string
		var err error
		size := 0
		for field, failed := range expand.FieldsSeq(e.config(st, env), w) {
			size += len(field)
			e.grown += len(field)
			if err = failed; err == nil && (size > maxValue || len(list) >= maxFields) {
				err = errors.New("it becomes too long")
			}
			if err != nil {
				break
			}
			list = append(list, field)
		}
		why := reason(env, err)
		if why == "" && splits(w) {
			why = env.splits
		}
		if keys, alone := overKeys(w); keys && alone {
			slices.Sort(list) // bash has them in no order that is promised
		} else if keys && why == "" {
			why = "It goes over keys, which have no order."
		}
		if why != "" {
			all = append(all, word{leading(w), why, at})
			continue
		}
		for _, s := range list {
			all = append(all, word{s, "", at})
		}
	}
	return all
}

// splits reports a word that becomes several at what IFS has, or one that is joined with
// that: it has something outside of quotes that is expanded, or $*.
func splits(w *syntax.Word) bool {
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.ParamExp, *syntax.CmdSubst, *syntax.ArithmExp:
			return true
		case *syntax.DblQuoted:
			if slices.ContainsFunc(part.Parts, joins) {
				return true
			}
		}
	}
	return false
}

// joins reports $* and ${a[*]}.
func joins(part syntax.WordPart) bool {
	p, is := part.(*syntax.ParamExp)
	if !is || p.Param == nil {
		return false
	}
	index, _ := p.Index.(*syntax.Word)
	return p.Param.Value == "*" || index != nil && index.Lit() == "*"
}

// overKeys reports a word that becomes the keys of an array, and whether it is
// nothing else.
func overKeys(w *syntax.Word) (keys, alone bool) {
	syntax.Walk(w, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && p.Excl && p.Index != nil {
			keys = true
		}
		return true
	})
	if len(w.Parts) != 1 {
		return keys, false
	}
	quoted, ok := w.Parts[0].(*syntax.DblQuoted)
	return keys, !ok || len(quoted.Parts) == 1
}

// value expands one word as in an assignment.
func (e *evaluator) value(st *state, w *syntax.Word) variable {
	if w == nil {
		return text("")
	}
	env := &environ{state: st}
	s, err := expand.Literal(e.config(st, env), w)
	e.grown += len(s)
	if err == nil && len(s) > maxValue {
		err = errors.New("it becomes too long")
	}
	why := reason(env, err)
	if why == "" && splits(&syntax.Word{Parts: quoted(w)}) {
		why = env.splits
	}
	if why != "" {
		return lost(why)
	}
	v := text(s)
	v.given = env.given
	return v
}

// quoted are the parts of a word that are in quotes: nothing of a word that is assigned
// is split, but $* in quotes is joined.
func quoted(w *syntax.Word) []syntax.WordPart {
	return slices.DeleteFunc(slices.Clone(w.Parts), func(part syntax.WordPart) bool {
		_, is := part.(*syntax.DblQuoted)
		return !is
	})
}

func (e *evaluator) config(st *state, env *environ) *expand.Config {
	return &expand.Config{
		Env:     env,
		NoUnset: true,
		CmdSubst: func(w io.Writer, cs *syntax.CmdSubst) error {
			out, ok := e.substitute(st, cs)
			if !ok {
				return errRuns
			}
			_, err := io.WriteString(w, out)
			return err
		},
		ProcSubst: func(*syntax.ProcSubst) (string, error) { return "", errRuns },
		ReadDir2: func(dir string) ([]fs.DirEntry, error) {
			name, ok := inside(dir)
			if !ok {
				env.hit = "It lists files outside of the repository."
				return nil, fs.ErrNotExist
			}
			return fs.ReadDir(e.fsys, name)
		},
	}
}

// inside is the path of a file from the root of the repository.
func inside(abs string) (string, bool) {
	clean := path.Clean(abs)
	if clean == root {
		return ".", true
	}
	name, ok := strings.CutPrefix(clean, root+"/")
	return name, ok && fs.ValidPath(name)
}

// reason says why an expansion is not known; "" if it is.
func reason(env *environ, err error) string {
	var unset expand.UnsetParameterError
	switch {
	case errors.As(err, &unset) && unset.Node != nil && unset.Node.Param != nil:
		if n := unset.Node.Param.Value; strings.Trim(n, "0123456789") == "" {
			return fmt.Sprintf("$%s%s", n, calledWith)
		}
		return fmt.Sprintf("%s is not set in this script.", unset.Node.Param.Value)
	case errors.Is(err, errRuns):
		return "It is the output of a command, and no command is run."
	case err != nil:
		return fmt.Sprintf("It cannot be expanded: %v.", strings.TrimRight(err.Error(), "."))
	}
	return env.hit
}

// leading is the literal text that a word starts with.
func leading(w *syntax.Word) string {
	var b strings.Builder
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			b.WriteString(part.Value)
			continue
		case *syntax.SglQuoted:
			b.WriteString(part.Value)
			continue
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return b.String()
				}
				b.WriteString(lit.Value)
			}
			continue
		}
		return b.String()
	}
	return b.String()
}

func offset(p syntax.Pos) int { return int(p.Offset()) }

// substitute evaluates the few commands whose output depends on nothing but the
// repository. Builds in others are read all the same.
func (e *evaluator) substitute(st *state, cs *syntax.CmdSubst) (string, bool) {
	sub := st.clone()
	var out strings.Builder
	for _, s := range cs.Stmts {
		if !e.pure(sub, s, &out) {
			e.stmts(st.clone(), cs.Stmts)
			return "", false
		}
	}
	return strings.TrimRight(out.String(), "\n"), true
}

func (e *evaluator) pure(st *state, s *syntax.Stmt, out *strings.Builder) bool {
	if s.Background || s.Negated {
		return false
	}
	switch cmd := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		return cmd.Op == syntax.AndStmt && e.pure(st, cmd.X, out) && e.pure(st, cmd.Y, out)
	case *syntax.CallExpr:
		if len(cmd.Assigns) > 0 {
			return false
		}
		words := e.fields(st, cmd.Args)
		args := make([]string, 0, len(words))
		for _, w := range words {
			if w.why != "" {
				return false
			}
			args = append(args, w.text)
		}
		return len(args) > 0 && e.pureCall(st, args, out)
	}
	return false
}

func (e *evaluator) pureCall(st *state, args []string, out *strings.Builder) bool {
	name, args := args[0], args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	line := func(s string) bool {
		out.WriteString(s + "\n")
		return !strings.Contains(s, unknown)
	}
	switch {
	case name == "cd" && len(args) == 1:
		st.cwd = join(st.cwd, args[0])
		return st.cwd != unknown
	case name == "pwd":
		return line(st.cwd)
	case name == "dirname" && len(args) == 1:
		return line(path.Dir(args[0]))
	case name == "basename" && len(args) == 1:
		return line(path.Base(args[0]))
	case name == "basename" && len(args) == 2:
		return line(strings.TrimSuffix(path.Base(args[0]), args[1]))
	case (name == "realpath" || name == "readlink" && args[0] == "-f") && len(args) > 0:
		return line(join(st.cwd, args[len(args)-1]))
	case name == "git" && strings.Join(args, " ") == "rev-parse --show-toplevel":
		return line(root)
	case name == "echo" && (len(args) == 0 || !strings.HasPrefix(args[0], "-")):
		return line(strings.Join(args, " "))
	case name == "cat" && len(args) == 1, name == "ls" && len(args) == 1:
		return e.pureFile(st, name, args[0], out)
	}
	return false
}

// pureFile is what a file holds, or what is in a folder.
func (e *evaluator) pureFile(st *state, command, arg string, out *strings.Builder) bool {
	name, ok := inside(join(st.cwd, arg))
	if !ok {
		return false
	}
	if command == "cat" {
		file, err := fact.Read(e.fsys, name)
		if err == nil {
			out.Write(file.Text)
		}
		return err == nil
	}
	entries, err := fs.ReadDir(e.fsys, name)
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			out.WriteString(entry.Name() + "\n")
		}
	}
	return err == nil
}

// join is the path that a command in a folder means.
func join(cwd, name string) string {
	switch {
	case strings.Contains(name, unknown):
		return unknown
	case path.IsAbs(name):
		return path.Clean(name)
	case cwd == unknown:
		return unknown
	}
	return path.Join(cwd, name)
}
