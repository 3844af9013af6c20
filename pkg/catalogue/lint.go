package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/definition"
)

// Levels of the contract.
const (
	// Guide is what an imported repository must be: what the function
	// executor needs.
	Guide = "guide"
	// Strict is all of the contract.
	Strict = "strict"
	// Off is nothing but the rules that are given a severity.
	Off = "off"
)

// Lint says how strictly versions are checked against the contract.
type Lint struct {
	Level string
	Rules []LintRule // the later one counts
}

// LintRule gives one rule another severity.
type LintRule struct {
	ID       string
	Severity string // off, warning or error
	Reason   string
	Range    hcl.Range // of the id
}

// lint lays a lint block over what holds around it.
func (r *resolver) lint(given *definition.Lint, around Lint) Lint {
	if given == nil {
		return around
	}
	l := Lint{Level: around.Level, Rules: slices.Clone(around.Rules)}
	if given.Level != nil {
		l.Level = r.oneOf(*given.Level, "level", []string{Strict, Guide, Off})
	}
	for _, g := range given.Rules {
		rule := LintRule{ID: g.ID.Value, Range: g.ID.Range}
		if g.Severity != nil {
			rule.Severity = r.oneOf(*g.Severity, "severity", []string{"error", "warning", "off"})
		}
		if g.Reason != nil {
			rule.Reason = g.Reason.Value
			if strings.TrimSpace(rule.Reason) == "" {
				r.report(g.Reason.Range, fmt.Sprintf("Rule %q has an empty reason", rule.ID), "Say why, for those who read it later.")
			}
		}
		l.Rules = append(l.Rules, rule)
	}
	return l
}
