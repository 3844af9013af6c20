package lint

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
)

// silence is a comment that says that findings of some rules are meant:
//
//	# runbake:ignore base-pinned: the vendor has no other tag
type silence struct {
	rule   string
	line   int // that it is about
	at     hcl.Range
	used   bool
	reason string
}

var silenceComment = regexp.MustCompile(`#\s*runbake:ignore\b[ \t]*([^:#]*)(?::(.*))?$`)

// silence takes away what comments silence, and reports comments that silence
// nothing, or do not say why.
func (l *linter) silence() {
	byFile := map[string][]*silence{}
	for name, t := range l.texts {
		if bytes.Contains(t.data, []byte("runbake:ignore")) && l.silences(name) {
			byFile[name] = l.readSilences(t)
		}
	}
	l.diags = slices.DeleteFunc(l.diags, func(d *hcl.Diagnostic) bool {
		quiet := false
		for _, s := range byFile[d.Subject.Filename] {
			if s.rule == diag.RuleOf(d).ID && s.reason != "" && s.line == d.Subject.Start.Line {
				s.used, quiet = true, true
			}
		}
		return quiet
	})
	rule := l.rule("silence")
	for _, list := range byFile {
		for _, s := range list {
			if !s.used && s.reason != "" {
				summary := fmt.Sprintf("The comment silences nothing: %s finds nothing in line %d", s.rule, s.line)
				_ = l.add(rule, l.catalogue.Project.Lint, finding{at: s.at, summary: summary})
			}
		}
	}
}

// silences reports whether comments of a file count: Dockerfiles and scripts
// that were checked.
func (l *linter) silences(name string) bool {
	return l.linted[name] || l.scripts[name] != nil
}

// readSilences reads the comments of a file. One on a line of its own is about
// the next line that is no comment, one behind a command about its own.
func (l *linter) readSilences(t *text) []*silence {
	known := l.names()
	var all []*silence
	for number := 1; number <= len(t.offsets); number++ {
		line := t.line(number)
		m := silenceComment.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		about := number
		if strings.TrimSpace(line[:m[0]]) == "" {
			for about <= len(t.offsets) &&
				(strings.HasPrefix(strings.TrimSpace(t.line(about)), "#") || strings.TrimSpace(t.line(about)) == "") {
				about++
			}
		}
		at := t.part(t.offsets[number-1]+m[0], t.offsets[number-1]+len(line))
		reason := ""
		if m[4] >= 0 {
			reason = strings.TrimSpace(line[m[4]:m[5]])
		}
		rules := strings.FieldsFunc(line[m[2]:m[3]], func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		if reason == "" || len(rules) == 0 {
			l.diags = append(l.diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "The comment does not say which rule it silences, and why",
				Detail: "Write # runbake:ignore <rule>: <reason>.", Subject: at.Ptr(),
			})
			continue
		}
		for _, rule := range rules {
			if !slices.Contains(known, rule) {
				l.diags = append(l.diags, unknownRule(rule, at, known))
				continue
			}
			all = append(all, &silence{rule: rule, line: about, at: at, reason: reason})
		}
	}
	return all
}
