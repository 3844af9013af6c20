package testrun_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/check"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/testrun"
)

// stand is a BuildKit that leaves a report: an old one of a failure from the cache,
// and a new one of success when it may not use that.
type stand struct {
	t        *testing.T
	now      time.Time
	results  map[string]engine.Result
	err      error
	requests []engine.Request
	checks   []string // that have been run
	seconds  float64  // until the first answer
	as       string   // folder of the platform; "" for linux_amd64
}

func (s *stand) Build(_ context.Context, r engine.Request) (map[string]engine.Result, error) {
	s.requests = append(s.requests, r)
	fresh := slices.ContainsFunc(r.Overrides, func(o string) bool { return strings.Contains(o, ".no-cache-filter=") })
	for _, o := range r.Overrides {
		if _, rest, found := strings.Cut(o, ",dest="); found {
			folder, _, _ := strings.Cut(rest, ",")
			s.report(filepath.Join(folder, cmp.Or(s.as, "linux_amd64")), fresh)
		}
	}
	return s.results, s.err
}

func (s *stand) report(folder string, fresh bool) {
	report := conformance.Report{Time: s.now.Add(-time.Hour), StartSeconds: s.seconds}
	verdict := conformance.Fail
	if fresh {
		report.Time, verdict = s.now.Add(time.Second), conformance.Pass
	}
	if strings.Contains(folder, "/check-") {
		for _, name := range s.checks {
			report.Results = append(report.Results, conformance.Result{Check: name, Verdict: conformance.Pass})
		}
		s.write(folder, report)
		return
	}
	for _, rule := range contract.Checked(contract.Live) {
		report.Results = append(report.Results, conformance.Result{Rule: rule.ID, Verdict: verdict})
	}
	s.write(folder, report)
}

func (s *stand) write(folder string, report conformance.Report) {
	text, err := json.Marshal(report)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "report.json"), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func version(id string, platforms ...string) *catalogue.Version {
	return &catalogue.Version{
		ID: id, Target: id, Platforms: platforms,
		Runtime: &catalogue.Runtime{Kind: catalogue.Interpreted, Fixture: "tests/a", Entrypoint: "a.js"},
	}
}

func start(t *testing.T, s *stand) *testrun.Runner {
	t.Helper()
	s.t, s.now = t, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	return &testrun.Runner{
		Engine: s, Platform: "linux/amd64", Reports: t.TempDir(), Arguments: []string{"node-22.args.SOURCE_DATE_EPOCH=7"},
		Now: func() time.Time { return s.now },
	}
}

// TestAgain: a failure from the cache is asked once more, and the new answer
// counts.
func TestAgain(t *testing.T) {
	s := &stand{results: map[string]engine.Result{"test-node-22": {}}}
	runs, err := start(t, s).Test(t.Context(), []*catalogue.Version{version("node-22", "linux/amd64", "linux/arm64")}, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].Platform != "linux/amd64" || runs[0].Failed() || runs[0].Cached {
		t.Errorf("got %+v", runs)
	}
	if len(s.requests) != 2 {
		t.Fatalf("it was asked %d times", len(s.requests))
	}
	want := slices.Concat([]string{"node-22.args.SOURCE_DATE_EPOCH=7"}, engine.NoAttestations(), []string{"test-node-22.target=report"})
	if got := s.requests[0].Overrides; !slices.Equal(got[:len(want)], want) || len(got) != len(want)+1 {
		t.Errorf("got %q, want %q and an output", got, want)
	}
	if got := s.requests[1].Overrides; got[len(got)-1] != "test-node-22.no-cache-filter=tests" {
		t.Errorf("the second time: %q", got)
	}
}

// TestChecks: what an image is asked by its definition is reported with what it is
// asked by the contract, and a report that is about other checks is none.
func TestChecks(t *testing.T) {
	both := version("node-22", "linux/amd64")
	both.Checks = []check.Check{{Name: "b"}, {Name: "a"}}
	alone := version("api-1", "linux/amd64")
	alone.Runtime.Fixture, alone.Checks = "", both.Checks
	for _, c := range []struct {
		ran  []string
		want string // of both runs
	}{
		{[]string{"b", "a"}, ""},
		{[]string{"a", "b"}, `the report has "check a" where "check b" belongs: it is from a probe of another version`},
		{[]string{"b"}, "the report has 1 results, not 2: it is from a probe of another version"},
		{nil, "the report has 0 results, not 2: it is from a probe of another version"},
	} {
		s := &stand{checks: c.ran, results: map[string]engine.Result{"test-node-22": {}, "check-node-22": {}, "check-api-1": {}}}
		runs, err := start(t, s).Test(t.Context(), []*catalogue.Version{both, alone}, true)
		if err != nil || len(runs) != 2 || runs[0].Error != c.want || runs[1].Error != c.want {
			t.Errorf("%q: got %+v, %v", c.ran, runs, err)
			continue
		}
		if failed := c.want != ""; runs[0].Failed() != failed || runs[1].Failed() != failed {
			t.Errorf("%q: %+v", c.ran, runs)
		}
		if targets := s.requests[0].Targets; !slices.Equal(targets, []string{"test-node-22", "check-node-22", "check-api-1"}) {
			t.Errorf("it builds %q", targets)
		}
	}
	s := &stand{checks: []string{"b", "a"}, results: map[string]engine.Result{"test-node-22": {}, "check-node-22": {Err: errors.New("exit code: 1")}}}
	runs, err := start(t, s).Test(t.Context(), []*catalogue.Version{both}, true)
	if err != nil || runs[0].Error != "exit code: 1" || !runs[0].Failed() {
		t.Errorf("got %+v, %v", runs, err)
	}
	s = &stand{checks: []string{"b", "a"}, results: map[string]engine.Result{"test-node-22": {}, "check-node-22": {}}}
	if runs, err = start(t, s).Test(t.Context(), []*catalogue.Version{both}, true); err != nil || len(runs[0].Report.Results) != 45 {
		t.Errorf("got %+v, %v", runs, err)
	}
}

