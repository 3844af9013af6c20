package testrun_test

import (
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/platform"
)

// TestBudget: a start above its budget fails, with the figure, the limit and the place;
// one that says nothing is not run, and says why.
func TestBudget(t *testing.T) {
	limit := catalogue.Limit{Most: 5e8, Text: "500 ms", At: hcl.Range{Filename: "runtimes/node/runtime.hcl", Start: hcl.Pos{Line: 5, Column: 13}}}
	native := platform.Host() == "linux/amd64"
	for _, c := range []struct {
		seconds float64
		limit   catalogue.Limit
		want    conformance.Result
	}{
		{0.5, limit, conformance.Result{Check: "budget.start", Verdict: conformance.Pass}},
		{0.6204, limit, conformance.Result{
			Check: "budget.start", Verdict: conformance.Fail, Got: "620ms",
			Want: "a first answer after 500 ms at most, the budget at runtimes/node/runtime.hcl:5:13",
		}},
		{0, limit, conformance.Result{Check: "budget.start", Verdict: conformance.NotRun, Reason: "no start of a server was measured"}},
		{9, catalogue.Limit{}, conformance.Result{}},
	} {
		v := version("node-22", "linux/amd64")
		v.Budget.Start = c.limit
		s := &stand{seconds: c.seconds, results: map[string]engine.Result{"test-node-22": {}}}
		runs, err := start(t, s).Test(t.Context(), []*catalogue.Version{v}, true)
		if err != nil || len(runs) != 1 || runs[0].Report == nil {
			t.Fatalf("got %+v, %v", runs, err)
		}
		if !native && c.seconds > 0 && c.limit.Most > 0 {
			c.want = conformance.Result{Check: "budget.start", Verdict: conformance.NotRun, Reason: "linux/amd64 may be emulated here: what a start takes says nothing"}
		}
		got := runs[0].Report.Results[len(runs[0].Report.Results)-1]
		if c.want == (conformance.Result{}) {
			if got.Check != "" {
				t.Errorf("without a budget: %+v", got)
			}
			continue
		}
		if got != c.want || runs[0].Failed() != (c.want.Verdict == conformance.Fail) {
			t.Errorf("%v s: got %+v, want %+v", c.seconds, got, c.want)
		}
	}
}

// TestBudgetElsewhere: what a platform takes that this machine does not have is not held
// against a budget.
func TestBudgetElsewhere(t *testing.T) {
	foreign := "linux/s390x"
	if platform.Host() == foreign {
		t.Fatal("this machine has it")
	}
	v := version("node-22", foreign)
	v.Budget.Start = catalogue.Limit{Most: 1, Text: "1ns"}
	s := &stand{seconds: 9, as: "linux_s390x", results: map[string]engine.Result{"test-node-22": {}}}
	runner := start(t, s)
	runner.Platform = foreign
	runs, err := runner.Test(t.Context(), []*catalogue.Version{v}, true)
	if err != nil || len(runs) != 1 || runs[0].Report == nil {
		t.Fatalf("got %+v, %v", runs, err)
	}
	got := runs[0].Report.Results[len(runs[0].Report.Results)-1]
	if got.Verdict != conformance.NotRun || got.Reason != "linux/s390x may be emulated here: what a start takes says nothing" || runs[0].Failed() {
		t.Errorf("got %+v", got)
	}
}
