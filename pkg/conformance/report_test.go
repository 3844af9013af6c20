package conformance_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
)

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range contract.Checked(contract.Live) {
		if seen[r.ID] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(r.ID) || len(r.ID) > 17 {
			t.Errorf("%q is no good name", r.ID)
		}
		seen[r.ID] = true
		if r.Point < 1 || r.What == "" || strings.HasSuffix(r.What, ".") || !strings.HasSuffix(r.Why, ".") || !strings.HasSuffix(r.Fix, ".") {
			t.Errorf("%+v", r)
		}
	}
	if len(seen) != 43 {
		t.Errorf("there are %d rules", len(seen))
	}
}

// all is a report in which every rule has passed, with changes.
func all(change func(rule string, r *conformance.Result)) *conformance.Report {
	report := &conformance.Report{Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), StartSeconds: 0.07}
	for _, rule := range contract.Checked(contract.Live) {
		r := conformance.Result{Rule: rule.ID, Verdict: conformance.Pass, Seconds: 0.001}
		change(rule.ID, &r)
		report.Results = append(report.Results, r)
	}
	return report
}

func good(string, *conformance.Result) {}

func TestReadReport(t *testing.T) {
	const other = ": it is from a probe of another version"
	for _, c := range []struct {
		name   string
		change func(*conformance.Report)
		want   string // of the error; "" for none
	}{
		{"good", func(*conformance.Report) {}, ""},
		{"no rule", func(r *conformance.Report) { r.Results = nil }, "the report has 0 results, not 43" + other},
		{"a rule less", func(r *conformance.Report) { r.Results = r.Results[1:] }, "the report has 42 results, not 43" + other},
		{"a rule more", func(r *conformance.Report) { r.Results = append(r.Results, r.Results[0]) }, "the report has 44 results, not 43" + other},
		{"another rule", func(r *conformance.Report) { r.Results[1].Rule = "folder" }, `the report has "folder" where "folders" belongs` + other},
		{"a rule twice", func(r *conformance.Report) { r.Results[1] = r.Results[0] }, `the report has "user" where "folders" belongs` + other},
		{"another order", func(r *conformance.Report) { slices.Reverse(r.Results) }, `the report has "stop" where "user" belongs` + other},
		{"no verdict", func(r *conformance.Report) { r.Results[2].Verdict = "" }, `the report has the verdict "" for scripts`},
		{"another verdict", func(r *conformance.Report) { r.Results[2].Verdict = "maybe" }, `the report has the verdict "maybe" for scripts`},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := all(good)
			c.change(report)
			data, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			read, err := conformance.ReadReport(data)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if err == nil && (read.StartSeconds != report.StartSeconds || !read.Time.Equal(report.Time) || !slices.Equal(read.Results, report.Results)) {
				t.Errorf("got %+v", read)
			}
		})
	}
	for _, text := range []string{"", "null", "{", "[]", "{}", "<html>", `{"results": {}}`} {
		if _, err := conformance.ReadReport([]byte(text)); err == nil {
			t.Errorf("%q is read as a report", text)
		}
	}
}

// TestReadChecks: a report is about exactly the checks that were asked, and each has
// passed or failed.
func TestReadChecks(t *testing.T) {
	const other = ": it is from a probe of another version"
	pass, fail := conformance.Result{Check: "a", Verdict: conformance.Pass}, conformance.Result{Check: "b", Verdict: conformance.Fail}
	for _, c := range []struct {
		name    string
		results []conformance.Result
		want    string // of the error; "" for none
	}{
		{"good", []conformance.Result{pass, fail}, ""},
		{"none", nil, "the report has 0 results, not 2" + other},
		{"one less", []conformance.Result{pass}, "the report has 1 results, not 2" + other},
		{"one twice", []conformance.Result{pass, pass}, `the report has "check a" where "check b" belongs` + other},
		{"another order", []conformance.Result{fail, pass}, `the report has "check b" where "check a" belongs` + other},
		{"a rule", []conformance.Result{pass, {Rule: "b", Verdict: conformance.Pass}}, `the report has "b" where "check b" belongs` + other},
		{"a rule besides", []conformance.Result{pass, {Rule: "user", Check: "b", Verdict: conformance.Pass}}, `the report has "check b" where "check b" belongs` + other},
		{"not run", []conformance.Result{pass, {Check: "b", Verdict: conformance.NotRun}}, `the report has the verdict "not run" for check b`},
		{"no verdict", []conformance.Result{pass, {Check: "b"}}, `the report has the verdict "" for check b`},
	} {
		data, err := json.Marshal(conformance.Report{Results: c.results})
		if err != nil {
			t.Fatal(err)
		}
		report, err := conformance.ReadChecks(data, []string{"a", "b"})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want || (report == nil) != (err != nil) {
			t.Errorf("%s: got %v, %q, want %q", c.name, report, got, c.want)
		}
	}
	if _, err := conformance.ReadReport([]byte(`{"results":[]}`)); err == nil {
		t.Error("no rules are a report")
	}
	if report, err := conformance.ReadChecks([]byte("{"), nil); err == nil || report != nil {
		t.Errorf("got %v, %v", report, err)
	}
}

