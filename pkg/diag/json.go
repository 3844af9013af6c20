package diag

import (
	"encoding/json"
	"io"

	"github.com/hashicorp/hcl/v2"
)

type jsonPosition struct {
	Line   int `json:"line"`   // from 1
	Column int `json:"column"` // from 1, in grapheme clusters
	Byte   int `json:"byte"`   // from 0
}

type jsonDiagnostic struct {
	Severity string        `json:"severity"`
	Summary  string        `json:"summary"`
	Detail   string        `json:"detail,omitempty"`
	Rule     string        `json:"rule,omitempty"`
	URL      string        `json:"url,omitempty"`
	File     string        `json:"file,omitempty"`
	Start    *jsonPosition `json:"start,omitempty"`
	End      *jsonPosition `json:"end,omitempty"`
}

// WriteJSON writes diagnostics for programs: an object whose "diagnostics" is
// always a list.
func WriteJSON(w io.Writer, diags hcl.Diagnostics) error {
	list := make([]jsonDiagnostic, 0, len(diags))
	for _, d := range diags {
		j := jsonDiagnostic{Severity: severity(d.Severity), Summary: d.Summary, Detail: d.Detail, Rule: RuleOf(d).ID, URL: RuleOf(d).URL}
		if d.Subject != nil {
			j.File = d.Subject.Filename
			j.Start = &jsonPosition{d.Subject.Start.Line, d.Subject.Start.Column, d.Subject.Start.Byte}
			j.End = &jsonPosition{d.Subject.End.Line, d.Subject.End.Column, d.Subject.End.Byte}
		}
		list = append(list, j)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"diagnostics": list})
}
