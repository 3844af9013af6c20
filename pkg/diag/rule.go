package diag

import "github.com/hashicorp/hcl/v2"

// Rule is the Extra of a diagnostic that a rule has made: a name to find it by and
// the page that explains it. Services that list rules show what it says.
type Rule struct {
	ID      string
	URL     string
	What    string // must be so
	Why     string
	Fix     string
	Warning bool // its findings are warnings unless they say otherwise
}

// RuleOf returns the rule that made a diagnostic; its ID is "" when none did.
func RuleOf(d *hcl.Diagnostic) Rule {
	rule, _ := hcl.DiagnosticExtra[Rule](d)
	return rule
}
