package diag

import (
	"io"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/envelope"
)

type jsonDiagnostic struct {
	Severity   string          `json:"severity"`
	Summary    string          `json:"summary"`
	Detail     string          `json:"detail,omitempty"`
	Rule       string          `json:"rule,omitempty"`
	URL        string          `json:"url,omitempty"`
	At         *envelope.Place `json:"at,omitempty"`
	End        *envelope.Place `json:"end,omitempty"`
	Suppressed bool            `json:"suppressed,omitempty"`
}

// WriteJSON writes diagnostics for programs.
func WriteJSON(w io.Writer, diags hcl.Diagnostics) error {
	list := make([]jsonDiagnostic, 0, len(diags))
	for _, d := range diags {
		rule := RuleOf(d)
		j := jsonDiagnostic{
			Severity: severity(d.Severity), Summary: d.Summary, Detail: d.Detail, Rule: rule.ID, URL: rule.URL,
			Suppressed: Suppressed(d),
		}
		if at := d.Subject; at != nil {
			j.At = &envelope.Place{File: at.Filename, Line: at.Start.Line, Column: at.Start.Column}
			j.End = &envelope.Place{File: at.Filename, Line: at.End.Line, Column: at.End.Column}
		}
		list = append(list, j)
	}
	return envelope.Write(w, "lint", list)
}
