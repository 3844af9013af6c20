package shell

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"
)

// Word is one word of a command.
type Word struct {
	Text string // expanded as far as it is known; the rest as written
	// Known says that nothing of it depends on what happens when it runs.
	Known bool
}

// Call is a command that a script starts, with the redirections of its output
// to files.
type Call struct {
	Words      []Word
	Writes     []Word
	Background bool // ends with &
	Range      hcl.Range
}

// Name is the command without its folder.
func (c *Call) Name() string {
	if len(c.Words) == 0 {
		return ""
	}
	return c.Words[0].Text[strings.LastIndexByte(c.Words[0].Text, '/')+1:]
}

// Args are the words after the command.
func (c *Call) Args() []Word {
	if len(c.Words) == 0 {
		return nil
	}
	return c.Words[1:]
}

// What loops in loops are unrolled to is bounded, in calls and in commands.
const (
	maxCalls = 10_000
	maxSteps = 100_000
)

// Calls lists the commands in the order in which they stand, those of all
// branches: a loop over words that are written out is one round for each word.
// env gives the variables that are set before it starts.
func (s *Script) Calls(env func(string) (string, bool)) []Call {
	if s.file == nil {
		return nil
	}
	w := &walker{script: s, env: env, set: map[string]Word{}}
	w.stmts(s.file.Stmts)
	return w.calls
}

// Words lists every word of the script, expanded as far as it is known, those
// of assignments, conditions and redirections included.
func (s *Script) Words() []Word {
	if s.file == nil {
		return nil
	}
	w := &walker{script: s, env: func(string) (string, bool) { return "", false }, set: map[string]Word{}}
	w.stmts(s.file.Stmts)
	var words []Word
	syntax.Walk(s.file, func(n syntax.Node) bool {
		if word, is := n.(*syntax.Word); is {
			words = append(words, w.word(word))
		}
		return true
	})
	return words
}

// Uses reports whether the script expands a variable.
func (s *Script) Uses(variable string) bool {
	if s.file == nil {
		return false
	}
	found := false
	syntax.Walk(s.file, func(n syntax.Node) bool {
		if p, is := n.(*syntax.ParamExp); is && p.Param != nil && p.Param.Value == variable {
			found = true
		}
		return !found
	})
	return found
}

// walker follows a script without running it.
type walker struct {
	script *Script
	env    func(string) (string, bool)
	set    map[string]Word
	calls  []Call
	steps  int
}

func (w *walker) stmts(list []*syntax.Stmt) {
	for _, stmt := range list {
		w.stmt(stmt)
	}
}

func (w *walker) stmt(stmt *syntax.Stmt) {
	w.steps++
	if stmt == nil || len(w.calls) >= maxCalls || w.steps > maxSteps {
		return
	}
	before := len(w.calls)
	w.command(stmt.Cmd)
	var writes []Word
	for _, r := range stmt.Redirs {
		if slices.Contains([]syntax.RedirOperator{syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll}, r.Op) && r.Word != nil {
			writes = append(writes, w.word(r.Word))
		}
	}
	if len(w.calls) == before && len(writes) > 0 {
		w.calls = append(w.calls, Call{Range: w.script.place(stmt)})
	}
	for i := before; i < len(w.calls); i++ {
		w.calls[i].Writes = append(w.calls[i].Writes, writes...)
		w.calls[i].Background = w.calls[i].Background || stmt.Background
	}
}

func (w *walker) command(cmd syntax.Command) {
	switch cmd := cmd.(type) {
	case *syntax.CallExpr:
		w.call(cmd)
	case *syntax.DeclClause:
		w.assign(cmd.Args)
	case *syntax.BinaryCmd:
		w.stmt(cmd.X)
		w.stmt(cmd.Y)
	case *syntax.Block:
		w.stmts(cmd.Stmts)
	case *syntax.Subshell:
		w.stmts(cmd.Stmts)
	case *syntax.IfClause:
		for ; cmd != nil; cmd = cmd.Else {
			w.stmts(cmd.Cond)
			w.stmts(cmd.Then)
		}
	case *syntax.WhileClause:
		w.stmts(cmd.Cond)
		w.stmts(cmd.Do)
	case *syntax.ForClause:
		w.loop(cmd)
	case *syntax.CaseClause:
		for _, item := range cmd.Items {
			w.stmts(item.Stmts)
		}
	case *syntax.FuncDecl:
		w.stmt(cmd.Body)
	case *syntax.TimeClause:
		w.stmt(cmd.Stmt)
	}
}

// loop goes round once for each word of a for, or once when there are none.
func (w *walker) loop(cmd *syntax.ForClause) {
	iter, is := cmd.Loop.(*syntax.WordIter)
	if !is || iter.Name == nil || len(iter.Items) == 0 {
		w.stmts(cmd.Do)
		return
	}
	for _, item := range iter.Items {
		if len(w.calls) >= maxCalls || w.steps > maxSteps {
			return
		}
		w.set[iter.Name.Value] = w.word(item)
		w.stmts(cmd.Do)
	}
}

func (w *walker) call(cmd *syntax.CallExpr) {
	if len(cmd.Args) == 0 {
		w.assign(cmd.Assigns)
		return
	}
	call := Call{Range: w.script.place(cmd)}
	for _, word := range cmd.Args {
		call.Words = append(call.Words, w.word(word))
	}
	w.calls = append(w.calls, call)
}

func (w *walker) assign(assigns []*syntax.Assign) {
	for _, a := range assigns {
		if a.Name == nil || a.Append || a.Index != nil || a.Array != nil || a.Naked {
			continue
		}
		value := Word{Known: true}
		if a.Value != nil {
			value = w.word(a.Value)
		}
		w.set[a.Name.Value] = value
	}
}

// word expands what is known of a word.
func (w *walker) word(word *syntax.Word) Word {
	out := Word{Known: true}
	var b strings.Builder
	for _, part := range word.Parts {
		w.part(&b, part, &out.Known)
	}
	out.Text = b.String()
	return out
}

func (w *walker) part(b *strings.Builder, part syntax.WordPart, known *bool) {
	switch part := part.(type) {
	case *syntax.Lit:
		b.WriteString(unescape(part.Value))
	case *syntax.SglQuoted:
		b.WriteString(part.Value)
	case *syntax.DblQuoted:
		for _, p := range part.Parts {
			w.part(b, p, known)
		}
	case *syntax.ParamExp:
		w.param(b, part, known)
	default:
		*known = false
	}
}

func (w *walker) param(b *strings.Builder, p *syntax.ParamExp, known *bool) {
	name := ""
	if p.Param != nil {
		name = p.Param.Value
	}
	value, found := w.set[name]
	if !found {
		if text, is := w.env(name); is {
			value, found = Word{text, true}, true
		}
	}
	plain := !p.Excl && !p.Length && p.Index == nil && p.Slice == nil && p.Repl == nil && p.Names == 0
	switch {
	case plain && found && (p.Exp == nil || value.Text != ""):
		b.WriteString(value.Text)
		*known = *known && value.Known && (p.Exp == nil || isDefault(p.Exp.Op))
	case plain && p.Exp != nil && isDefault(p.Exp.Op) && p.Exp.Word != nil:
		b.WriteString(w.word(p.Exp.Word).Text)
		*known = false
	default:
		b.WriteString("$" + name)
		*known = false
	}
}

func isDefault(op syntax.ParExpOperator) bool {
	return op == syntax.DefaultUnset || op == syntax.DefaultUnsetOrNull || op == syntax.ErrorUnset || op == syntax.ErrorUnsetOrNull
}

// unescape takes the backslashes out of text without quotes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
