// Package contract is what an image must be that the function executor builds
// functions in and runs them in: one table of rules, and the names and numbers
// that they are about. Package lint decides the rules that files break, package
// conformance/probe those that only a running image can break.
//
// It has the standard library only, as the probe has.
package contract

import "slices"

// Where says where a rule is checked.
type Where int

// Places where rules are checked.
const (
	InFiles Where = 1 << iota // by lint, in the files of a repository
	Live                      // by a test, of the running image
	Both    = InFiles | Live
)

// Severity is what a finding of a rule in files is.
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

// Rule is one row of the table.
type Rule struct {
	ID     string
	Point  int // of the contract, see [Points]; 0 for what is only good practice
	Where  Where
	Any    bool     // it holds for images of no contract, too
	Strict Severity // of findings in files, at the level strict
	Guide  Severity // the same at the level guide
	What   string   // what must be so
	Why    string
	Fix    string
}

// Page is where the rules are explained.
const Page = "https://github.com/runbake/runbake/blob/main/docs/contract.md"

// URL is the place of the page that explains the rule.
func (r *Rule) URL() string { return Page + "#" + r.ID }

// Rules is the table: what the image must be, the build, the start, the answers,
// the end. A test shows results in this order.
func Rules() []Rule {
	return slices.Concat(folderRules(), baseRules(), userRules(), ownerRules(), scriptPlaceRules(), scriptRules(),
		architectureRules(), buildRules(), launchRules(), startRules(), serverRules(), challengeRules(),
		requestRules(), responseRules(), errorRules(), endRules(), otherRules())
}

// Checked lists the rules that are checked in a place.
func Checked(where Where) []Rule {
	return slices.DeleteFunc(Rules(), func(r Rule) bool { return r.Where&where == 0 })
}
