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

// suppressed is the Extra of a diagnostic that is known and does not count.
type suppressed struct{ extra any }

var _ hcl.DiagnosticExtraUnwrapper = suppressed{}

// UnwrapDiagnosticExtra implements [hcl.DiagnosticExtraUnwrapper].
func (s suppressed) UnwrapDiagnosticExtra() any { return s.extra }

// Suppress returns diagnostics as ones that are known and do not count, for formats
// that list those as well.
func Suppress(diags hcl.Diagnostics) hcl.Diagnostics {
	all := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		clone := *d
		clone.Extra = suppressed{d.Extra}
		all[i] = &clone
	}
	return all
}

// Suppressed reports whether a diagnostic is known and does not count.
func Suppressed(d *hcl.Diagnostic) bool {
	_, is := hcl.DiagnosticExtra[suppressed](d)
	return is
}

// RuleOf returns the rule that made a diagnostic; its ID is "" when none did.
func RuleOf(d *hcl.Diagnostic) Rule {
	rule, _ := hcl.DiagnosticExtra[Rule](d)
	return rule
}