// TestUnfinished: when it is interrupted, what is finished is there; and what could
// not be built says why.
func TestUnfinished(t *testing.T) {
	both := []*catalogue.Version{version("node-22", "linux/amd64"), version("go-1.26", "linux/amd64")}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &stand{results: map[string]engine.Result{"test-node-22": {}, "test-go-1.26": {Aborted: true}}, err: context.Canceled}
	runs, err := start(t, s).Test(ctx, both, true)
	if !errors.Is(err, context.Canceled) || len(runs) != 1 || runs[0].ID != "node-22" {
		t.Errorf("got %+v, %v", runs, err)
	}
	if left := testrun.Left(both, runs); !slices.Equal(left, []string{"go-1.26"}) {
		t.Errorf("left %q", left)
	}
	s = &stand{results: map[string]engine.Result{"test-node-22": {Err: errors.New("exit code: 7")}, "test-go-1.26": {}}}
	runs, err = start(t, s).Test(t.Context(), both, true)
	if err != nil || len(runs) != 2 || runs[0].Error != "exit code: 7" || runs[1].Failed() {
		t.Errorf("got %+v, %v", runs, err)
	}
	s = &stand{err: errors.New("BuildKit is gone")}
	if runs, err := start(t, s).Test(t.Context(), both, true); err == nil || runs != nil {
		t.Errorf("got %+v, %v", runs, err)
	}
	_, err = start(t, &stand{}).Test(t.Context(), []*catalogue.Version{version("cpp-20", "linux/arm64")}, true)
	if nothing, is := errors.AsType[*testrun.NothingError](err); !is || nothing.Error() != "none of these runtimes is for linux/amd64" {
		t.Errorf("got %v", err)
	}
}

// TestTestable: what is left out, and what is said of it.
func TestTestable(t *testing.T) {
	base, bare, old := version("debian-12", "linux/amd64"), version("lua-5", "linux/amd64"), version("php-8.0", "linux/amd64")
	base.Runtime.Kind, bare.Runtime.Fixture, old.Deprecated = catalogue.Base, "", "2025-01-01"
	mixed, windows := version("go-1.26", "linux/amd64", "windows/amd64"), version("dotnet-9", "windows/amd64")
	service, asked := version("api-1", "linux/amd64"), version("os-12", "linux/amd64")
	service.Runtime.Fixture, service.Runtime.Contract = "", catalogue.NoContract
	asked.Runtime.Kind, asked.Checks = catalogue.Base, []check.Check{{Name: "a"}}
	all := []*catalogue.Version{base, bare, old, mixed, windows, service, asked}
	const (
		noFixture = "lua-5 is not tested: its definition has no checks, and no fixture or no entrypoint"
		noChecks  = "api-1 is not tested: its definition has no checks"
		dotnet    = "dotnet-9 is not tested for windows/amd64: BuildKit runs on Linux, where it cannot run"
		golang    = "go-1.26 is not tested for windows/amd64: BuildKit runs on Linux, where it cannot run"
	)
	for _, c := range []struct {
		asked string
		named bool
		want  []string
		notes []string
	}{
		{"", false, []string{"go-1.26", "os-12"}, []string{noFixture, dotnet, noChecks}},
		{"", true, []string{"php-8.0", "go-1.26", "os-12"}, []string{"debian-12 is a base without checks: it is tested by the runtimes that it runs", noFixture, dotnet, noChecks}},
		{"all", false, []string{"go-1.26", "os-12"}, []string{noFixture, golang, dotnet, noChecks}},
		{"windows/amd64", false, []string{"os-12"}, []string{noFixture, golang, dotnet, noChecks}},
	} {
		testable, notes := testrun.Testable(all, c.asked, c.named)
		var got []string
		for _, v := range testable {
			got = append(got, v.ID)
		}
		if !slices.Equal(got, c.want) || !slices.Equal(notes, c.notes) {
			t.Errorf("--platform=%s, named %t: got %q and %q", c.asked, c.named, got, notes)
		}
	}
}
