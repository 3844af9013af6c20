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
