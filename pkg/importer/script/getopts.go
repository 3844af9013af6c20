package script

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// whileClause reads a loop. One that goes through options does what the options do
// that are given: none, where nobody knows what a script is called with.
func (e *evaluator) whileClause(st *state, cmd *syntax.WhileClause) {
	letters, name, is := getopts(cmd)
	switch {
	case is && st.called:
		e.getopts(st, letters, name, cmd.Do)
	case (is || asksArguments(cmd)) && !st.called && e.settles(cmd.Do, nil):
		st.set("OPTIND", text("1"))
		e.withoutOptions(st, cmd)
	default:
		e.loop(st, append(slices.Clone(cmd.Cond), cmd.Do...))
	}
}

// withoutOptions says once of a script that its options are not given.
func (e *evaluator) withoutOptions(st *state, node syntax.Node) {
	at := st.src.Span(offset(node.Pos()), offset(node.End()))
	at.End = at.Start
	text := "the script is called without options: variables are what they are then"
	if !slices.ContainsFunc(e.Notes, func(n fact.Note) bool { return n.Text == text && n.Range.Filename == at.Filename }) {
		e.Note(fact.Note{Range: at, Text: text})
	}
}

// getopts is the condition of a loop that goes through options: while getopts ab: name.
func getopts(cmd *syntax.WhileClause) (letters, name string, is bool) {
	if cmd.Until || len(cmd.Cond) != 1 || cmd.Cond[0].Negated {
		return "", "", false
	}
	call, is := cmd.Cond[0].Cmd.(*syntax.CallExpr)
	if !is || len(call.Args) != 3 || call.Args[0].Lit() != "getopts" {
		return "", "", false
	}
	letters, known := constant(call.Args[1])
	name = call.Args[2].Lit()
	return letters, name, known && name != ""
}

// constant is a word in which nothing is expanded.
func constant(w *syntax.Word) (string, bool) {
	if len(w.Parts) != 1 {
		return "", false
	}
	switch part := w.Parts[0].(type) {
	case *syntax.Lit:
		return part.Value, !strings.Contains(part.Value, `\`)
	case *syntax.SglQuoted:
		return part.Value, !part.Dollar
	case *syntax.DblQuoted:
		return constant(&syntax.Word{Parts: part.Parts})
	}
	return "", false
}

// asksArguments reports a loop as long as there are arguments: while [ $# -gt 0 ],
// while [ -n "$1" ].
func asksArguments(cmd *syntax.WhileClause) bool {
	if cmd.Until || len(cmd.Cond) != 1 || !isTest(cmd.Cond[0]) || cmd.Cond[0].Negated {
		return false
	}
	asks := false
	syntax.Walk(cmd.Cond[0], func(n syntax.Node) bool {
		p, is := n.(*syntax.ParamExp)
		asks = asks || is && p.Param != nil && (p.Param.Value == "#" || p.Param.Value == "1")
		return true
	})
	return asks
}

// settling are commands that build nothing and start nothing.
var settling = []string{
	"shift", "exit", "return", "break", "continue", "echo", "printf", "cat", ":", "true", "false", "test", "[", "export", "set", "unset",
	"basename", "tr", "sed", "cut",
}

// settles reports commands that do nothing but set variables and tell people things,
// those of functions that they call included.
func (e *evaluator) settles(body []*syntax.Stmt, inside []string) bool {
	good := true
	for _, s := range body {
		syntax.Walk(s, func(n syntax.Node) bool {
			call, is := n.(*syntax.CallExpr)
			if !is || len(call.Args) == 0 {
				return good
			}
			name := call.Args[0].Lit()
			functions := e.functions[name]
			switch {
			case len(functions) > 0 && !slices.Contains(inside, name):
				for _, f := range functions {
					good = good && f.body != nil && e.settles([]*syntax.Stmt{f.body}, append(inside, name))
				}
			case len(functions) == 0:
				good = good && slices.Contains(settling, name)
			}
			return good
		})
	}
	return good
}

// optionBody does what a loop does for one option: of a case of that option, which is
// known, the branch that it has.
func (e *evaluator) optionBody(st *state, name string, body []*syntax.Stmt) {
	for _, s := range body {
		cmd, is := s.Cmd.(*syntax.CaseClause)
		if stmts, known := branch(cmd, name, st.vars[name].Str); is && known {
			e.stmts(st, stmts)
		} else {
			e.stmt(st, s)
		}
		if st.flow != flowOn {
			return
		}
	}
}

// special are characters that mean something in patterns.
var special = regexp.MustCompile(`[][*?\\]`)

// branch is that of a case of a variable which has a value; false where the case is of
// something else, or a pattern is made while the script runs.
func branch(cmd *syntax.CaseClause, name, value string) ([]*syntax.Stmt, bool) {
	if cmd == nil || cmd.Word == nil || len(cmd.Word.Parts) != 1 {
		return nil, false
	}
	part := cmd.Word.Parts[0]
	if quoted, is := part.(*syntax.DblQuoted); is && len(quoted.Parts) == 1 {
		part = quoted.Parts[0]
	}
	if p, is := part.(*syntax.ParamExp); !is || p.Param == nil || p.Param.Value != name || p.Exp != nil || p.Slice != nil || p.Repl != nil {
		return nil, false
	}
	return matching(cmd.Items, value)
}

// matching is the branch of a case that a value takes; false where a pattern is made while
// the script runs.
func matching(items []*syntax.CaseItem, value string) ([]*syntax.Stmt, bool) {
	for _, item := range items {
		for _, pattern := range item.Patterns {
			text := pattern.Lit() // with its backslashes
			if quoted, known := constant(pattern); text == "" && known {
				text = special.ReplaceAllString(quoted, `\$0`)
			}
			matches, err := path.Match(text, value)
			if text == "" || err != nil {
				return nil, false
			}
			if matches {
				return item.Stmts, item.Op == syntax.Break
			}
		}
	}
	return nil, true
}

// getopts goes through the options that a script or a function is called with.
func (e *evaluator) getopts(st *state, letters, name string, body []*syntax.Stmt) {
	args, next := slices.Clone(st.args), 0
	set := func(option, value string) {
		st.set(name, text(option))
		st.set("OPTARG", text(value))
		st.set("OPTIND", text(strconv.Itoa(next+1)))
	}
	st.set("OPTIND", text("1"))
	for next < len(args) && !e.tired() {
		word := args[next]
		if word.why != "" {
			e.loop(st, body)
			return
		}
		if word.Str == "--" {
			next++
			break
		}
		if len(word.Str) < 2 || word.Str[0] != '-' {
			break
		}
		next++
		for rest := word.Str[1:]; rest != ""; {
			letter := rest[:1]
			rest = rest[1:]
			at := strings.Index(strings.TrimPrefix(letters, ":"), letter)
			known := at >= 0 && letter != ":"
			takes := known && strings.HasPrefix(strings.TrimPrefix(letters, ":")[at+1:], ":")
			switch {
			case !known:
				set("?", letter)
			case !takes:
				set(letter, "")
			case rest != "":
				set(letter, rest)
				rest = ""
			case next < len(args) && args[next].why == "":
				next++
				set(letter, args[next-1].Str)
			case next < len(args):
				e.loop(st, body)
				return
			default:
				set("?", letter)
			}
			e.optionBody(st, name, body)
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
	st.set("OPTIND", text(strconv.Itoa(next+1)))
}
