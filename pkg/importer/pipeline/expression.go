package pipeline

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// scope is what expressions of a step can name: contexts, each an object.
type scope map[string]any

// with is the scope with another context.
func (s scope) with(name string, value any) scope {
	c := maps.Clone(s)
	c[name] = value
	return c
}

// evaluate evaluates an expression of GitHub Actions, without its braces. What it
// cannot know is unknown, and so is what is no expression.
func (r *reader) evaluate(text string, s scope) any {
	if !r.expands(len(text)) {
		return unknown{tooMuch}
	}
	p := &parser{reader: r, scope: s, tokens: tokenize(text)}
	v := p.or()
	if p.bad || p.at < len(p.tokens) {
		return unknownf("the expression %s is not understood", strings.TrimSpace(text))
	}
	return v
}

// expands counts bytes of expressions, and of what they read; false where there were
// too many.
func (r *reader) expands(bytes int) bool {
	r.expanded += bytes
	return r.expanded <= maxExpanded
}

// tokenize takes an expression apart. What is no token is one of a kind that no
// rule takes.
func tokenize(text string) []string {
	var all []string
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '\'':
			end := i + 1
			for end < len(text) && (text[end] != '\'' || end+1 < len(text) && text[end+1] == '\'') {
				if text[end] == '\'' {
					end++
				}
				end++
			}
			all = append(all, text[i:min(end+1, len(text))])
			i = end + 1
		case strings.ContainsRune("()[],.*", rune(c)):
			all = append(all, string(c))
			i++
		case strings.ContainsRune("=!<>&|", rune(c)):
			n := 1
			if i+1 < len(text) && (text[i+1] == '=' || text[i+1] == c && (c == '&' || c == '|')) {
				n = 2
			}
			all = append(all, text[i:i+n])
			i += n
		default:
			end := i
			for end < len(text) && (text[end] == '_' || text[end] == '-' || text[end] >= '0' && text[end] <= '9' ||
				text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z' || text[end] == '.' && number(text[i:end])) {
				end++
			}
			if end == i {
				return append(all, "\x00")
			}
			all = append(all, text[i:end])
			i = end
		}
	}
	return all
}

func number(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// parser parses and evaluates an expression. There is one in actionlint, which compiles
// with an older YAML than Compose's package only.
type parser struct {
	*reader
	scope  scope
	tokens []string
	at     int
	level  int
	bad    bool
}

func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *parser) take(token string) bool {
	if p.peek() == token {
		p.at++
		return true
	}
	return false
}

// enter goes one level down; false where that is too deep.
func (p *parser) enter() bool {
	if p.level++; p.level > maxNesting {
		p.bad = true
	}
	return !p.bad
}

func (p *parser) or() any {
	if !p.enter() {
		return nil
	}
	defer func() { p.level-- }()
	v := p.and()
	for !p.bad && p.take("||") {
		right := p.and()
		if u, is := v.(unknown); is {
			v = u
		} else if !truthy(v) {
			v = right
		}
	}
	return v
}

func (p *parser) and() any {
	v := p.compare()
	for !p.bad && p.take("&&") {
		right := p.compare()
		if u, is := v.(unknown); is {
			v = u
		} else if truthy(v) {
			v = right
		}
	}
	return v
}

func (p *parser) compare() any {
	v := p.unary()
	for !p.bad && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, p.peek()) {
		op := p.peek()
		p.at++
		v = compare(op, v, p.unary())
	}
	return v
}

func compare(op string, a, b any) any {
	for _, v := range []any{a, b} {
		if u, is := v.(unknown); is {
			return u
		}
	}
	switch op {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	}
	x, one := numeric(a)
	y, two := numeric(b)
	if !one || !two {
		return false
	}
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	}
	return x >= y
}

// equal compares as GitHub does: texts without their case, others as numbers.
func equal(a, b any) bool {
	x, one := a.(string)
	y, two := b.(string)
	if one && two {
		return strings.EqualFold(x, y)
	}
	if a == nil && b == nil {
		return true
	}
	n, good := numeric(a)
	m, also := numeric(b)
	return good && also && n == m
}

func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case nil:
		return 0, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		return v, true
	case string:
		if v == "" {
			return 0, true
		}
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	}
	return true
}

