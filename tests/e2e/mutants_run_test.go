package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/tests/bench"
)

var update = flag.Bool("update", false, "write the table of mutants")

// mutantImage is what mutants of node are built on.
const mutantImage = "node:24.21.0-bookworm-slim"

// mutantsPage is the table, as documentation.
const mutantsPage = root + "/docs/mutants.md"

// newMutantStack runs few servers at a time: they are judged by the clock too.
func newMutantStack(t *testing.T) *stack {
	t.Helper()
	options := bench.BuildKitOptions{State: "mutants", Parallel: 2 * runtime.NumCPU()}
	return newStackWith(t, options, "debian:bookworm-slim", "golang:1.26.8-bookworm", mutantImage)
}

// TestMutants: each rule is broken by a copy of a good runtime, and the test
// finds that rule broken and no other; what it could not ask follows from the
// break. Servers that hang, lie or flood are judged in time.
func TestMutants(t *testing.T) {
	s := newMutantStack(t)
	list := mutants()
	for _, rule := range contract.Checked(contract.Live) {
		if !slices.ContainsFunc(list, func(m mutant) bool { return m.rule == rule.ID }) {
			t.Errorf("no mutant breaks %s", rule.ID)
		}
	}
	some := fewMutants(t, list)
	if some != nil {
		list = some
	}
	dir := t.TempDir()
	writeMutants(t, dir, list)
	out := s.test(t, dir, "--platform=all", "--probe="+s.Mounted("probe"))
	t.Logf("%d mutants in %.1f s", len(list), out.took.Seconds())
	if out.code != 1 || len(out.runs) != len(list)+1 {
		t.Fatalf("exit code %d, %d runs\n%s", out.code, len(out.runs), out.stderr)
	}
	notAsked := map[string][]string{} // by id: rules
	for _, m := range list {
		for _, r := range out.runs {
			if r.ID == m.id() {
				t.Run(m.key()+"/"+r.Platform, func(t *testing.T) { notAsked[r.ID] = m.check(t, r) })
			}
		}
	}
	if some == nil && !t.Failed() {
		checkPage(t, mutantsPage, page(list, notAsked))
	}
}

// whatMutantsTry is what decides whether mutants are caught.
var whatMutantsTry = []string{
	"bake/test.Dockerfile", "cmd/probe", "pkg/conformance", "pkg/contract", "pkg/fixture",
	"tests/e2e/mutants_test.go", "tests/e2e/mutants_run_test.go",
	"runtimes/debian", "runtimes/go", "runtimes/node", "tests/fixtures/go*", "tests/fixtures/node*",
}

// fewMutants are one of each kind, where nothing has changed since all were
// caught; nil if all are to be tried.
func fewMutants(t *testing.T, list []mutant) []mutant {
	t.Helper()
	if full() || changedFiles(t, whatMutantsTry...) {
		return nil
	}
	kinds := []string{
		"control", "control-compiled", "folders", "build-failure", "methods", "malformed", "timeout", "stop", "crashes", "again-supervised",
	}
	return slices.DeleteFunc(slices.Clone(list), func(m mutant) bool { return !slices.Contains(kinds, strings.TrimPrefix(m.key(), "mutant-")) })
}

// check checks that a report has found what is wrong and nothing else. It
// returns the rules that were not asked because of it.
func (m mutant) check(t *testing.T, run conformance.Run) []string {
	t.Helper()
	if run.Report == nil {
		t.Fatal(run.Error)
	}
	var notAsked []string
	for _, r := range run.Report.Results {
		switch {
		case r.Rule == m.rule:
			m.caught(t, r)
		case r.Verdict == conformance.Fail:
			t.Errorf("%s failed too: want %s, got %s\n%s", r.Rule, r.Want, r.Got, r.Log)
		case r.Verdict == conformance.NotRun && !slices.Contains(unasked(m.compiled()), r.Rule):
			if !m.explains(r.Reason) {
				t.Errorf("%s was not run: %s", r.Rule, r.Reason)
			}
			notAsked = append(notAsked, r.Rule)
		}
	}
	return notAsked
}

// unasked are the rules that a good runtime of that kind does not have.
func unasked(compiled bool) []string {
	if compiled {
		return []string{"missing-file", "no-function"}
	}
	return []string{"build-command", "executable", "built-platform"}
}

// explains reports whether a reason for not asking follows from the break:
// what is not asked needs the rule that is broken, or parallel late.
func (m mutant) explains(reason string) bool {
	return m.rule != "" && reason == "it needs "+m.rule || m.silent && reason == "the server no longer answers"
}

