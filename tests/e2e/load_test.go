package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

// loader runs the load program in the run images of the emitted tests.
type loader struct {
	*stack
	*bench.Loader
	ids []string // of the runtimes that this run proves
}

func newLoader(t *testing.T) *loader {
	t.Helper()
	s, entries := newProven(t)
	l, err := s.NewLoader(s.buildx, root)
	if err != nil {
		t.Fatal(err)
	}
	return &loader{s, l, runtimesOf(entries)}
}

// run runs the program on this machine's platform.
func (l *loader) run(t *testing.T, args string, ids ...string) map[string][]byte {
	t.Helper()
	reports, err := l.Run(t.Context(), "linux/amd64", args, ids...)
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

// TestLoad sends many different requests at once to each server: every answer
// is right, and the memory does not grow with their number.
func TestLoad(t *testing.T) {
	l := newLoader(t)
	// From half of the requests to all; more of them show a smaller leak.
	requests, mostGrowth := 10_000, 1.25
	ids, reports := l.ids, map[string][]byte{}
	load := func(t *testing.T, ids ...string) {
		maps.Copy(reports, l.run(t, "load"+bench.LoadBehaviour+"-requests "+strconv.Itoa(requests), ids...))
	}
	if !full() {
		requests, mostGrowth = 1000, 1.5
		load(t, ids...)
	}
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			if full() {
				load(t, id) // alone, with the whole machine
			}
			var r struct {
				Requests, WrongAll int
				Seconds, Alone     float64
				Wrong              []string
				Warm, End          int64
				Log                string
			}
			if err := json.Unmarshal(reports[id], &r); err != nil {
				t.Fatal(err)
			}
			growth := float64(r.End) / float64(r.Warm)
			t.Logf("a request alone %.3f s; %d requests in %.1f s; %d MiB after half, %d MiB at the end, %.2f times that", r.Alone, r.Requests, r.Seconds, r.Warm>>20, r.End>>20, growth)
			if r.Requests != requests || r.WrongAll > 0 {
				t.Errorf("%d wrong answers of %d:\n%s\nthe server wrote:\n%s", r.WrongAll, r.Requests, strings.Join(r.Wrong, "\n"), r.Log)
			}
			if growth > mostGrowth {
				t.Errorf("the memory has grown %.2f times, more than %v", growth, mostGrowth)
			}
		})
	}
}

// knownOf returns what a language's own HTTP does and has no setting for, see
// docs/architecture.md.
func knownOf(id string) []string {
	switch {
	case strings.HasPrefix(id, "deno-"):
		return []string{
			// It waits for a head as long as a client likes.
			"the end of 200 connections that send nothing",
			"the end of 50 connections that send half a head",
			// It writes no length for 205, and clients wait for more.
			"a text with status 205",
			// It makes no event of what throws when it looks at it: the timeout is told.
			"an error that cannot be told: untold-late",
		}
	case strings.HasPrefix(id, "java-"):
		// It takes more than spaces and tabs from the ends of values, and knows no trailers.
		return []string{"a length with a vertical tab", "a coding behind a vertical tab", "chunks with trailers"}
	case strings.HasPrefix(id, "bun-"):
		// It asks again and again for a client that there is no descriptor for.
		return []string{"400 connections, and 256 descriptors"}
	}
	return nil
}

// TestHostile sends each server what no client should: it answers by the
// contract or closes, and the same process lives on.
func TestHostile(t *testing.T) {
	l := newLoader(t)
	args := "hostile" + bench.LoadBehaviour
	if full() {
		args += "-patience 100s"
	}
	reports := l.run(t, args, l.ids...)
	for _, id := range slices.Sorted(maps.Keys(reports)) {
		t.Run(id, func(t *testing.T) {
			var r struct {
				Findings []struct{ What, Got, Bad string }
				Log      string
			}
			if err := json.Unmarshal(reports[id], &r); err != nil {
				t.Fatal(err)
			}
			if len(r.Findings) < 20 {
				t.Errorf("%d things were tried", len(r.Findings))
			}
			for _, f := range r.Findings {
				t.Logf("%s: %s", f.What, f.Got)
				if f.Bad != "" && !slices.Contains(knownOf(id), f.What) {
					t.Errorf("%s: %s: %s", f.What, f.Got, f.Bad)
				}
			}
			if t.Failed() {
				t.Logf("the server wrote:\n%s", r.Log)
			}
		})
	}
}
