package makefile

import (
	"fmt"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// reference is a variable, or a function, in a text.
type reference struct {
	name  string // with what is behind it in the brackets
	whole string
}

// refer reads the reference that a text starts with, behind a dollar sign.
func refer(s string) (ref reference, good bool) {
	if len(s) < 2 {
		return reference{}, false
	}
	open, shut := s[1], byte(')')
	switch open {
	case '(':
	case '{':
		shut = '}'
	default:
		return reference{s[1:2], s[:2]}, true
	}
	depth := 0
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return reference{s[2:i], s[:i+1]}, true
			}
		}
	}
	return reference{}, false
}

// walk takes a text apart: what stands for itself, and references.
func walk(s string, plain func(text string, at int), refers func(ref reference, at int)) {
	from := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '$' {
			continue
		}
		plain(s[from:i], from)
		if strings.HasPrefix(s[i:], "$$") {
			plain("$", i)
			i++
		} else if ref, good := refer(s[i:]); good {
			refers(ref, i)
			i += len(ref.whole) - 1
		}
		from = i + 1
	}
	plain(s[min(from, len(s)):], from)
}

// expand is a text with its variables filled in; why is not empty where one of them is
// not known.
func (r *reader) expand(s string, local map[string]variable, depth int) (text, why string) {
	if depth > maxDepth {
		return "", "Variables are in one another too deeply."
	}
	var out strings.Builder
	walk(s, func(text string, _ int) { out.WriteString(text) }, func(ref reference, _ int) {
		if why != "" {
			return // and no more is asked for
		}
		if r.steps++; r.steps > maxSteps {
			why = "The Makefile does too much."
			return
		}
		value, open := r.value(ref.name, local, depth)
		if why == "" {
			why = open
		}
		if out.Len()+len(value) > maxValue {
			why = "It becomes too long."
			return
		}
		out.WriteString(value)
	})
	return out.String(), why
}

// value is that of a reference.
func (r *reader) value(name string, local map[string]variable, depth int) (text, why string) {
	if function, _, is := strings.Cut(strings.TrimSpace(name), " "); is {
		return "", fmt.Sprintf("$(%s …) is a function of make, which is not evaluated. Write out what it makes.", fact.Shorten(function))
	}
	name, substitution, substituted := strings.Cut(name, ":")
	v, set := local[name]
	if !set {
		v, set = r.vars[name]
	}
	switch {
	case !set:
		return "", fmt.Sprintf("%s is not set in this Makefile.", fact.Shorten(name))
	case v.why != "":
		return "", v.why
	case substituted:
		return "", fmt.Sprintf("$(%s:%s) changes words, which is not evaluated. Write out what it makes.", name, fact.Shorten(substitution))
	case v.expanded:
		return v.value, ""
	}
	return r.expand(v.value, local, depth+1)
}

// fill adds a line of a recipe to a script, with its variables filled in. Nothing is
// added where one is not known.
func (r *reader) fill(m *fact.Made, body string, at int, local map[string]variable) string {
	why := ""
	var parts []func()
	walk(body, func(text string, from int) {
		parts = append(parts, func() { m.Add(text, fact.Mark{From: at + from, Exact: text != "$"}) })
	}, func(ref reference, from int) {
		value, open := r.value(ref.name, local, 0)
		if why == "" {
			why = open
		}
		parts = append(parts, func() { m.Add(value, fact.Mark{From: at + from, Until: at + from + len(ref.whole)}) })
	})
	if why != "" {
		return why
	}
	for _, add := range parts {
		add()
	}
	return ""
}
