package definition

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
)

// Lint is a lint block: how strictly the contract is checked.
type Lint struct {
	Level *String
	Rules []LintRule
	Range hcl.Range
}

// LintRule is a rule block in it: another severity for one rule.
type LintRule struct {
	ID       String
	Severity *String
	Reason   *String
	Range    hcl.Range
}

// lint decodes the lint block of a project, runtime or base.
func (d *decoder) lint(content *hcl.BodyContent, of string) *Lint {
	b := d.single(content, "lint", fmt.Sprintf("a %s has one lint block", of))
	if b == nil {
		return nil
	}
	inner := d.content(b.Body, &hcl.BodySchema{
		Attributes: attributes("level"),
		Blocks:     []hcl.BlockHeaderSchema{{Type: "rule", LabelNames: []string{"id"}}},
	}, map[string]string{"severity": "a rule block", "reason": "a rule block"})
	l := &Lint{Level: d.string(inner.Attributes["level"]), Range: b.DefRange}
	seen := map[string]hcl.Range{}
	for _, r := range inner.Blocks {
		a := d.content(r.Body, &hcl.BodySchema{Attributes: attributes("severity", "reason")}, nil).Attributes
		rule := LintRule{ID: String{r.Labels[0], r.LabelRanges[0]}, Severity: d.string(a["severity"]), Reason: d.string(a["reason"]), Range: r.DefRange}
		if first, dup := seen[rule.ID.Value]; dup {
			d.report(&rule.ID.Range, fmt.Sprintf("Duplicate rule %q", rule.ID.Value), fmt.Sprintf("It was given at %s already. Remove one of the two.", diag.Place(first)))
			continue
		}
		seen[rule.ID.Value] = rule.ID.Range
		for name, missing := range map[string]bool{"severity": a["severity"] == nil, "reason": a["reason"] == nil} {
			if missing {
				d.report(&rule.Range, fmt.Sprintf("Rule %q has no %s", rule.ID.Value, name),
					`Write for example severity = "off" and reason = "The vendor has no other tag."`)
			}
		}
		l.Rules = append(l.Rules, rule)
	}
	return l
}
