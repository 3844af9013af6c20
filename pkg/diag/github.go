package diag

import (
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// WriteGitHub writes diagnostics as workflow commands, which GitHub shows at
// the lines of a change:
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
func WriteGitHub(w io.Writer, diags hcl.Diagnostics) error {
	var b strings.Builder
	for _, d := range diags {
		b.WriteString("::" + severity(d.Severity) + " ")
		if s := d.Subject; s != nil {
			fmt.Fprintf(&b, "file=%s,line=%d,endLine=%d,", property(s.Filename), s.Start.Line, s.End.Line)
			if s.Start.Line == s.End.Line { // GitHub knows columns within one line only
				fmt.Fprintf(&b, "col=%d,endColumn=%d,", s.Start.Column, s.End.Column)
			}
		}
		title, text := d.Summary, d.Detail
		if rule := RuleOf(d); rule.ID != "" {
			title, text = fmt.Sprintf("%s [%s]", title, rule.ID), fmt.Sprintf("%s\n%s", text, rule.URL)
		}
		fmt.Fprintf(&b, "title=%s::%s\n", property(title), message(text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// message escapes the text of a workflow command, which is one line.
func message(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '%', '\r', '\n':
			fmt.Fprintf(&b, "%%%02X", r)
		default:
			b.WriteString(clean(string(r)))
		}
	}
	return b.String()
}

// property escapes a property of a workflow command.
func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(message(s))
}
