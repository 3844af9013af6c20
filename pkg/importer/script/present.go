package script

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// A script may ask whether a file is there before it runs it. What is guarded by
// a file that the repository has not is not read, and is no error: whether it is
// there when the script runs, nobody knows. That a file is absent never makes
// anything run.

// fails reports a condition that asks for a file which is not there.
func (e *evaluator) fails(st *state, s *syntax.Stmt) bool { return e.asks(st, s, false) }

// holds reports a condition that asks for the absence of one.
func (e *evaluator) holds(st *state, s *syntax.Stmt) bool { return e.asks(st, s, true) }

func (e *evaluator) asks(st *state, s *syntax.Stmt, absence bool) bool {
	if s.Negated {
		absence = !absence
	}
	switch cmd := s.Cmd.(type) {
	case *syntax.TestClause:
		return e.asksExpr(st, cmd.X, absence)
	case *syntax.BinaryCmd:
		if absence || cmd.Op != syntax.AndStmt {
			return false
		}
		return e.asks(st, cmd.X, false) || e.asks(st, cmd.Y, false)
	case *syntax.CallExpr:
		return e.asksCall(st, cmd.Args, absence)
	}
	return false
}

// asksCall is [ -x file ], test -x file, command -v file.
func (e *evaluator) asksCall(st *state, args []*syntax.Word, absence bool) bool {
	if len(args) < 2 {
		return false
	}
	words := args[1:]
	switch args[0].Lit() {
	case "[":
		if words[len(words)-1].Lit() != "]" {
			return false
		}
		words = words[:len(words)-1]
	case "test":
	case "command", "type", "which":
		last := words[len(words)-1]
		file := e.value(st, last)
		return !absence && strings.Contains(file.Str, "/") && e.isAbsent(st, last)
	default:
		return false
	}
	if len(words) == 3 && words[0].Lit() == "!" {
		absence, words = !absence, words[1:]
	}
	if len(words) == 5 && words[2].Lit() == "-a" && !absence {
		return e.isFileTest(words[0].Lit()) && e.isAbsent(st, words[1]) ||
			e.isFileTest(words[3].Lit()) && e.isAbsent(st, words[4])
	}
	return len(words) == 2 && !absence && e.isFileTest(words[0].Lit()) && e.isAbsent(st, words[1])
}

func (e *evaluator) isFileTest(op string) bool {
	return slices.Contains([]string{"-a", "-d", "-e", "-f", "-h", "-L", "-r", "-s", "-x"}, op)
}

// asksExpr is the same within [[ ]].
func (e *evaluator) asksExpr(st *state, x syntax.TestExpr, absence bool) bool {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return e.asksExpr(st, x.X, absence)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			return e.asksExpr(st, x.X, !absence)
		}
		file, ok := x.X.(*syntax.Word)
		return ok && !absence && e.isFileTest(x.Op.String()) && e.isAbsent(st, file)
	case *syntax.BinaryTest:
		return !absence && x.Op == syntax.AndTest && (e.asksExpr(st, x.X, false) || e.asksExpr(st, x.Y, false))
	}
	return false
}

// isAbsent reports a path of the repository where nothing is, and notes that
// somebody asked for it.
func (e *evaluator) isAbsent(st *state, w *syntax.Word) bool {
	v := e.value(st, w)
	if v.why != "" || v.Str == "" {
		return false
	}
	name, ok := inside(join(st.cwd, v.Str))
	if !ok {
		return false
	}
	if _, err := fs.Stat(e.fsys, name); err == nil {
		return false
	}
	e.noteAbsent(name, st.src.Span(offset(w.Pos()), offset(w.End())))
	return true
}

func (e *evaluator) noteAbsent(name string, at hcl.Range) {
	if !e.absent[name] {
		e.absent[name] = true
		e.Note(fact.Note{
			Range: at, Kind: fact.LeftOut,
			Text: fmt.Sprintf("what is run only if %s is there: it is not in the repository", name),
		})
	}
}

// missing reports a command that runs a file which is not there, in front of
// "|| true".
func (e *evaluator) missing(st *state, s *syntax.Stmt) bool {
	cmd, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(cmd.Args) == 0 {
		return false
	}
	file := cmd.Args[0]
	if name := file.Lit(); (name == "." || name == "source" || name == "sh" || name == "bash") && len(cmd.Args) > 1 {
		file = cmd.Args[1]
	} else if !strings.Contains(name, "/") {
		return false
	}
	return e.isAbsent(st, file)
}

// isNothing reports true and :.
func isNothing(s *syntax.Stmt) bool {
	cmd, ok := s.Cmd.(*syntax.CallExpr)
	return ok && len(cmd.Args) == 1 && slices.Contains([]string{"true", ":"}, cmd.Args[0].Lit())
}

// startFolder is where a script runs: the root of the repository, or the folder
// around the script from which it finds most of what it builds.
func startFolder(fsys fs.FS, src *fact.File) string {
	best, most := root, -1
	for dir := path.Dir("/" + src.Name); ; dir = path.Dir(dir) {
		cwd := path.Join(root, dir)
		e := newEvaluator(fsys, src)
		e.file(newState(src, cwd))
		found := 0
		for _, event := range e.script.Events {
			if event.Build == nil {
				continue
			}
			if _, err := fs.Stat(fsys, event.Build.DockerfilePath()); err == nil {
				found++
			}
		}
		if found >= most { // the root, which comes last, is preferred
			best, most = cwd, found
		}
		if dir == "/" {
			return best
		}
	}
}

// there reports a path of the repository, from the folder that a command runs in, where
// something is.
func (e *evaluator) there(st *state, name string) bool {
	inner, ok := inside(join(st.cwd, name))
	if !ok {
		return false
	}
	_, err := fs.Stat(e.fsys, inner)
	return err == nil
}
