package script

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Both ways of a branch are read, but those of a function or a script that is called with
// words, and asks for nothing else: then it is known which way it goes.

// decided is the branch of a case of what a function or a script is called with; false
// where nobody knows which.
func (e *evaluator) decided(st *state, cmd *syntax.CaseClause) ([]*syntax.Stmt, bool) {
	if !st.called || st.open {
		return nil, false
	}
	v := e.value(st, cmd.Word)
	if v.why != "" || !v.given {
		return nil, false
	}
	body, known := matching(cmd.Items, v.Str)
	if !known {
		return nil, false
	}
	for _, item := range cmd.Items {
		if len(item.Stmts) > 0 {
			e.way(st, item.Stmts, len(body) > 0 && body[0] == item.Stmts[0])
		}
	}
	return body, true
}

// decides evaluates a condition that asks for what a function or a script is called with,
// and for nothing else; known is false for others.
func (e *evaluator) decides(st *state, s *syntax.Stmt) (holds, known bool) {
	if !st.called || st.open {
		return false, false
	}
	var op string
	var words []*syntax.Word
	switch cmd := s.Cmd.(type) {
	case *syntax.CallExpr:
		op, words = bracket(cmd)
	case *syntax.TestClause:
		op, words = doubleBracket(cmd.X)
	}
	if len(words) == 0 {
		return false, false
	}
	texts, given := make([]string, 0, len(words)), false
	for _, w := range words {
		v := e.value(st, w)
		if v.why != "" {
			return false, false
		}
		texts, given = append(texts, v.Str), given || v.given
	}
	holds, known = compared(op, texts)
	return holds != s.Negated, known && given
}

// bracket is the operator and the words of [ ] or test.
func bracket(cmd *syntax.CallExpr) (op string, words []*syntax.Word) {
	if len(cmd.Args) == 0 {
		return "", nil
	}
	words = cmd.Args[1:]
	switch name := cmd.Args[0].Lit(); {
	case name == "[" && len(words) > 0 && words[len(words)-1].Lit() == "]":
		words = words[:len(words)-1]
	case name != "test":
		return "", nil
	}
	switch len(words) {
	case 1:
		return "-n", words
	case 2:
		return words[0].Lit(), words[1:]
	case 3:
		return words[1].Lit(), []*syntax.Word{words[0], words[2]}
	}
	return "", nil
}

// doubleBracket is the same of [[ ]]. What may be a pattern is none of it.
func doubleBracket(x syntax.TestExpr) (op string, words []*syntax.Word) {
	switch x := x.(type) {
	case *syntax.Word:
		return "-n", []*syntax.Word{x}
	case *syntax.UnaryTest:
		if w, is := x.X.(*syntax.Word); is {
			return x.Op.String(), []*syntax.Word{w}
		}
	case *syntax.BinaryTest:
		left, one := x.X.(*syntax.Word)
		right, two := x.Y.(*syntax.Word)
		if one && two {
			if text, plain := constant(right); plain && !special.MatchString(text) {
				return x.Op.String(), []*syntax.Word{left, right}
			}
		}
	}
	return "", nil
}

