// Package script reads what shell scripts do with images, by docker commands.
//
// Nothing is run: variables, loops, functions and branches are evaluated, and
// both ways of a branch are read. What depends on more than the script and the
// files of the repository is not known, and is listed with its place where it has
// to do with images.
package script

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Bounds of an evaluation.
const (
	maxSteps = 20_000 // commands, counted each time
	maxDepth = 24     // functions and scripts in one another
)

// function is a shell function and the file that it stands in.
type function struct {
	name   string
	body   *syntax.Stmt
	src    *fact.File
	called bool
}

// evaluator reads one script.
type evaluator struct {
	*fact.Set
	fsys      fs.FS
	script    *fact.Source
	functions map[string][]*function // several when branches declare one each
	declared  []*function
	ignored   map[string][]hcl.Range // options without meaning here
	unread    map[hcl.Range]bool     // reported as never run
	absent    map[string]bool        // files that are asked for and not there
	bad       map[*fact.Build]bool   // left out, as has been said
	ways      map[hcl.Range]bool     // of branches that calls decide: whether one takes them
	running   []running
	inner     map[hcl.Range][]fact.Event // of scripts that call themselves, by their places
	told      map[*hcl.Diagnostic]bool   // in those
	steps     int
	grown     int // bytes of expanded words
	depth     int
}

// Read reads one script of a repository.
func Read(fsys fs.FS, src *fact.File) *fact.Set {
	e := newEvaluator(fsys, src)
	cwd := root
	if path.Dir(src.Name) != "." {
		if cwd = startFolder(fsys, src); cwd != root {
			e.Note(fact.Note{
				Range: fact.Start(src.Name),
				Text: fmt.Sprintf("%s is run in %s: what it builds is there", src.Name,
					strings.TrimPrefix(cwd, root+"/")),
			})
		}
	}
	e.running = []running{{name: src.Name}}
	e.file(newState(src, cwd))
	e.withoutFirst()
	e.reportIgnored()
	e.reportUncalled()
	e.reportWays()
	if e.tired() {
		e.Fail(fact.RuleNotUnderstood, fact.Start(src.Name), "The script does too much",
			fmt.Sprintf("Reading it was given up after %d commands. Import its parts one by one.", e.steps))
	}
	return e.Set
}

func newEvaluator(fsys fs.FS, src *fact.File) *evaluator {
	s := &fact.Source{Name: src.Name}
	return &evaluator{
		Set: &fact.Set{Sources: []*fact.Source{s}, Texts: map[string][]byte{}}, fsys: fsys, script: s,
		functions: map[string][]*function{}, ignored: map[string][]hcl.Range{}, unread: map[hcl.Range]bool{},
		absent: map[string]bool{}, bad: map[*fact.Build]bool{}, ways: map[hcl.Range]bool{},
		inner: map[hcl.Range][]fact.Event{}, told: map[*hcl.Diagnostic]bool{},
	}
}

// tired reports that a script is too much to evaluate.
func (e *evaluator) tired() bool { return e.steps > maxSteps || e.grown > maxGrown }

// file evaluates the source of a state. What stands before a syntax error is
// read.
func (e *evaluator) file(st *state) {
	e.Texts[st.src.Name] = st.src.Text
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	var list []*syntax.Stmt
	broken := false
	for s, err := range parser.StmtsSeq(bytes.NewReader(st.src.Text)) {
		if broken {
			continue // the parser may yield again, and panics if it is stopped
		}
		if err != nil {
			at := fact.Start(st.src.Name)
			what := err.Error()
			if parsed, ok := errors.AsType[syntax.ParseError](err); ok {
				at = st.src.Span(offset(parsed.Pos), offset(parsed.Pos)+1)
				what = parsed.Text
			}
			e.Fail(fact.RuleNotUnderstood, at, "Not a shell script from here on",
				fmt.Sprintf("The shell's grammar says: %s. Nothing below was read.", what))
			broken = true
			continue
		}
		list = append(list, s)
	}
	e.stmts(st, list)
}

// stmts evaluates a list of commands.
func (e *evaluator) stmts(st *state, list []*syntax.Stmt) {
	for _, s := range list {
		if st.flow != flowOn {
			e.unreachable(st, s)
			return
		}
		e.stmt(st, s)
	}
}

