package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

var full = flag.Bool("full", false, "load servers with 10,000 requests, and wait until they end silent connections")

// loadStages follow the stages of the emitted tests: they start the same server
// with the same function, and ask more of it.
const loadStages = `
FROM run AS load
ARG TARGETARCH ENTRYPOINT BEHAVIOUR LOAD
RUN --network=none --mount=from=loader,target=/.runbake/load \
    --mount=from=build-fixture,source=/tmp/runbake,target=/.runbake/fixture \
    --mount=from=build-behaviour,source=/tmp/runbake,target=/.runbake/behaviour \
    eval "/.runbake/load/load-$TARGETARCH $LOAD"

FROM scratch
COPY --from=load /tmp/load/report.json /
`

// loader runs the load program in the run images of the emitted tests.
type loader struct {
	*stack
	file string // overrides what the emitted tests share
}

func newLoader(t *testing.T) *loader {
	t.Helper()
	s := newStack(t, "warm", bench.StandIns()...)
	dir := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(dir, "load-"+arch), "../load")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	stages, err := os.ReadFile(filepath.Join(root, "bake/test.Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "load.hcl")
	write(t, file, fmt.Sprintf("target \"_test\" {\n  contexts = { loader = %q }\n  dockerfile-inline = <<EOT\n%s%sEOT\n}\n", dir, stages, loadStages))
	return &loader{s, file}
}

// run builds what the test of each version needs, and runs the load program
// with some arguments. It returns what that wrote, by id.
func (l *loader) run(t *testing.T, entries []entry, args string) map[string][]byte {
	t.Helper()
	out := t.TempDir()
	command := []string{"--file=docker-bake.hcl", "--file=" + l.file, "--allow=fs=*"}
	for _, e := range entries {
		name := "test-" + strings.ReplaceAll(e.ID, ".", "_")
		command = append(command, name,
			"--set="+name+".args.LOAD="+args, "--set="+name+".no-cache-filter=load", "--set="+name+".output=type=local,dest="+filepath.Join(out, e.ID))
	}
	l.bake(t, []string{"PLATFORM=linux/amd64"}, command...)
	reports := map[string][]byte{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(out, e.ID, "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		reports[e.ID] = data
	}
	return reports
}

// runtimes are the versions that have a server.
func (l *loader) runtimes(t *testing.T) []entry {
	t.Helper()
	return slices.DeleteFunc(l.list(t), func(e entry) bool { return e.Kind == "base" })
}

// TestLoad sends many different requests at once to each server: every answer
// is right, and the memory does not grow with their number.
func TestLoad(t *testing.T) {
	requests := 1500
	if *full {
		requests = 10_000
	}
	l := newLoader(t)
	for _, e := range l.runtimes(t) {
		t.Run(e.ID, func(t *testing.T) {
			args := "load -code /.runbake/behaviour/code.tar.gz -file $BEHAVIOUR -requests " + strconv.Itoa(requests)
			var r struct {
				Requests, WrongAll int
				Seconds            float64
				Wrong              []string
				Warm, End          int64
				Log                string
			}
			if err := json.Unmarshal(l.run(t, []entry{e}, args)[e.ID], &r); err != nil {
				t.Fatal(err)
			}
			const mostGrowth = 1.5
			growth := float64(r.End) / float64(r.Warm)
			t.Logf("%d requests in %.1f s; %d MiB after 500, %d MiB at the end, %.2f times that", r.Requests, r.Seconds, r.Warm>>20, r.End>>20, growth)
			if r.Requests != requests || r.WrongAll > 0 {
				t.Errorf("%d wrong answers of %d:\n%s\nthe server wrote:\n%s", r.WrongAll, r.Requests, strings.Join(r.Wrong, "\n"), r.Log)
			}
			if growth > mostGrowth {
				t.Errorf("the memory has grown %.2f times, more than %v", growth, mostGrowth)
			}
		})
	}
}

// TestHostile sends each server what no client should: it answers by the
// contract or closes, and the same process lives on.
func TestHostile(t *testing.T) {
	l := newLoader(t)
	args := "hostile -code /.runbake/behaviour/code.tar.gz -file $BEHAVIOUR"
	if *full {
		args += " -patience 100s"
	}
	reports := l.run(t, l.runtimes(t), args)
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
				if f.Bad != "" {
					t.Errorf("%s: %s: %s", f.What, f.Got, f.Bad)
				}
			}
			if t.Failed() {
				t.Logf("the server wrote:\n%s", r.Log)
			}
		})
	}
}
