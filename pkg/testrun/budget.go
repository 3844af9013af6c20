package testrun

import (
	"time"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/platform"
)

// startCheck is the name of the check that a budget for the start is.
const startCheck = "budget.start"

// withinBudget adds what became of the budget for the start, where the definition has
// one. A platform that is not that of this machine may be
// emulated, and what a start takes there says nothing.
func withinBudget(v *catalogue.Version, run *conformance.Run) {
	limit := v.Budget.Start
	if limit.Most == 0 || run.Report == nil {
		return
	}
	took := time.Duration(run.Report.StartSeconds * float64(time.Second)).Round(time.Millisecond)
	result := conformance.Result{Check: startCheck, Verdict: conformance.Pass}
	switch {
	case run.Report.StartSeconds == 0:
		result.Verdict, result.Reason = conformance.NotRun, "no start of a server was measured"
	case !platform.Fits(platform.Host(), run.Platform):
		result.Verdict, result.Reason = conformance.NotRun, run.Platform+" may be emulated here: what a start takes says nothing"
	case limit.Exceeded(int64(took), "") != "":
		result.Verdict = conformance.Fail
		result.Want = "a first answer after " + limit.Text + " at most, the budget at " + diag.Place(limit.At)
		result.Got = took.String()
	}
	run.Report = run.Report.And(&conformance.Report{Time: run.Report.Time, Results: []conformance.Result{result}})
}