// unreachable tells of builds after an exit.
func (e *evaluator) unreachable(st *state, s *syntax.Stmt) {
	at := st.src.Span(offset(s.Pos()), offset(s.End()))
	if !e.unread[at] && fact.Mentions(string(st.src.Text[at.Start.Byte:])) && st.flow == flowExit {
		e.unread[at] = true
		e.Warn(fact.RuleUnreachable, at, "Nothing is run from here on",
			"The script ends before this line; what follows is not imported.")
	}
}

// reportUncalled tells of functions that do something with images and are called
// nowhere.
func (e *evaluator) reportUncalled() {
	for _, f := range e.declared {
		at := f.src.Span(offset(f.body.Pos()), offset(f.body.End()))
		if !f.called && fact.Mentions(e.source(at)) {
			e.Warn(fact.RuleUnreachable, at, fmt.Sprintf("The function %s is never called", f.name),
				"What it does with images is not imported.")
		}
	}
}

func (e *evaluator) stmt(st *state, s *syntax.Stmt) {
	if e.steps++; e.tired() || s.Cmd == nil {
		return
	}
	if s.Background {
		st = st.clone()
	}
	switch cmd := s.Cmd.(type) {
	case *syntax.CallExpr:
		e.call(st, cmd, s.Redirs)
	case *syntax.DeclClause:
		e.declare(st, cmd)
	case *syntax.Block:
		e.stmts(st, cmd.Stmts)
	case *syntax.Subshell:
		e.stmts(st.clone(), cmd.Stmts)
	case *syntax.IfClause:
		e.ifClause(st, cmd)
	case *syntax.CaseClause:
		e.caseClause(st, cmd)
	case *syntax.ForClause:
		e.forClause(st, cmd)
	case *syntax.WhileClause:
		e.whileClause(st, cmd)
	case *syntax.FuncDecl:
		if cmd.Name != nil {
			f := &function{name: cmd.Name.Value, body: cmd.Body, src: st.src}
			if len(st.arms) == 0 {
				e.functions[f.name] = nil
			}
			e.functions[f.name] = append(e.functions[f.name], f)
			e.declared = append(e.declared, f)
		}
	case *syntax.BinaryCmd:
		e.binary(st, cmd)
	case *syntax.TimeClause:
		if cmd.Stmt != nil {
			e.stmt(st, cmd.Stmt)
		}
	case *syntax.CoprocClause:
		e.stmt(st.clone(), cmd.Stmt)
	case *syntax.ArithmCmd:
		e.arithmetic(st, cmd.X)
	case *syntax.LetClause:
		for _, x := range cmd.Exprs {
			e.arithmetic(st, x)
		}
	}
}

// arithmetic evaluates for its assignments.
func (e *evaluator) arithmetic(st *state, x syntax.ArithmExpr) {
	env := &environ{state: st}
	if _, err := expand.Arithm(e.config(st, env), x); err != nil || env.hit != "" {
		e.forget(st, x, "is computed from something unknown.")
	}
}

func (e *evaluator) binary(st *state, cmd *syntax.BinaryCmd) {
	switch cmd.Op {
	case syntax.AndStmt:
		e.stmt(st, cmd.X)
		if holds, known := e.decides(st, cmd.X); known {
			if e.way(st, []*syntax.Stmt{cmd.Y}, holds); holds {
				e.stmt(st, cmd.Y)
			}
			return
		}
		if e.fails(st, cmd.X) {
			return
		}
		e.way(st, []*syntax.Stmt{cmd.Y}, true)
		if isTest(cmd.X) {
			e.either(st, cmd, func(st *state) { e.stmt(st, cmd.Y) }, func(*state) {})
		} else if st.flow == flowOn {
			e.stmt(st, cmd.Y)
		}
	case syntax.OrStmt:
		if isNothing(cmd.Y) && e.missing(st, cmd.X) {
			return
		}
		e.stmt(st, cmd.X)
		if holds, known := e.decides(st, cmd.X); known {
			if e.way(st, []*syntax.Stmt{cmd.Y}, !holds); !holds {
				e.stmt(st, cmd.Y)
			}
			return
		}
		if e.holds(st, cmd.X) {
			return
		}
		e.way(st, []*syntax.Stmt{cmd.Y}, true)
		if st.flow == flowOn {
			e.either(st, cmd, func(st *state) { e.stmt(st, cmd.Y) }, func(*state) {})
		}
	default: // a pipe
		e.stmt(st.clone(), cmd.X)
		e.stmt(st.clone(), cmd.Y)
	}
}