// TestAnd: two reports are one, as old as the older.
func TestAnd(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	rules := &conformance.Report{Time: late, StartSeconds: 1, Results: []conformance.Result{{Rule: "user"}}}
	checks := &conformance.Report{Time: early, Results: []conformance.Result{{Check: "a"}}}
	both := rules.And(checks)
	if len(both.Results) != 2 || both.Results[1].Check != "a" || !both.Time.Equal(early) || both.StartSeconds != 1 || len(rules.Results) != 1 {
		t.Errorf("got %+v", both)
	}
	var none *conformance.Report
	if rules.And(nil) != rules || none.And(checks) != checks {
		t.Error("one alone is another")
	}
}

func TestJoin(t *testing.T) {
	result := func(verdict conformance.Verdict, reason string, took float64) conformance.Result {
		return conformance.Result{Rule: "folders", Verdict: verdict, Reason: reason, Seconds: took}
	}
	const ms = 0.001
	for _, c := range []struct {
		name  string
		steps [][]conformance.Result
		want  conformance.Result
	}{
		{"nothing", nil, result(conformance.NotRun, conformance.Undecided, 0)},
		{"one", [][]conformance.Result{{result(conformance.Pass, "", ms)}}, result(conformance.Pass, "", ms)},
		{"failed later", [][]conformance.Result{{result(conformance.Pass, "", ms)}, {result(conformance.Fail, "", ms)}}, result(conformance.Fail, "", 2*ms)},
		{"failed before", [][]conformance.Result{{result(conformance.Fail, "", ms)}, {result(conformance.Pass, "", ms)}}, result(conformance.Fail, "", 2*ms)},
		{"run in one", [][]conformance.Result{{result(conformance.NotRun, "no", 0)}, {result(conformance.Pass, "", ms)}, {result(conformance.NotRun, "no", 0)}}, result(conformance.Pass, "", ms)},
		{"the first reason", [][]conformance.Result{{result(conformance.NotRun, "first", 0), result(conformance.NotRun, "second", 0)}}, result(conformance.NotRun, "first", 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			joined := conformance.Join(c.steps...)
			for i, rule := range contract.Checked(contract.Live) {
				want := conformance.Result{Rule: rule.ID, Verdict: conformance.NotRun, Reason: conformance.Undecided}
				if rule.ID == "folders" {
					want = c.want
				}
				if joined[i] != want {
					t.Errorf("got %+v, want %+v", joined[i], want)
				}
			}
		})
	}
}

func TestErr(t *testing.T) {
	if err := all(good).Err(); err != nil {
		t.Error(err)
	}
	err := all(func(rule string, r *conformance.Result) {
		if rule == "user" || rule == "stop" {
			r.Verdict, r.Want, r.Got = conformance.Fail, "this", "that"
		}
	}).Err()
	if want := "user: want this, got that\nstop: want this, got that"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// FuzzReadReport: what is no report is refused, and what is one comes back
// from its text as it was.
func FuzzReadReport(f *testing.F) {
	for _, report := range []*conformance.Report{all(good), {}} {
		data, err := json.Marshal(report)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"results": [{"rule": "user", "verdict": "pass"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		report, err := conformance.ReadReport(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		read, err := conformance.ReadReport(again)
		if err != nil || !slices.Equal(read.Results, report.Results) {
			t.Errorf("%s comes back as %s: %v", data, again, err)
		}
	})
}