// compared is what an operator of test says of texts.
func compared(op string, texts []string) (holds, known bool) {
	if len(texts) == 1 {
		return (texts[0] == "") == (op == "-z"), op == "-z" || op == "-n"
	}
	switch op {
	case "=", "==":
		return texts[0] == texts[1], true
	case "!=":
		return texts[0] != texts[1], true
	}
	a, err := strconv.Atoi(texts[0])
	b, other := strconv.Atoi(texts[1])
	if err != nil || other != nil {
		return false, false
	}
	results := map[string]bool{"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}
	holds, known = results[op]
	return holds, known
}

// way notes a way through a branch that is taken, or is not.
func (e *evaluator) way(st *state, body []*syntax.Stmt, taken bool) {
	if len(body) == 0 {
		return
	}
	at := st.src.Span(offset(body[0].Pos()), offset(body[len(body)-1].End()))
	if taken || !e.ways[at] {
		e.ways[at] = taken
	}
}

// reportWays tells of ways that do something with images, and that no call takes.
func (e *evaluator) reportWays() {
	var places []hcl.Range
	for at, taken := range e.ways {
		if !taken && fact.Mentions(e.source(at)) {
			places = append(places, at)
		}
	}
	slices.SortFunc(places, func(a, b hcl.Range) int {
		if a.Filename != b.Filename {
			return strings.Compare(a.Filename, b.Filename)
		}
		return a.Start.Byte - b.Start.Byte
	})
	for _, at := range places {
		e.Warn(fact.RuleUnreachable, at, "No call takes this way", "What it does with images is not imported.")
	}
}

// running is a script that is being read, and what it was called with.
type running struct {
	name   string
	args   []variable
	called bool
}

// maxAgain is how deep a script may call itself.
const maxAgain = 4

// again reports a script that calls itself, and whether that is read: with the words that
// it was called with it would not end, so that it does not come this way.
func (e *evaluator) again(i *invocation, name string, args []variable) (is, read bool) {
	times := 0
	for _, r := range e.running {
		if r.name != name {
			continue
		}
		times++
		if r.called && slices.EqualFunc(r.args, args, sameVariable) {
			e.Note(fact.Note{
				Range: i.at, Kind: fact.LeftOut,
				Text: name + " calls itself with the words that it is called with: it does not come this way",
			})
			return true, false
		}
	}
	if times > maxAgain {
		e.notUnderstood(i, "A script calls itself too deeply.")
		return true, false
	}
	return times > 0, true
}

// within reads what a script does that calls itself. What it says of its own words is
// known there, and is nothing that the first reading has to say.
func (e *evaluator) within(read func()) {
	events, told := len(e.script.Events), len(e.Diagnostics)
	read()
	for _, event := range e.script.Events[events:] {
		e.inner[event.Range] = append(e.inner[event.Range], event)
	}
	for _, d := range e.Diagnostics[told:] {
		e.told[d] = true
	}
}

// withoutFirst leaves out what was read of a script before it called itself, and was read
// again with the words that it calls itself with.
func (e *evaluator) withoutFirst() {
	open := map[hcl.Range]bool{}
	kept := e.Diagnostics[:0:0]
	for _, d := range e.Diagnostics {
		at, is := e.innerAround(*d.Subject)
		if is && !e.told[d] && (strings.HasSuffix(d.Detail, calledWith) || d.Summary == leftOutBuild) {
			open[at] = true
			continue
		}
		kept = append(kept, d)
	}
	e.Diagnostics = kept
	e.script.Events = slices.DeleteFunc(e.script.Events, func(event fact.Event) bool {
		return slices.ContainsFunc(e.inner[event.Range], func(o fact.Event) bool {
			return !e.isInner(event) && (open[event.Range] || sameEvent(event, o))
		})
	})
}

func (e *evaluator) isInner(event fact.Event) bool {
	return slices.ContainsFunc(e.inner[event.Range], func(o fact.Event) bool {
		return event.Build == o.Build && event.Push == o.Push && event.Target == o.Target
	})
}

// innerAround is the command of a script that has called itself in which a place is.
func (e *evaluator) innerAround(at hcl.Range) (around hcl.Range, is bool) {
	for r := range e.inner { // the smallest: commands may be in one another
		if r.Filename == at.Filename && r.Start.Byte <= at.Start.Byte && at.End.Byte <= r.End.Byte &&
			(!is || r.End.Byte-r.Start.Byte < around.End.Byte-around.Start.Byte) {
			around, is = r, true
		}
	}
	return around, is
}

// sameEvent reports commands that do the same, by the names that they give.
func sameEvent(a, b fact.Event) bool {
	names := func(e fact.Event) []string {
		var all []string
		for _, t := range []*fact.Text{e.Push, e.Target} {
			if t != nil {
				all = append(all, t.Value)
			}
		}
		if e.Build != nil {
			for _, t := range e.Build.Tags {
				all = append(all, t.Value)
			}
		}
		return all
	}
	return slices.Equal(names(a), names(b))
}
