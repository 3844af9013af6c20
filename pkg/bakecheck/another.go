package bakecheck

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
)

// another is a value that a variable may have besides its default, or the default
// when there is none to be found.
func another(v catalogue.Variable) string {
	if v.Pattern == "" {
		return v.Default + "9"
	}
	standard, matches := v.Default, regexp.MustCompile(v.Whole()).MatchString
	parsed, err := syntax.Parse(v.Pattern, syntax.Perl)
	if err != nil {
		return standard // which the definition would not have passed with
	}
	parsed = parsed.Simplify()
	for _, value := range []string{standard + "9", standard + "-x.9", standard + "x", "9", sample(parsed, true), sample(parsed, false)} {
		if value != standard && matches(value) {
			return value
		}
	}
	return standard
}

// sample is a text that a pattern matches, with the last of what there is to
// choose from, or with the first.
func sample(p *syntax.Regexp, last bool) string {
	pick := func(n int) int {
		if last {
			return n - 1
		}
		return 0
	}
	var b strings.Builder
	switch p.Op {
	case syntax.OpLiteral:
		return string(p.Rune)
	case syntax.OpCharClass:
		if len(p.Rune) > 0 {
			return string(p.Rune[2*pick(len(p.Rune)/2)])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpAlternate:
		return sample(p.Sub[pick(len(p.Sub))], last)
	case syntax.OpStar, syntax.OpQuest:
		if last {
			return sample(p.Sub[0], last)
		}
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		for _, sub := range p.Sub {
			b.WriteString(sample(sub, last))
		}
	}
	return b.String()
}