func (p *parser) unary() any {
	if !p.enter() {
		return nil
	}
	defer func() { p.level-- }()
	if p.take("!") {
		v := p.unary()
		if u, is := v.(unknown); is {
			return u
		}
		return !truthy(v)
	}
	v, name := p.primary()
	for !p.bad {
		switch {
		case p.take("."):
			key := p.peek()
			p.at++
			p.bad = p.bad || key == "" || strings.ContainsAny(key, "\x00()[],.=!<>&|'")
			name += "." + key
			v = member(v, key, name)
		case p.take("["):
			key := p.or()
			p.bad = p.bad || !p.take("]")
			said, why := text(key)
			name += "." + said
			if why != "" {
				v = unknown{why}
				break
			}
			v = member(v, said, name)
		default:
			return v
		}
	}
	return v
}

// member is what an object, or a list, has under a key.
func member(v any, key, name string) any {
	switch v := v.(type) {
	case unknown:
		return v
	case map[string]any:
		if found, has := v[key]; has {
			return found
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if strings.EqualFold(k, key) {
				return v[k]
			}
		}
		if open, is := v[rest]; is {
			return unknownf("%s is known %s", name, open)
		}
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// rest is the key under which a context says when the others of its keys are known.
const rest = "\x00"

func (p *parser) primary() (v any, name string) {
	token := p.peek()
	p.at++
	switch {
	case token == "(":
		v := p.or()
		p.bad = p.bad || !p.take(")")
		return v, ""
	case len(token) > 1 && token[0] == '\'' && token[len(token)-1] == '\'':
		return strings.ReplaceAll(token[1:len(token)-1], "''", "'"), ""
	case token == "true" || token == "false":
		return token == "true", ""
	case token == "null":
		return nil, ""
	case token != "" && number(token):
		f, _ := strconv.ParseFloat(token, 64)
		return f, ""
	case token == "" || strings.ContainsAny(token, "\x00()[],.*=!<>&|'"):
		p.bad = true
		return nil, ""
	case p.take("("):
		return p.call(strings.ToLower(token)), ""
	}
	context, known := p.scope[strings.ToLower(token)]
	if !known {
		return unknownf("%s is known when it runs", token), token
	}
	return context, token
}

// call evaluates a function.
func (p *parser) call(name string) any {
	var args []any
	for !p.bad && !p.take(")") {
		args = append(args, p.or())
		if p.peek() != ")" && !p.take(",") {
			p.bad = true
		}
	}
	for _, a := range args {
		if u, is := a.(unknown); is {
			return u
		}
	}
	texts := make([]string, 0, len(args))
	for _, a := range args {
		s, _ := text(a)
		texts = append(texts, s)
	}
	fold := func(of func(a, b string) bool) any {
		return of(strings.ToLower(texts[0]), strings.ToLower(texts[1]))
	}
	switch {
	case name == "format" && len(args) > 0:
		pairs := []string{"{{", "{", "}}", "}"}
		for i, s := range texts[1:] {
			pairs = append(pairs, "{"+strconv.Itoa(i)+"}", s)
		}
		var b bounded
		if _, err := strings.NewReplacer(pairs...).WriteString(&b, texts[0]); err != nil {
			return unknown{tooLong}
		}
		return b.String()
	case name == "contains" && len(args) == 2:
		if list, is := args[0].([]any); is {
			return slices.ContainsFunc(list, func(v any) bool { return equal(v, args[1]) })
		}
		return fold(strings.Contains)
	case name == "startswith" && len(args) == 2:
		return fold(strings.HasPrefix)
	case name == "endswith" && len(args) == 2:
		return fold(strings.HasSuffix)
	case name == "join" && len(args) > 0:
		list, _ := args[0].([]any)
		return join(list, append(texts, ",")[1])
	case name == "fromjson" && len(args) == 1:
		var v any
		if len(texts[0]) > maxValue || !p.expands(len(texts[0])) || json.Unmarshal([]byte(texts[0]), &v) != nil {
			return unknownf("fromJSON reads no JSON")
		}
		return v
	case name == "always" || name == "success":
		return true
	case name == "failure" || name == "cancelled":
		return false
	}
	return unknownf("what %s gives is known when it runs", name)
}