// isTest tells commands that ask from those that do.
func isTest(s *syntax.Stmt) bool {
	switch cmd := s.Cmd.(type) {
	case *syntax.TestClause, *syntax.ArithmCmd:
		return true
	case *syntax.BinaryCmd:
		return isTest(cmd.X) || isTest(cmd.Y)
	case *syntax.CallExpr:
		return len(cmd.Args) > 0 && slices.Contains([]string{"[", "test", "command", "which", "grep", "false"},
			cmd.Args[0].Lit())
	}
	return s.Negated
}

// either goes several ways and joins what they leave.
func (e *evaluator) either(st *state, node syntax.Node, ways ...func(*state)) {
	states := make([]*state, 0, len(ways))
	for i, way := range ways {
		w := st.clone()
		w.arms = append(w.arms, fact.Arm{Node: node, Way: i})
		way(w)
		w.arms = st.arms
		states = append(states, w)
	}
	line := st.src.Position(offset(node.Pos())).Line
	st.merge(states, fmt.Sprintf("has another value in each branch at %s:%d.", st.src.Name, line))
}

func (e *evaluator) ifClause(st *state, cmd *syntax.IfClause) {
	var ways []func(*state)
	complete, asked := false, false
	for c := cmd; c != nil; c = c.Else {
		if len(c.Cond) == 0 {
			complete = true
		}
		e.stmts(st, c.Cond)
		if len(c.Cond) > 0 && e.fails(st, c.Cond[len(c.Cond)-1]) {
			asked = true
			continue
		}
		if len(c.Cond) == 1 {
			if holds, known := e.decides(st, c.Cond[0]); known {
				e.way(st, c.Then, holds)
				if !holds {
					asked = true
					continue
				}
				complete, asked = true, false
				ways = append(ways, func(st *state) { e.stmts(st, c.Then) })
				for rest := c.Else; rest != nil; rest = rest.Else {
					e.way(st, rest.Then, false)
				}
				break
			}
		}
		e.way(st, c.Then, true)
		ways = append(ways, func(st *state) { e.stmts(st, c.Then) })
	}
	if !complete || asked {
		ways = append(ways, func(*state) {})
	}
	e.either(st, cmd, ways...)
}

func (e *evaluator) caseClause(st *state, cmd *syntax.CaseClause) {
	if body, known := e.decided(st, cmd); known {
		e.stmts(st, body)
		return
	}
	ways := []func(*state){func(*state) {}}
	for _, item := range cmd.Items {
		e.way(st, item.Stmts, true)
		ways = append(ways, func(st *state) { e.stmts(st, item.Stmts) })
		if len(item.Patterns) == 1 && item.Patterns[0].Lit() == "*" {
			ways[0] = func(st *state) { e.stmts(st, item.Stmts) }
			ways = ways[:len(ways)-1]
		}
	}
	e.either(st, cmd, ways...)
}

func (e *evaluator) forClause(st *state, cmd *syntax.ForClause) {
	if loop, is := cmd.Loop.(*syntax.CStyleLoop); is {
		e.counting(st, loop, cmd.Do)
		return
	}
	iter, ok := cmd.Loop.(*syntax.WordIter)
	if !ok || cmd.Select {
		e.loop(st, cmd.Do)
		return
	}
	items := e.fields(st, iter.Items)
	if !iter.InPos.IsValid() {
		items = nil
		for i := range st.args {
			items = append(items, word{text: st.args[i].Str, why: st.args[i].why})
		}
		if !st.called {
			items = []word{{why: "It is what the script is called with."}}
		}
	}
	for _, item := range items {
		if e.tired() {
			return
		}
		if item.why != "" {
			st.set(iter.Name.Value,
				lost(fmt.Sprintf("%s goes over something unknown: %s", iter.Name.Value, lower(item.why))))
			e.loop(st, cmd.Do)
			continue
		}
		st.set(iter.Name.Value, text(item.text))
		e.stmts(st, cmd.Do)
		switch st.flow {
		case flowContinue:
			st.flow = flowOn
		case flowBreak:
			st.flow = flowOn
			return
		case flowReturn, flowExit:
			return
		}
	}
}
