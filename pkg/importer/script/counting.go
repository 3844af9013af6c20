package script

import (
	"fmt"
	"strconv"

	"mvdan.cc/sh/v3/syntax"
)

// maxCounted is how far a loop counts that builds images.
const maxCounted = 1_000

// counting evaluates for ((i = 1; i <= 3; i++)): a number that goes from one to another,
// a step at a time. Of others the variable is not known.
func (e *evaluator) counting(st *state, loop *syntax.CStyleLoop, body []*syntax.Stmt) {
	name, from, to, ok := counted(loop)
	if !ok {
		if name != "" {
			st.set(name, lost(fmt.Sprintf("%s is counted in a way that is not evaluated.", name)))
		}
		e.loop(st, body)
		return
	}
	for i := from; i <= to; i++ {
		if e.tired() {
			return
		}
		st.set(name, text(strconv.Itoa(i)))
		e.stmts(st, body)
		switch st.flow {
		case flowBreak:
			st.flow = flowOn
			return
		case flowContinue:
			st.flow = flowOn
		case flowReturn, flowExit:
			return
		}
	}
	st.set(name, text(strconv.Itoa(to+1)))
}

// counted takes a loop apart; the name is there even if the rest is not understood.
func counted(loop *syntax.CStyleLoop) (name string, from, to int, ok bool) {
	init, is := loop.Init.(*syntax.BinaryArithm)
	if !is || init.Op != syntax.Assgn {
		return "", 0, 0, false
	}
	name = literalOf(init.X)
	cond, isCond := loop.Cond.(*syntax.BinaryArithm)
	post, isPost := loop.Post.(*syntax.UnaryArithm)
	if !isCond || !isPost || post.Op != syntax.Inc || literalOf(post.X) != name || literalOf(cond.X) != name {
		return name, 0, 0, false
	}
	from, err := strconv.Atoi(literalOf(init.Y))
	to, other := strconv.Atoi(literalOf(cond.Y))
	if err != nil || other != nil {
		return name, 0, 0, false
	}
	if cond.Op == syntax.Lss {
		to--
	}
	ok = (cond.Op == syntax.Lss || cond.Op == syntax.Leq) && to < from+maxCounted
	return name, from, to, ok
}

// literalOf is a word of an arithmetic expression that is as it is written; "" for none.
func literalOf(x syntax.ArithmExpr) string {
	if w, is := x.(*syntax.Word); is {
		return w.Lit()
	}
	return ""
}
