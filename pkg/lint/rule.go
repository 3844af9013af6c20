package lint

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/buildcheck"
	"github.com/runbake/runbake/pkg/catalogue"
)

// Severity is what a finding of a rule is.
type Severity int

// Severities, as they are written in definitions: off, warning and error.
const (
	Off Severity = iota
	Warning
	Error
)

// String is how definitions write it.
func (s Severity) String() string {
	return [...]string{"off", "warning", "error"}[s]
}

func parseSeverity(s string) Severity {
	return map[string]Severity{"warning": Warning, "error": Error}[s]
}

// Rule is one row of the table: a point of the contract that the files of a
// repository decide.
type Rule struct {
	ID     string
	Number int // of the contract's list; 0 for what is only good practice
	Guide  Severity
	Strict Severity
	What   string // what must be so
	Why    string
	Mend   string
	// version checks one version, repository what belongs to none.
	version    func(*subject) []finding
	repository func(*linter) []finding
}

// Severity is that of the rule at a level of the catalogue.
func (r *Rule) Severity(level string) Severity {
	if level == catalogue.Guide {
		return r.Guide
	}
	return r.Strict
}

// URL is the page that explains the rule.
func (r *Rule) URL() string { return Page + "#" + r.ID }

// Page is where the rules are explained.
const Page = "https://github.com/runbake/runbake/blob/main/docs/contract.md"

// finding is a place that a rule does not hold for.
type finding struct {
	at      hcl.Range
	summary string
	detail  string // before the rule's own way to mend it
	mend    string // instead of that
	soft    bool   // works where it is: a warning at most
}

// Rules lists the rules in the order of the contract.
func Rules() []Rule {
	return slices.Concat(folderRules(), baseRules(), userRules(), ownerRules(), scriptPlaceRules(), commandRules(), scriptRules(), buildScriptRules(), launchScriptRules(), otherRules())
}

// buildKitRules are the names of BuildKit's checks, which severities can be
// given to as well.
func buildKitRules() map[string]string {
	urls := map[string]string{}
	for _, r := range buildcheck.Rules() {
		urls[r.Name] = r.URL
	}
	return urls
}

// event is what following a Dockerfile has found on the way, for the rule of
// that id.
func event(id string) func(*subject) []finding {
	return func(s *subject) []finding { return s.image.events[id] }
}
