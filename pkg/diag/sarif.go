package diag

import (
	"encoding/json"
	"io"
	"net/url"

	"github.com/hashicorp/hcl/v2"
)

// SARIFOptions describe the tool in a SARIF log.
type SARIFOptions struct {
	Version string // of the tool
	Rules   []Rule // findings of others are logged as well
	// Suppression is why diagnostics are suppressed; "" when it was not asked which are.
	Suppression string
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID      string             `json:"id"`
	Short   sarifText          `json:"shortDescription"`
	Full    *sarifText         `json:"fullDescription,omitempty"`
	Help    *sarifText         `json:"help,omitempty"`
	HelpURI string             `json:"helpUri,omitempty"`
	Default sarifConfiguration `json:"defaultConfiguration"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
	ByteOffset  int `json:"byteOffset"`
	ByteLength  int `json:"byteLength"`
}

type sarifArtifact struct {
	URI     string `json:"uri"`
	URIBase string `json:"uriBaseId"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification"`
}

type sarifResult struct {
	RuleID       string              `json:"ruleId"`
	RuleIndex    *int                `json:"ruleIndex,omitempty"`
	Level        string              `json:"level"`
	Message      sarifText           `json:"message"`
	Locations    []sarifLocation     `json:"locations,omitempty"`
	Suppressions *[]sarifSuppression `json:"suppressions,omitempty"` // of all results of a run, or of none
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	URI     string      `json:"informationUri"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Columns string        `json:"columnKind"`
	Results []sarifResult `json:"results"`
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

// definitionRule is the rule of diagnostics that no rule has made: those of the
// definition language.
const definitionRule = "definition"

// WriteSARIF writes diagnostics as a log of SARIF 2.1.0, which code scanning
// services read: https://docs.oasis-open.org/sarif/sarif/v2.1.0.
func WriteSARIF(w io.Writer, diags hcl.Diagnostics, opts SARIFOptions) error {
	run := sarifRun{Columns: "unicodeCodePoints", Results: make([]sarifResult, 0, len(diags))}
	run.Tool.Driver = sarifDriver{
		Name: "runbake", Version: opts.Version, URI: "https://github.com/runbake/runbake", Rules: []sarifRule{},
	}
	index := map[string]int{}
	definitions := Rule{
		ID: definitionRule, What: "Definitions are valid",
		URL: "https://github.com/runbake/runbake/blob/main/docs/definitions.md",
	}
	for _, r := range append([]Rule{definitions}, opts.Rules...) {
		index[r.ID] = len(run.Tool.Driver.Rules)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: r.ID, Short: sarifText{r.What}, Full: optionalText(r.Why), Help: optionalText(r.Fix), HelpURI: r.URL,
			Default: sarifConfiguration{sarifLevel(r.Warning)},
		})
	}
	for _, d := range diags {
		result := newSARIFResult(d, index)
		if opts.Suppression != "" {
			result.Suppressions = &[]sarifSuppression{}
		}
		if Suppressed(d) {
			result.Suppressions = &[]sarifSuppression{{"external", opts.Suppression}}
		}
		run.Results = append(run.Results, result)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func newSARIFResult(d *hcl.Diagnostic, index map[string]int) sarifResult {
	r := sarifResult{RuleID: RuleOf(d).ID, Level: sarifLevel(d.Severity == hcl.DiagWarning)}
	if r.RuleID == "" {
		r.RuleID = definitionRule
	}
	if i, known := index[r.RuleID]; known {
		r.RuleIndex = &i
	}
	r.Message.Text = d.Summary
	if d.Detail != "" {
		r.Message.Text += ". " + d.Detail
	}
	if s := d.Subject; s != nil {
		r.Locations = []sarifLocation{{sarifPhysical{
			Artifact: sarifArtifact{(&url.URL{Path: s.Filename}).String(), "%SRCROOT%"},
			Region: sarifRegion{
				s.Start.Line, s.Start.Column, max(s.End.Line, s.Start.Line), max(s.End.Column, 1),
				s.Start.Byte, max(s.End.Byte-s.Start.Byte, 0),
			},
		}}}
	}
	return r
}

func sarifLevel(warning bool) string {
	if warning {
		return "warning"
	}
	return "error"
}

func optionalText(s string) *sarifText {
	if s == "" {
		return nil
	}
	return &sarifText{s}
}
