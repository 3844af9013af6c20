package importer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// WriteText writes the drift report for people: what is wrong, with the source,
// and what was inferred from what.
func (r *Result) WriteText(w io.Writer, opts diag.TextOptions) error {
	if err := diag.WriteText(w, r.Sources, r.Diagnostics, opts); err != nil {
		return err
	}
	if len(r.Diagnostics) > 0 && len(r.Notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "%s: %s: %s\n", diag.Place(n.Range), cmp.Or(n.Kind, "inferred"), n.Text)
	}
	return nil
}

type jsonPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

type jsonFinding struct {
	Rule     string      `json:"rule"`
	Severity string      `json:"severity"`
	Summary  string      `json:"summary"`
	Detail   string      `json:"detail,omitempty"`
	At       jsonPlace   `json:"at"`
	Others   []jsonPlace `json:"others,omitempty"`
}

type jsonNote struct {
	Text string    `json:"text"`
	From jsonPlace `json:"from"`
}

type jsonChange struct {
	Kind string    `json:"kind"`
	Text string    `json:"text"`
	From jsonPlace `json:"from"`
}

type jsonFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func placeJSON(r hcl.Range) jsonPlace { return jsonPlace{r.Filename, r.Start.Line, r.Start.Column} }

// WriteJSON writes all of a result for programs.
func (r *Result) WriteJSON(w io.Writer) error {
	findings := make([]jsonFinding, 0, len(r.Diagnostics))
	for _, d := range r.Diagnostics {
		j := jsonFinding{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			j.Severity = "warning"
		}
		if d.Subject != nil {
			j.At = placeJSON(*d.Subject)
		}
		if f, ok := d.Extra.(fact.Finding); ok {
			j.Rule = f.Rule
			for _, o := range f.Others {
				j.Others = append(j.Others, placeJSON(o))
			}
		}
		findings = append(findings, j)
	}
	notes, changes := make([]jsonNote, 0, len(r.Notes)), []jsonChange{}
	for _, n := range r.Notes {
		if n.Kind == fact.Inferred {
			notes = append(notes, jsonNote{n.Text, placeJSON(n.Range)})
			continue
		}
		changes = append(changes, jsonChange{string(n.Kind), n.Text, placeJSON(n.Range)})
	}
	files := make([]jsonFile, 0, len(r.Files))
	for _, f := range r.Files {
		files = append(files, jsonFile{f.Name, string(f.Text)})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{
		"images": r.Images, "findings": findings, "inferred": notes, "changes": changes,
		"files": files,
	})
}
