// Package php reads classes that register runtimes, and tables of tests.
//
// It is no PHP: it knows new Runtime, addVersion, lists, strings, constants and
// variables, and lists calls of addVersion that have anything else in them.
// Nothing is run.
package php

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Read reads a registry class, or a class with a table of tests. Methods of the
// class are no findings: what they are called with is nobody's runtime in
// particular.
func Read(src *fact.File) *fact.Set {
	p := &php{
		Set: &fact.Set{Texts: map[string][]byte{src.Name: src.Text}}, src: src, tokens: phpTokens(string(src.Text)),
		registry: &fact.Registry{Name: src.Name}, vars: map[string]value{}, constants: map[string]value{},
		properties: map[string]value{}, methods: map[string]*method{},
	}
	p.walk()
	p.listed()
	p.readTests()
	if len(p.registry.Runtimes) == 0 && len(p.Tests) > 0 {
		return p.Set
	}
	p.checkRegistry()
	p.Registry = p.registry
	return p.Set
}

// checkRegistry says what in a registry class contradicts itself.
func (p *php) checkRegistry() {
	if len(p.registry.Runtimes) == 0 {
		p.Fail(fact.RuleNotUnderstood, fact.Start(p.src.Name), "No runtimes found in the registry class",
			"It has no new Runtime('key', 'Name') that is understood.")
	}
	for _, rt := range p.registry.Runtimes {
		if len(rt.Slots) == 0 {
			p.Warn(fact.RuleRegisteredKey, rt.Key.Range,
				fmt.Sprintf("Runtime %q is never put in the list", rt.Key.Value),
				fmt.Sprintf("There is no $this->runtimes['%s'] = … for it: nobody is given it.", rt.Key.Value))
		}
		for _, s := range rt.Slots {
			if s.Value != rt.Key.Value {
				p.Warn(fact.RuleRegisteredKey, s.Range,
					fmt.Sprintf("Runtime %q is in the list as %q", rt.Key.Value, s.Value),
					fmt.Sprintf("It is made at %s. The definition has the key %q.", diag.Place(rt.Key.Range),
						rt.Key.Value), rt.Key.Range)
			}
		}
	}
	p.registry.Usual = p.usual
}

// value is what an expression comes to. why is empty, or says why it is not
// known.
type value struct {
	text    string
	isText  bool
	list    []entry
	isList  bool
	runtime *fact.Runtime
	slots   bool // $this->runtimes
	slot    *fact.Text
	this    bool
	isBool  bool // text is true or false
	given   bool // by the caller of a method: no finding by itself
	open    bool // known but for what the class is made with
	usual   string
	why     string
	at      hcl.Range
}

// holed is the text of a value, with a hole for what is not known of it.
func (v value) holed() string {
	if v.why != "" && !strings.Contains(v.text, fact.Hole) {
		return fact.Hole
	}
	return v.text
}

// method is one method of the class.
type method struct {
	stores bool // what it is called with in the list of runtimes
}

// entry is one element of a list.
type entry struct {
	key   *fact.Text
	value value
}

// php walks through the tokens of a class.
type php struct {
	*fact.Set
	src        *fact.File
	tokens     []token
	at         int
	depth      int
	registry   *fact.Registry
	vars       map[string]value
	constants  map[string]value
	properties map[string]value
	methods    map[string]*method
	method     *method // the one that is read
	handed     []handed
	usual      string  // what the class is made with, if its caller says nothing
	tables     []value // lists with keys
}

// handed is a runtime that a method is called with.
type handed struct {
	method  string
	runtime *fact.Runtime
}

// walk reads all statements.
func (p *php) walk() {
	for p.at < len(p.tokens) {
		before := p.at
		p.statement()
		p.at = max(p.at, before+1)
	}
}

// listed notes the runtimes that a method has put in the list.
func (p *php) listed() {
	for _, h := range p.handed {
		m, declared := p.methods[h.method]
		if declared && m.stores || !declared && strings.HasPrefix(h.method, "add") {
			h.runtime.Slots = append(h.runtime.Slots, h.runtime.Key)
		}
	}
}

func (p *php) peek(ahead int) token {
	if p.at+ahead < len(p.tokens) {
		return p.tokens[p.at+ahead]
	}
	return token{from: len(p.src.Text), to: len(p.src.Text)}
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
	return p.src.Span(from, max(from, to))
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
		p.at++
		p.function()
	case t.kind == phpName && slices.Contains(visibilities, strings.ToLower(t.text)):
		p.at++
		p.property()
	case t.kind == phpName && strings.EqualFold(t.text, "as"): // of a foreach
		p.at++
		p.each()
	case t.kind == phpVariable, t.kind == phpName && strings.EqualFold(t.text, "new"),
		t.kind == phpSign && t.text == "(":
		p.expression()
	default:
		p.at++
	}
}

// visibilities stand before properties and methods.
var visibilities = []string{"public", "protected", "private", "var"}

// property is what follows its visibility, if it is one and has a value.
func (p *php) property() {
	for p.peek(0).kind == phpName && (p.peek(1).kind == phpName || p.peek(1).kind == phpVariable) ||
		p.peek(0).text == "?" {
		if slices.Contains([]string{"function", "const"}, strings.ToLower(p.peek(0).text)) {
			return
		}
		p.at++
	}
	if name := p.peek(0); name.kind == phpVariable && p.peek(1).text == "=" {
		p.at += 2
		p.properties[name.text] = p.expression()
	}
}

// function is the head of a function: its name is no call, and what it is called
// with is not known.
func (p *php) function() {
	p.accept("&")
	name := ""
	if p.peek(0).kind == phpName {
		name = p.peek(0).text
		p.at++
		p.method = &method{}
		p.methods[name] = p.method
	}
	if !p.accept("(") {
		return
	}
	for p.peek(0).kind != phpEnd && !p.accept(")") {
		t, before := p.peek(0), p.at
		p.at++
		if t.kind != phpVariable {
			continue
		}
		v := value{why: fmt.Sprintf("$%s is what %s() is called with.", t.text, name), given: true, open: true}
		if p.accept("=") {
			usual := p.expression()
			v.usual = usual.text
		}
		p.vars[t.text] = v
		if before > 0 && p.promotes(before) {
			p.properties[t.text] = v
		}
	}
}

// promotes reports a parameter that is a property too: it has a visibility.
func (p *php) promotes(at int) bool {
	for at--; at > 0 && (p.tokens[at].kind == phpName || p.tokens[at].text == "?"); at-- {
		if slices.Contains(visibilities, strings.ToLower(p.tokens[at].text)) {
			return true
		}
	}
	return false
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
		p.vars[name.text] = value{
			why: fmt.Sprintf("$%s is the variable of a loop.", name.text),
			at:  p.src.Span(name.from, name.to),
		}
		p.at++
		if !p.accept("=>") {
			return
		}
	}
}
