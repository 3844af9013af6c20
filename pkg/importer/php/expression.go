package php

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Bounds of what is evaluated.
const (
	maxNesting = 60      // expressions in one another
	maxText    = 1 << 14 // bytes of a text
)

// terminators end an expression.
var terminators = []string{",", ";", ")", "]", "}", "{", "=>"}

// expression evaluates up to a comma, a closing bracket or the end of the
// statement.
func (p *php) expression() value {
	from := p.peek(0).from
	if p.depth++; p.depth > maxNesting {
		p.depth--
		p.at++
		return value{why: "It is nested too deeply.", at: p.span(from)}
	}
	defer func() { p.depth-- }()
	v := p.operand()
	for {
		t := p.peek(0)
		switch {
		case t.kind == phpSign && t.text == "=" && (v.slots || v.slot != nil):
			p.at++
			v = p.store(v, p.expression(), from)
		case t.kind == phpSign && t.text == ".":
			p.at++
			v = concat(v, p.operand())
		case t.kind != phpSign || slices.Contains(terminators, t.text):
			v.at = p.span(from)
			return v
		default:
			p.at++
			p.expression()
			v = value{why: fmt.Sprintf("It is computed with %s.", t.text)}
		}
	}
}

// concat joins two texts. What is not known stays a hole in the text, with the
// reason.
func concat(a, b value) value {
	known := func(v value) bool { return v.isText || v.why != "" }
	if !known(a) || !known(b) || len(a.text)+len(b.text) > maxText {
		return value{why: "It is no text."}
	}
	fixed := func(v value) bool { return v.why == "" || v.open }
	return value{
		text: a.holed() + b.holed(), isText: true, why: cmp.Or(a.why, b.why), usual: cmp.Or(a.usual, b.usual),
		open: fixed(a) && fixed(b),
	}
}

// operand is a primary expression and the calls on it.
func (p *php) operand() value {
	t := p.peek(0)
	from := t.from
	v := value{why: "It is more than a text, a list, a constant or a variable."}
	switch {
	case t.kind == phpString:
		p.at++
		v = p.string(t)
	case t.kind == phpNumber:
		p.at++
		v = value{text: t.text, isText: true}
	case t.kind == phpVariable && p.peek(1).text == "=" && p.peek(1).kind == phpSign:
		p.at += 2
		v = p.expression()
		p.vars[t.text] = v
	case t.kind == phpVariable:
		p.at++
		v = p.variable(t)
	case t.kind == phpName && strings.EqualFold(t.text, "new"):
		p.at++
		v = p.make(from)
	case t.kind == phpName && strings.EqualFold(t.text, "array") && p.peek(1).text == "(":
		p.at += 2
		v = p.list(")")
	case t.kind == phpName:
		p.at++
		v = p.name(t)
	case p.accept("["):
		v = p.list("]")
	case p.accept("("):
		v = p.expression()
		p.accept(")")
	case t.kind == phpSign && !slices.Contains(terminators, t.text):
		p.at++ // a prefix: !, -, &, @, ...
		v = p.operand2()
	}
	v.at = p.span(from)
	return p.calls(v, from)
}

// operand2 is what a prefix is in front of.
func (p *php) operand2() value {
	if p.depth++; p.depth > maxNesting {
		p.depth--
		return value{why: "It is nested too deeply."}
	}
	defer func() { p.depth-- }()
	p.operand()
	return value{why: "It is computed."}
}

func (p *php) string(t token) value {
	if t.parts == nil {
		return value{text: t.text, isText: true}
	}
	v := value{isText: true}
	for _, piece := range t.parts {
		switch {
		case piece.bad:
			return value{why: "It is text with more than variables in it."}
		case piece.property:
			v = concat(v, p.propertyOf(piece.text))
		case piece.variable:
			v = concat(v, p.variable(token{text: piece.text, from: t.from, to: t.to}))
		default:
			v = concat(v, value{text: piece.text, isText: true})
		}
	}
	return v
}

func (p *php) variable(t token) value {
	if t.text == "this" {
		return p.member(t)
	}
	v, known := p.vars[t.text]
	if !known {
		return value{why: fmt.Sprintf("$%s is not set here.", t.text)}
	}
	return v
}

// member is $this, one of its properties, or its list of runtimes.
func (p *php) member(t token) value {
	name := p.peek(1).text
	switch {
	case p.peek(0).text != "->" || p.peek(1).kind != phpName || p.peek(2).text == "(":
		return value{why: "$this is no Runtime.", this: true}
	case name == "runtimes":
		p.at += 2
		v := value{slots: true}
		if p.accept("[") {
			from := p.peek(0).from
			key := fact.Text{}
			if p.peek(0).text != "]" || p.peek(0).kind != phpSign {
				k := p.expression()
				key = fact.Text{Value: k.text, Range: p.span(from)}
			}
			p.accept("]")
			v = value{slot: &key}
		}
		return v
	}
	p.at += 2
	if p.accept("=") {
		p.properties[name] = p.expression()
	}
	v := p.propertyOf(name)
	v.at = p.src.Span(t.from, t.to)
	return v
}

func (p *php) propertyOf(name string) value {
	if v, known := p.properties[name]; known {
		return v
	}
	return value{why: fmt.Sprintf("$this->%s is not set in this file.", name), open: true}
}

// name is a constant, or a call of a function.
func (p *php) name(t token) value {
	class, name := "", t.text
	if p.accept("::") {
		class, name = t.text, p.peek(0).text
		p.at++
	}
	if p.accept("(") {
		args := p.arguments()
		// Folders: what follows is what counts.
		if slices.Contains([]string{"realpath", "dirname"}, name) && len(args) == 1 {
			return value{why: fmt.Sprintf("It is the result of %s().", name), text: fact.Hole}
		}
		return value{why: fmt.Sprintf("It is the result of %s().", name)}
	}
	if b := strings.ToLower(name); class == "" && (b == "true" || b == "false") {
		return value{text: b, isBool: true}
	}
	if v, known := p.constants[name]; known &&
		(class == "" || slices.Contains([]string{"self", "static"}, strings.ToLower(class)) || !isSystem(class)) {
		return v
	}
	if isSystem(class) {
		return value{text: name, isText: true}
	}
	if class != "" {
		name = class + "::" + name
	}
	return value{why: fmt.Sprintf("The constant %s is not defined in this file.", name)}
}

func isSystem(class string) bool { return class == "System" || strings.HasSuffix(class, `\System`) }

func (p *php) list(end string) value {
	v := value{isList: true}
	for p.peek(0).kind != phpEnd && !p.accept(end) {
		before := p.at
		spread := p.accept("...")
		e := entry{value: p.expression()}
		if p.accept("=>") {
			e.key = &fact.Text{Value: e.value.text, Range: e.value.at}
			e.value = p.expression()
		}
		if spread && e.value.isList {
			v.list = append(v.list, e.value.list...)
		} else {
			v.list = append(v.list, e)
		}
		if !p.accept(",") && p.at == before {
			p.at++
		}
	}
	if slices.ContainsFunc(v.list, func(e entry) bool { return e.key != nil }) {
		p.tables = append(p.tables, v)
	}
	return v
}
