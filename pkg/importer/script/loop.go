package script

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// loop evaluates the body of a loop of which it is not known how often it runs:
// once, with what it changes unknown.
func (e *evaluator) loop(st *state, body []*syntax.Stmt) {
	for _, s := range body {
		e.forget(st, s, "changes in a loop.")
	}
	once := st.clone()
	once.open = true
	e.stmts(once, body)
	if once.flow != flowExit {
		once.flow = flowOn
	}
	once.open = st.open
	st.merge([]*state{once, st.clone()}, "changes in a loop.")
}

// forget makes every variable unknown that a piece of script assigns. What is assigned
// in front of a command, as IFS in front of read, holds for that command only.
func (e *evaluator) forget(st *state, node syntax.Node, why string) {
	lose := func(name string) { st.set(name, lost(name+" "+why)) }
	passing := map[*syntax.Assign]bool{}
	syntax.Walk(node, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			for _, a := range n.Assigns {
				passing[a] = len(n.Args) > 0
			}
		case *syntax.Assign:
			if n.Name != nil && !passing[n] {
				lose(n.Name.Value)
			}
		case *syntax.BinaryArithm:
			if w, ok := n.X.(*syntax.Word); ok && strings.HasSuffix(n.Op.String(), "=") {
				lose(w.Lit())
			}
		case *syntax.UnaryArithm:
			if w, ok := n.X.(*syntax.Word); ok && (n.Op == syntax.Inc || n.Op == syntax.Dec) {
				lose(w.Lit())
			}
		}
		return true
	})
}

// lower starts a sentence with a small letter, to stand within another.
func lower(s string) string {
	if s == "" || len(s) > 1 && strings.ToUpper(s[1:2]) == s[1:2] && s[1] != ' ' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
