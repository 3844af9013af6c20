package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// registry is what a registry class says of runtimes.
type registry struct {
	Name     string // of the file
	Runtimes []*registered
}

// registered is one runtime of a registry class.
type registered struct {
	Key, Name excerpt
	Slots     []excerpt // the keys under which it is put in the list
	Versions  []*registeredVersion
}

// registeredVersion is one addVersion.
type registeredVersion struct {
	Runtime   *registered
	Version   excerpt
	Build     excerpt // image
	Run       excerpt // image
	Platforms []excerpt
	Range     hcl.Range
}

// versions lists all versions.
func (r *registry) versions() []*registeredVersion {
	if r == nil {
		return nil
	}
	var all []*registeredVersion
	for _, rt := range r.Runtimes {
		all = append(all, rt.Versions...)
	}
	return all
}

// readRegistry reads what a registry class adds to its list. It is no PHP: it
// knows new Runtime, addVersion, lists, strings, constants and variables, and
// lists calls of addVersion that have anything else in them.
func readRegistry(src *source, f *findings) *registry {
	p := &php{
		findings: f, src: src, tokens: phpTokens(string(src.text)), registry: &registry{Name: src.name},
		vars: map[string]value{}, constants: map[string]value{},
	}
	for p.at < len(p.tokens) {
		before := p.at
		p.statement()
		p.at = max(p.at, before+1)
	}
	if len(p.registry.Runtimes) == 0 {
		f.fail(RuleNotUnderstood, start(src.name), "No runtimes found in the registry class", "It has no new Runtime('key', 'Name') that is understood.")
	}
	for _, rt := range p.registry.Runtimes {
		if len(rt.Slots) == 0 {
			f.warn(RuleRegisteredKey, rt.Key.Range, fmt.Sprintf("Runtime %q is never put in the list", rt.Key.Value), fmt.Sprintf("There is no $this->runtimes['%s'] = … for it: nobody is given it.", rt.Key.Value))
		}
		for _, s := range rt.Slots {
			if s.Value != rt.Key.Value {
				f.warn(RuleRegisteredKey, s.Range, fmt.Sprintf("Runtime %q is in the list as %q", rt.Key.Value, s.Value), fmt.Sprintf("It is made at %s. The definition has the key %q.", place(rt.Key.Range), rt.Key.Value), rt.Key.Range)
			}
		}
	}
	return p.registry
}

// value is what an expression comes to. why is empty, or says why it is not
// known.
type value struct {
	text    string
	isText  bool
	list    []entry
	isList  bool
	runtime *registered
	slots   bool // $this->runtimes
	slot    *excerpt
	why     string
	at      hcl.Range
}

// entry is one element of a list.
type entry struct {
	key   *excerpt
	value value
}

// php walks through the tokens of a class.
type php struct {
	*findings
	src       *source
	tokens    []token
	at        int
	depth     int
	registry  *registry
	vars      map[string]value
	constants map[string]value
}

func (p *php) peek(ahead int) token {
	if p.at+ahead < len(p.tokens) {
		return p.tokens[p.at+ahead]
	}
	return token{from: len(p.src.text), to: len(p.src.text)}
}

// accept takes a sign if it is next.
func (p *php) accept(sign string) bool {
	t := p.peek(0)
	if t.kind != phpSign || t.text != sign {
		return false
	}
	p.at++
	return true
}

func (p *php) span(from int) hcl.Range {
	to := from
	if p.at > 0 && p.at <= len(p.tokens) {
		to = p.tokens[p.at-1].to
	}
	return p.src.span(from, max(from, to))
}

// statement looks at one token that may start something, and passes others.
func (p *php) statement() {
	t := p.peek(0)
	switch {
	case t.kind == phpName && strings.EqualFold(t.text, "const"):
		p.at++
		p.constant()
	case t.kind == phpName && strings.EqualFold(t.text, "define") && p.peek(1).text == "(":
		p.at += 2
		if name := p.expression(); name.isText && p.accept(",") {
			p.constants[name.text] = p.expression()
		}
	case t.kind == phpName && strings.EqualFold(t.text, "function"):
		p.at += 2 // the name of a function is no call
	case t.kind == phpName && strings.EqualFold(t.text, "as"): // of a foreach
		p.at++
		p.each()
	case t.kind == phpVariable, t.kind == phpName && strings.EqualFold(t.text, "new"), t.kind == phpSign && t.text == "(":
		p.expression()
	default:
		p.at++
	}
}

// constant is what follows const: an optional type, a name, a value.
func (p *php) constant() {
	for p.peek(0).kind == phpName && p.peek(1).kind == phpName {
		p.at++
	}
	for p.peek(0).kind == phpName && p.peek(1).text == "=" {
		name := p.peek(0).text
		p.at += 2
		p.constants[name] = p.expression()
		if !p.accept(",") {
			return
		}
	}
}

// each makes the variables of a loop unknown.
func (p *php) each() {
	for p.peek(0).kind == phpVariable {
		name := p.peek(0)
		p.vars[name.text] = value{why: fmt.Sprintf("$%s is the variable of a loop.", name.text), at: p.src.span(name.from, name.to)}
		p.at++
		if !p.accept("=>") {
			return
		}
	}
}

// maxNesting bounds how deep expressions stand in one another.
const maxNesting = 60

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

func concat(a, b value) value {
	switch {
	case a.why != "":
		return a
	case b.why != "":
		return b
	case !a.isText || !b.isText || len(a.text)+len(b.text) > maxValue:
		return value{why: "It is no text."}
	}
	return value{text: a.text + b.text, isText: true}
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
		case piece.variable:
			v = concat(v, p.variable(token{text: piece.text, from: t.from, to: t.to}))
		default:
			v = concat(v, value{text: piece.text, isText: true})
		}
	}
	return v
}

func (p *php) variable(t token) value {
	if t.text == "this" && p.peek(0).text == "->" && p.peek(1).text == "runtimes" && p.peek(2).text != "(" {
		p.at += 2
		v := value{slots: true}
		if p.accept("[") {
			from := p.peek(0).from
			key := excerpt{}
			if p.peek(0).text != "]" || p.peek(0).kind != phpSign {
				k := p.expression()
				key = excerpt{k.text, p.span(from)}
			}
			p.accept("]")
			v = value{slot: &key}
		}
		return v
	}
	v, known := p.vars[t.text]
	if !known {
		return value{why: fmt.Sprintf("$%s is not set here.", t.text)}
	}
	return v
}

// name is a constant, or a call of a function.
func (p *php) name(t token) value {
	class, name := "", t.text
	if p.accept("::") {
		class, name = t.text, p.peek(0).text
		p.at++
	}
	if p.accept("(") {
		p.arguments()
		return value{why: fmt.Sprintf("It is the result of %s().", name)}
	}
	if v, known := p.constants[name]; known && (class == "" || slices.Contains([]string{"self", "static"}, strings.ToLower(class)) || !isSystem(class)) {
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
			e.key = &excerpt{e.value.text, e.value.at}
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
	return v
}
