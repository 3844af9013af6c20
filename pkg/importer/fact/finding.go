package fact

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
)

// Finding is what a diagnostic of an import carries besides its text, for
// programs: see [hcl.Diagnostic.Extra].
type Finding struct {
	Rule   string      // which of the Rule constants
	Others []hcl.Range // the other places that it is about
}

// What a finding is about.
const (
	RuleNotUnderstood   = "not-understood"    // something in a source is not understood
	RuleInexpressible   = "inexpressible"     // understood, but definitions have no word for it
	RuleIgnored         = "ignored"           // an option that says nothing about the image
	RuleContradiction   = "contradiction"     // sources make different images of one name
	RuleMissing         = "missing"           // an image that another script has
	RuleTags            = "tags"              // tags differ
	RuleLabels          = "labels"            // labels differ
	RulePlatforms       = "platforms"         // platforms differ
	RuleFolder          = "folder"            // a folder that does not exist
	RuleDuplicate       = "duplicate"         // an image is built twice
	RuleTitle           = "title"             // a message names another version
	RuleArgument        = "argument"          // a build argument without effect
	RuleNotBuilt        = "not-built"         // registered, but not built
	RuleNotRegistered   = "not-registered"    // built, but not registered
	RuleRegisteredImage = "registered-image"  // a version has the image of another
	RuleRegisteredKey   = "registered-key"    // the registry class contradicts itself
	RuleDeprecated      = "deprecated"        // since when is not known
	RuleRegistry        = "registry"          // where images are pushed to
	RuleTest            = "test"              // the table of tests says something else
	RuleUnreachable     = "unreachable"       // commands that are never run
	RuleDefinition      = "definition"        // what the written definitions are told by lint
	RuleExists          = "definition-exists" // a file would be overwritten
)

// Findings collects diagnostics.
type Findings struct {
	Diagnostics hcl.Diagnostics
}

func (f *Findings) add(severity hcl.DiagnosticSeverity, rule string, at hcl.Range, others []hcl.Range,
	summary, detail string,
) {
	f.Diagnostics = append(f.Diagnostics, &hcl.Diagnostic{
		Severity: severity, Summary: summary, Detail: detail, Subject: at.Ptr(), Extra: Finding{rule, others},
	})
}

// Fail appends an error: something that is in no definition, or wrong there.
func (f *Findings) Fail(rule string, at hcl.Range, summary, detail string, others ...hcl.Range) {
	f.add(hcl.DiagError, rule, at, others, summary, detail)
}

// Warn appends a warning: something that a definition settles one way or the
// other.
func (f *Findings) Warn(rule string, at hcl.Range, summary, detail string, others ...hcl.Range) {
	f.add(hcl.DiagWarning, rule, at, others, summary, detail)
}

// Shorten keeps a summary on one line.
func Shorten(s string) string {
	const limit = 80
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// Enumerate lists places, the first ones of many.
func Enumerate(places []hcl.Range) string {
	const most = 4
	parts := make([]string, 0, most)
	for _, p := range places {
		if len(parts) == most {
			return fmt.Sprintf("%s and %d more", strings.Join(parts, ", "), len(places)-most)
		}
		parts = append(parts, diag.Place(p))
	}
	return strings.Join(parts, ", ")
}