// caught checks the failure of the rule that is broken.
func (m mutant) caught(t *testing.T, r conformance.Result) {
	t.Helper()
	t.Logf("%s: want %s, got %s", r.Rule, r.Want, r.Got)
	if r.Verdict != conformance.Fail || r.Want == "" || r.Got == "" {
		t.Errorf("it is not caught: %+v", r)
	}
	if text := map[string]string{"crashes": "no such module", "floods": " bytes left out "}[m.name]; !strings.Contains(r.Log, text) || len(r.Log) > 5000 {
		t.Errorf("%s has the log %q, want one with %q", m.key(), r.Log, text)
	}
}

// page is the table of mutants.
func page(list []mutant, notAsked map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# Mutants

Each is a copy of the node or go runtime with one thing broken, built and tested by ` + "`runbake test`" + ` like any other. The suite
proves that the rule of its row fails and no other; the last column says what could not be asked then, and why that is so is in
the report. This page is written by ` + "`go test ./tests/e2e -run TestMutants -update`" + `, and checked by that test.

| rule | mutant | of | what is wrong | not asked then |
|---|---|---|---|---|
`)
	rules := contract.Checked(contract.Live)
	place := func(m mutant) int {
		return slices.IndexFunc(rules, func(r contract.Rule) bool { return r.ID == m.rule })
	}
	ordered := slices.SortedStableFunc(slices.Values(list), func(a, b mutant) int { return place(a) - place(b) })
	for _, m := range ordered {
		rule := "`" + m.rule + "`"
		if m.rule == "" {
			rule = "none"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", rule, strings.TrimPrefix(m.key(), "mutant-"), strings.Join(append([]string{m.copyOf()}, m.files()...), " "), m.what, rest(notAsked[m.id()]))
	}
	return b.String()
}

// rest names a few rules, and counts many.
func rest(rules []string) string {
	if len(rules) > 4 {
		return fmt.Sprintf("%d rules", len(rules))
	}
	return strings.Join(rules, ", ")
}

// checkPage compares a page with what it should be, or writes it.
func checkPage(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		write(t, name, want)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date; with -update it is written:\n%s", filepath.Base(name), want)
	}
}

// named is a mutant by name.
func named(name string) mutant {
	list := mutants()
	return list[slices.IndexFunc(list, func(m mutant) bool { return m.name == name || m.rule == name })]
}

// columns are set apart by spaces.
var columns = regexp.MustCompile(` {2,}`)

// TestFailures: what a user sees of a rule that is broken, of the same from the
// cache, and of an image that cannot be built.
func TestFailures(t *testing.T) {
	s := newMutantStack(t)
	unbuildable := mutant{name: "unbuildable", edits: []edit{{"Dockerfile", "WORKDIR", "RUN echo a message; false\nWORKDIR"}}}
	dir := t.TempDir()
	writeMutants(t, dir, []mutant{named("control"), named("throws"), unbuildable})
	probe := "--probe=" + s.Mounted("probe")
	for _, cached := range []bool{false, true} {
		args := []string{"test", probe, "--progress=quiet"}
		if !cached {
			args = append(args, "--no-cache")
		}
		out := s.runbake(t, dir, args...)
		if out.code != 1 {
			t.Errorf("exit code %d", out.code)
		}
		for _, want := range []string{
			map[bool]string{false: "\nmutant-control-1 linux/amd64 pass 40 passed, ", true: "\nmutant-control-1 linux/amd64 pass, cached 40 passed, "}[cached],
			"\nmutant-throws-1 linux/amd64 FAIL 39 passed, 1 failed, 3 not run ",
			"\nmutant-unbuildable-1 linux/amd64 FAIL not tested -\n",
			"\nmutant-throws-1 on linux/amd64\n" +
				"  fail   throws: A function that throws gets status 500, and a message with what was thrown\n" +
				"         want  a message with: thrown on purpose\n" +
				"         got   status 500, application/json: {\"code\":500,\"message\":\"Function failed\"}\n",
			"\nmutant-unbuildable-1 on linux/amd64\n  target test-mutant-unbuildable-1: failed to solve: process \"/bin/sh -c echo a message; false\" did not complete successfully: exit code: 1\n",
		} {
			if !strings.Contains(out.stdout, want) && !strings.Contains(columns.ReplaceAllString(out.stdout, " "), want) {
				t.Errorf("no %q in\n%s", want, out.stdout)
			}
		}
	}
	out := s.runbake(t, dir, "test", "mutant-unbuildable", probe, "--progress=plain")
	if !strings.Contains(out.stderr, " a message\n") {
		t.Errorf("what the build wrote is not shown:\n%s", out.stderr)
	}
}
