// Package conformance is what a test of running images found of the contract, and
// reports of that. It is data and formats; package probe, below it, does the
// questioning, inside the image.
package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/runbake/runbake/pkg/contract"
)

// Verdict says how a rule fared.
type Verdict string

// Verdicts.
const (
	Pass   Verdict = "pass"
	Fail   Verdict = "fail"
	NotRun Verdict = "not run"
)

// Result is what a test found of one rule, or of a check of the definition.
type Result struct {
	Rule    string  `json:"rule,omitempty"`
	Check   string  `json:"check,omitempty"` // its name, when it is no rule
	Verdict Verdict `json:"verdict"`
	Want    string  `json:"want,omitempty"`   // of a failure
	Got     string  `json:"got,omitempty"`    // of a failure
	Reason  string  `json:"reason,omitempty"` // why it was not run
	Log     string  `json:"log,omitempty"`    // what the server wrote meanwhile, of a failure
	Seconds float64 `json:"seconds"`
}

// Report is what a test of one version on one platform found.
type Report struct {
	Time         time.Time `json:"time"`         // when it was made; one that comes from a cache is old
	StartSeconds float64   `json:"startSeconds"` // from launch.sh to the first answer; 0 if there was none
	Results      []Result  `json:"results"`
}

// ReadReport reads what a probe wrote. A report that lacks a rule, has one
// twice, or has one that does not exist is refused: it is from a probe of
// another version, or was cut short.
func ReadReport(data []byte) (*Report, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading the report of a probe: %w", err)
	}
	var want []Result
	for _, rule := range contract.Checked(contract.Live) {
		want = append(want, Result{Rule: rule.ID})
	}
	return r.about(want, Pass, Fail, NotRun)
}

// ReadChecks reads what a probe wrote of checks. A report that is not about
// exactly these checks is refused, and so is a check that was not run: each looks
// at something, or fails.
func ReadChecks(data []byte, names []string) (*Report, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading the report of a probe: %w", err)
	}
	var want []Result
	for _, name := range names {
		want = append(want, Result{Check: name})
	}
	return r.about(want, Pass, Fail)
}

// about is the report if it has these results, each with one of some verdicts.
func (r *Report) about(want []Result, verdicts ...Verdict) (*Report, error) {
	if len(r.Results) != len(want) {
		return nil, fmt.Errorf("the report has %d results, not %d: it is from a probe of another version", len(r.Results), len(want))
	}
	for i, result := range r.Results {
		if result.Rule != want[i].Rule || result.Check != want[i].Check {
			return nil, fmt.Errorf("the report has %q where %q belongs: it is from a probe of another version", result.Name(), want[i].Name())
		}
		if !slices.Contains(verdicts, result.Verdict) {
			return nil, fmt.Errorf("the report has the verdict %q for %s", result.Verdict, result.Name())
		}
	}
	return r, nil
}

// Name is what a result is about, for people.
func (r *Result) Name() string {
	if r.Check != "" {
		return "check " + r.Check
	}
	return r.Rule
}

// And is a report with the results of another behind its own, as old as the older
// of the two. Either may be nil.
func (r *Report) And(other *Report) *Report {
	switch {
	case r == nil:
		return other
	case other == nil:
		return r
	}
	both := *r
	both.Results = slices.Concat(r.Results, other.Results)
	if other.Time.Before(both.Time) {
		both.Time = other.Time
	}
	return &both
}

// Undecided is the reason of a rule that no step of a test has decided.
const Undecided = "this test does not ask it"

// Join makes one report of the results of several steps. A rule that failed
// anywhere has failed; one that no step decided was not run.
func Join(steps ...[]Result) []Result {
	worst := map[string]Result{}
	for _, r := range slices.Concat(steps...) {
		have, known := worst[r.Rule]
		if !known || rank(r.Verdict) > rank(have.Verdict) {
			r.Seconds += have.Seconds
			worst[r.Rule] = r
			continue
		}
		have.Seconds += r.Seconds
		worst[r.Rule] = have
	}
	var joined []Result
	for _, rule := range contract.Checked(contract.Live) {
		r, known := worst[rule.ID]
		if !known {
			r = Result{Rule: rule.ID, Verdict: NotRun, Reason: Undecided}
		}
		joined = append(joined, r)
	}
	return joined
}

// rank orders verdicts: a failure is worse than all, and a rule that passed
// somewhere was run.
func rank(v Verdict) int {
	return slices.Index([]Verdict{NotRun, Pass, Fail}, v)
}

// Count says how many rules have a verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, result := range r.Results {
		if result.Verdict == v {
			n++
		}
	}
	return n
}

// Err is an error that names the rules that failed; nil if none did.
func (r *Report) Err() error {
	var errs []error
	for _, result := range r.Results {
		if result.Verdict == Fail {
			errs = append(errs, fmt.Errorf("%s: want %s, got %s", result.Name(), result.Want, result.Got))
		}
	}
	return errors.Join(errs...)
}
