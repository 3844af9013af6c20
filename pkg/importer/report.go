package importer

import (
	"cmp"
	"fmt"
	"io"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/envelope"
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

// Kind is that of the report as JSON.
const Kind = "import"

type jsonFinding struct {
	Severity string           `json:"severity"`
	Summary  string           `json:"summary"`
	Detail   string           `json:"detail,omitempty"`
	Rule     string           `json:"rule,omitempty"`
	At       *envelope.Place  `json:"at,omitempty"`
	Others   []envelope.Place `json:"others,omitempty"`
}

type jsonNote struct {
	Text string         `json:"text"`
	At   envelope.Place `json:"at"`
}

type jsonChange struct {
	Kind string         `json:"kind"`
	Text string         `json:"text"`
	At   envelope.Place `json:"at"`
}

type jsonFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// jsonResult is all of a result: its items are what is to be decided by people.
type jsonResult struct {
	envelope.Envelope[jsonFinding]

	Images   int          `json:"images"`
	Inferred []jsonNote   `json:"inferred"`
	Changes  []jsonChange `json:"changes"`
	Files    []jsonFile   `json:"files"`
}

func placeJSON(r hcl.Range) envelope.Place {
	return envelope.Place{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

// WriteJSON writes all of a result for programs.
func (r *Result) WriteJSON(w io.Writer) error {
	findings := make([]jsonFinding, 0, len(r.Diagnostics))
	for _, d := range r.Diagnostics {
		j := jsonFinding{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			j.Severity = "warning"
		}
		if d.Subject != nil {
			at := placeJSON(*d.Subject)
			j.At = &at
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
	return envelope.Encode(w, jsonResult{envelope.New(Kind, findings), r.Images, notes, changes, files})
}
