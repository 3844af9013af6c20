package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/tests/bench"
	"github.com/runbake/runbake/tests/timing"
)

// fullRun is the last run of which everything passed with it.
const fullRun = root + "/docs/full-run.json"

func full() bool { return os.Getenv(bench.EnvFull) == "1" }

// representatives are proved by each run: a base, a runtime that is interpreted,
// and one that is compiled and runs on that base.
var representatives = []string{"debian-12", "go-1.26", "node-24"}

// proven are the versions whose images this run proves: all of them with
// [bench.EnvFull], otherwise the representatives and what has changed since all were.
func (s *stack) proven(t *testing.T) []entry {
	t.Helper()
	entries := s.list(t)
	if full() {
		return entries
	}
	changed, known := s.changed(t)
	if !known {
		t.Log("no run of everything is known here: all images are proved")
		return entries
	}
	chosen := slices.DeleteFunc(entries, func(e entry) bool {
		return !slices.Contains(representatives, e.ID) && !slices.Contains(changed, e.ID)
	})
	ids := make([]string, len(chosen))
	for i, e := range chosen {
		ids[i] = e.ID
	}
	t.Logf("of %d images are proved: %s", len(entries), strings.Join(ids, " "))
	return chosen
}

// probeChanged begins a reason to test that is of the probe: its context is the
// whole repository.
const probeChanged = "context .: "

// changed are the versions that are no longer as they were in the last run of
// everything. Nothing is known without the history that has its commit.
func (s *stack) changed(t *testing.T) (ids []string, known bool) {
	t.Helper()
	commit, known := lastFull(t)
	if !known {
		return nil, false
	}
	cmd := exec.CommandContext(t.Context(), s.Tool("runbake"), "affected", "--since", commit, "--format", "json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, cmd.Stderr)
	}
	touched, err := items[struct {
		ID, Work string
		Why      []string
	}](out)
	if err != nil {
		t.Fatal(err)
	}
	// Whether a probe that has changed is right is what mutants say.
	probe := func(reason string) bool { return strings.HasPrefix(reason, probeChanged) }
	for _, r := range touched {
		if r.Work == "build" || r.Work == "test" && slices.ContainsFunc(r.Why, func(reason string) bool { return !probe(reason) }) {
			ids = append(ids, r.ID)
		}
	}
	return ids, true
}

// lastFull is the commit of the last run of everything, if it is in the history.
func lastFull(t *testing.T) (commit string, known bool) {
	t.Helper()
	report, err := timing.Load(fullRun)
	if errors.Is(err, os.ErrNotExist) {
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	err = exec.CommandContext(t.Context(), "git", "-C", root, "merge-base", "--is-ancestor", report.Commit, "HEAD").Run()
	return report.Commit, err == nil
}

// changedFiles reports whether files have changed since the last run of
// everything, or nothing is known of one.
func changedFiles(t *testing.T, patterns ...string) bool {
	t.Helper()
	commit, known := lastFull(t)
	if !known {
		return true
	}
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", filepath.Clean(root), "diff", "--quiet", commit, "--"}, patterns...)...)
	return cmd.Run() != nil
}

// bases are the stand-ins that versions need, and the images that they run in or
// are built from.
func (s *stack) bases(t *testing.T, entries []entry) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.Tool("runbake"), "plan", "--format=json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type planned struct {
		ID, Target, Run string
		Bases           []string
		Contexts        map[string]string
	}
	plan, err := items[planned](out)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]planned{}
	for _, p := range plan {
		byName[p.ID], byName[p.Target] = p, p
	}
	var todo, bases []string
	for _, e := range entries {
		todo = append(todo, e.ID)
	}
	for i := 0; i < len(todo); i++ {
		p, planned := byName[todo[i]]
		if !planned {
			t.Fatalf("no image is called %q in the plan", todo[i])
		}
		bases = append(bases, p.Bases...)
		more := []string{}
		if p.Run != "" {
			more = append(more, p.Run)
		}
		for _, from := range p.Contexts {
			if target, own := strings.CutPrefix(from, "target:"); own {
				more = append(more, target)
			}
		}
		for _, name := range more {
			if !slices.Contains(todo, name) {
				todo = append(todo, name)
			}
		}
	}
	slices.Sort(bases)
	return slices.Compact(bases)
}

// newProven is a stack that can build what this run proves.
func newProven(t *testing.T) (*stack, []entry) {
	t.Helper()
	s := newStackWith(t, bench.BuildKitOptions{State: "warm"})
	entries := s.proven(t)
	if err := s.MakeStandIns(t.Context(), s.bases(t, entries)); err != nil {
		t.Fatal(err)
	}
	return s, entries
}

// runtimesOf are the ids of versions that have a server.
func runtimesOf(entries []entry) []string {
	var ids []string
	for _, e := range entries {
		if e.Kind != "base" {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// targetsOf are the names of the targets of versions.
func targetsOf(ids []string) []string {
	targets := make([]string, len(ids))
	for i, id := range ids {
		targets[i] = strings.ReplaceAll(id, ".", "_")
	}
	return targets
}
