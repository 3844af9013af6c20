package shell

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"
)

// StopsAtErrors reports whether the script ends at the first command that
// fails, from its first command on: by set -e before all others, or by the
// flags of its first line. Where set -e comes too late, late is its place.
func (s *Script) StopsAtErrors() (yes bool, late *hcl.Range) {
	if strings.HasPrefix(s.flags, "-") && strings.Contains(s.flags, "e") {
		return true, nil
	}
	if s.file == nil {
		return false, nil
	}
	early := true
	for _, stmt := range s.file.Stmts {
		call, is := stmt.Cmd.(*syntax.CallExpr)
		if is && len(call.Args) > 0 && call.Args[0].Lit() == "set" {
			if stopsAtErrors(call.Args[1:]) {
				if early {
					return true, nil
				}
				return false, s.place(call).Ptr()
			}
			continue
		}
		if _, isFunction := stmt.Cmd.(*syntax.FuncDecl); !isFunction && (!is || len(call.Args) > 0) {
			early = false
		}
	}
	return false, nil
}

// stopsAtErrors reads the words of set: -e, -eu, -o errexit.
func stopsAtErrors(words []*syntax.Word) bool {
	for i, word := range words {
		text := word.Lit()
		if text == "--" {
			return false
		}
		if text == "-o" && i+1 < len(words) && words[i+1].Lit() == "errexit" {
			return true
		}
		if strings.HasPrefix(text, "-") && strings.Contains(text, "e") {
			return true
		}
	}
	return false
}

// Becomes reports whether the last command replaces the shell, so that signals
// arrive at it, and where that command is. A command in a branch counts when
// every branch ends so.
func (s *Script) Becomes() (exec, background bool, at hcl.Range) {
	if s.file == nil || len(s.file.Stmts) == 0 {
		return false, false, s.lineRange(1)
	}
	last := s.file.Stmts[len(s.file.Stmts)-1]
	return becomes(last), last.Background, s.place(last)
}

func becomes(stmt *syntax.Stmt) bool {
	lastOf := func(list []*syntax.Stmt) bool { return len(list) > 0 && becomes(list[len(list)-1]) }
	if stmt.Background {
		return false
	}
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		return len(cmd.Args) > 1 && cmd.Args[0].Lit() == "exec"
	case *syntax.BinaryCmd:
		return cmd.Op == syntax.AndStmt && becomes(cmd.Y)
	case *syntax.Block:
		return lastOf(cmd.Stmts)
	case *syntax.IfClause:
		complete := false
		for c := cmd; c != nil; c = c.Else {
			if !lastOf(c.Then) {
				return false
			}
			complete = len(c.Cond) == 0
		}
		return complete
	case *syntax.CaseClause:
		return len(cmd.Items) > 0 && !slices.ContainsFunc(cmd.Items, func(i *syntax.CaseItem) bool { return !lastOf(i.Stmts) })
	}
	return false
}

// ExecPlace is where exec has to be written so that the script becomes its last
// command. false where that is no program that is called by its name: a function, a
// builtin, several commands, or a name that is only known when the script runs.
func (s *Script) ExecPlace() (offset int, ok bool) {
	if s.file == nil || len(s.file.Stmts) == 0 {
		return 0, false
	}
	last := s.file.Stmts[len(s.file.Stmts)-1]
	call, is := last.Cmd.(*syntax.CallExpr)
	if !is || last.Background || last.Negated || last.Coprocess || len(call.Args) == 0 {
		return 0, false
	}
	name := call.Args[0].Lit()
	if name == "" || !Program(name) || s.declares(name) {
		return 0, false
	}
	return int(call.Args[0].Pos().Offset()), true
}

// builtins are commands that a shell does itself, and programs that say something
// else under exec.
var builtins = []string{
	".", ":", "[", "alias", "bg", "break", "builtin", "cd", "command", "continue", "declare", "echo", "eval", "exec", "exit", "export",
	"false", "fc", "fg", "getopts", "hash", "help", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return", "set", "shift",
	"source", "test", "time", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
}

// Program reports names that a shell has no command of its own for.
func Program(name string) bool { return !slices.Contains(builtins, name) }

// declares reports whether a script has a function of a name.
func (s *Script) declares(name string) bool {
	found := false
	syntax.Walk(s.file, func(n syntax.Node) bool {
		f, is := n.(*syntax.FuncDecl)
		found = found || is && f.Name.Value == name
		return !found
	})
	return found
}

// Traps reports a script that sets a trap: it has to be there when its last command
// ends.
func (s *Script) Traps() bool { return s.mentionsCall("trap") }

// ToleratesErrors reports a script that says somewhere that it goes on after errors.
func (s *Script) ToleratesErrors() bool {
	found := false
	s.eachCall(func(c *syntax.CallExpr) {
		if len(c.Args) > 1 && c.Args[0].Lit() == "set" {
			for _, word := range c.Args[1:] {
				text := word.Lit()
				found = found || strings.HasPrefix(text, "+") && strings.Contains(text, "e") || text == "+o"
			}
		}
	})
	return found
}

func (s *Script) mentionsCall(name string) bool {
	found := false
	s.eachCall(func(c *syntax.CallExpr) { found = found || len(c.Args) > 0 && c.Args[0].Lit() == name })
	return found
}

// eachCall visits all commands, those of functions too.
func (s *Script) eachCall(visit func(*syntax.CallExpr)) {
	if s.file == nil {
		return
	}
	syntax.Walk(s.file, func(n syntax.Node) bool {
		if c, is := n.(*syntax.CallExpr); is {
			visit(c)
		}
		return true
	})
}

// PlainWords are the words of one command that a shell would take as they stand:
// nothing is quoted, expanded, redirected or joined. nil for anything else.
func PlainWords(text string) []string {
	s, problem := Parse("", []byte(text))
	if problem != nil || len(s.file.Stmts) != 1 {
		return nil
	}
	stmt := s.file.Stmts[0]
	call, is := stmt.Cmd.(*syntax.CallExpr)
	if !is || stmt.Background || stmt.Negated || len(stmt.Redirs) > 0 || len(call.Assigns) > 0 || len(stmt.Comments) > 0 || len(s.file.Last) > 0 {
		return nil
	}
	var words []string
	for _, w := range call.Args {
		text := w.Lit()
		if text == "" || strings.ContainsAny(text, `*?[]{}~\`) {
			return nil
		}
		words = append(words, text)
	}
	return words
}
