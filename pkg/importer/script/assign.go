package script

import (
	"fmt"
	"slices"
	"strconv"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// declare is export, local, declare and readonly.
func (e *evaluator) declare(st *state, cmd *syntax.DeclClause) {
	table := slices.ContainsFunc(cmd.Args,
		func(a *syntax.Assign) bool { return a.Name == nil && a.Value != nil && a.Value.Lit() == "-A" })
	for _, a := range cmd.Args {
		if a.Name == nil {
			continue // an option
		}
		local := cmd.Variant.Value != "export" && cmd.Variant.Value != "readonly"
		if local && st.locals != nil {
			if _, done := st.locals[a.Name.Value]; !done {
				before := st.vars[a.Name.Value]
				st.locals[a.Name.Value] = &before
			}
		}
		switch {
		case table && (a.Naked || a.Array != nil && len(a.Array.Elems) == 0):
			st.set(a.Name.Value,
				variable{Variable: expand.Variable{Set: true, Kind: expand.Associative, Map: map[string]string{}}})
		case !a.Naked:
			e.assign(st, a)
		}
		if v, set := st.vars[a.Name.Value]; set && cmd.Variant.Value == "export" {
			v.Exported = true
			st.vars[a.Name.Value] = v
		}
	}
}

func (e *evaluator) assign(st *state, a *syntax.Assign) {
	name := a.Name.Value
	before := st.vars[name]
	at := fmt.Sprintf("%s:%d", st.src.Name, st.src.Position(offset(a.Pos())).Line)
	var v variable
	switch {
	case a.Array != nil:
		v = e.array(st, a.Array, before, a.Append)
	case a.Index != nil:
		v = e.element(st, a, before)
	default:
		v = e.value(st, a.Value)
		if a.Append {
			v = appended(before, v)
		}
	}
	if v.why != "" {
		v = lost(fmt.Sprintf("%s is set at %s, and not known: %s", name, at, lower(v.why)))
	}
	v.Exported = before.Exported
	st.set(name, v)
}

func appended(before, v variable) variable {
	switch {
	case before.why != "":
		return before
	case v.why != "" || !before.Set:
		return v
	case before.Kind != expand.String:
		return lost("It adds text to a list.")
	case len(before.Str)+len(v.Str) > maxValue:
		return lost("It becomes too long.")
	}
	return text(before.Str + v.Str)
}

func (e *evaluator) array(st *state, array *syntax.ArrayExpr, before variable, add bool) variable {
	v := variable{Variable: expand.Variable{Set: true, Kind: expand.Indexed}}
	if add {
		if before.why != "" || before.Set && before.Kind != expand.Indexed {
			return lost("It is added to something unknown.")
		}
		v.List = slices.Clone(before.List)
	}
	for _, el := range array.Elems {
		if el.Index != nil {
			return e.table(st, array)
		}
		for _, w := range e.fields(st, []*syntax.Word{el.Value}) {
			if w.why != "" {
				return lost(w.why)
			}
			v.List = append(v.List, w.text)
		}
	}
	if len(v.List) > maxFields {
		return lost("It becomes too long.")
	}
	return v
}

// table is an array whose elements have keys.
func (e *evaluator) table(st *state, array *syntax.ArrayExpr) variable {
	v := variable{Variable: expand.Variable{Set: true, Kind: expand.Associative, Map: map[string]string{}}}
	for _, el := range array.Elems {
		key, ok := el.Index.(*syntax.Word)
		if !ok {
			return lost("Its keys are not understood.")
		}
		k, value := e.value(st, key), e.value(st, el.Value)
		if k.why != "" || value.why != "" {
			return lost(k.why + value.why)
		}
		v.Map[k.Str] = value.Str
	}
	return v
}

// element is name[key]=value.
func (e *evaluator) element(st *state, a *syntax.Assign, before variable) variable {
	key, ok := a.Index.(*syntax.Word)
	if !ok || before.why != "" {
		return lost("Its keys are not understood.")
	}
	k, value := e.value(st, key), e.value(st, a.Value)
	if k.why != "" || value.why != "" {
		return lost(k.why + value.why)
	}
	if before.Kind == expand.Associative {
		m := map[string]string{k.Str: value.Str}
		for old, s := range before.Map {
			if old != k.Str {
				m[old] = s
			}
		}
		return variable{Variable: expand.Variable{Set: true, Kind: expand.Associative, Map: m}}
	}
	if n, err := strconv.Atoi(k.Str); err == nil && n == len(before.List) &&
		(before.Kind == expand.Indexed || !before.Set) {
		return variable{Variable: expand.Variable{
			Set: true, Kind: expand.Indexed,
			List: append(slices.Clone(before.List), value.Str),
		}}
	}
	return lost("Its keys are not understood.")
}
