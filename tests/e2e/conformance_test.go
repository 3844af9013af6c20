package e2e_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
)

// TestConformance runs the tests of the emitted file, on what this run proves and both
// platforms: with runbake test, which reads the reports, and with plain buildx,
// where a rule that is broken fails the build. What BuildKit has asked before is
// not asked again, but for failures and one runtime.
func TestConformance(t *testing.T) {
	s, entries := newProven(t)
	tests := 0
	for _, e := range entries {
		if e.Kind != "base" {
			tests += len(e.Platforms)
		}
	}
	ids, probe := runtimesOf(entries), "--probe="+s.Mounted("probe")
	everywhere := append([]string{probe, "--platform=all", "--jobs=3"}, ids...) // emulated servers starve beside more
	first := s.test(t, root, everywhere...)
	t.Logf("runbake test: %.1f s", first.took.Seconds())
	checkRuns(t, first, tests)
	second := s.test(t, root, everywhere...)
	t.Logf("runbake test, again: %.1f s", second.took.Seconds())
	checkRuns(t, second, tests, true)
	checkRuns(t, s.test(t, root, "node-24", probe, "--platform=all", "--no-cache"), 2, false)
	begin := time.Now()
	var targets []string
	for _, target := range targetsOf(ids) {
		targets = append(targets, "test-"+target)
	}
	s.bake(t, []string{"PROBE=" + s.Mounted("probe")}, append(targets, "--allow=fs.read="+s.Mounted("probe"))...)
	t.Logf("docker buildx bake test: %.1f s", time.Since(begin).Seconds())

	table := s.runbake(t, root, "test", "node-24", probe, "--progress=quiet")
	if table.code != 0 || !strings.HasPrefix(table.stdout, "RUNTIME  PLATFORM     VERDICT       RULES ") || !strings.Contains(table.stdout, "  pass, cached  ") || table.stderr != "" {
		t.Errorf("exit code %d\n%s%s", table.code, table.stdout, table.stderr)
	}
	junit := s.runbake(t, root, "test", "node-24", probe, "--platform=all", "--format=junit")
	var suites struct {
		Suites []struct {
			Name  string     `xml:"name,attr"`
			Cases []struct{} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(junit.stdout), &suites); err != nil || junit.code != 0 || len(suites.Suites) != 2 || len(suites.Suites[0].Cases) != 43 {
		t.Errorf("%v, exit code %d\n%s", err, junit.code, junit.stdout)
	}
}

// checkRuns checks that every test has passed, and says how long the first
// answers took. fromCache is whether BuildKit's cache had them, where that is
// known.
func checkRuns(t *testing.T, out tested, want int, fromCache ...bool) {
	t.Helper()
	if out.code != 0 || len(out.runs) != want {
		t.Errorf("exit code %d, %d runs, want 0 and %d\n%s", out.code, len(out.runs), want, out.stderr)
	}
	for _, r := range out.runs {
		if r.Failed() || len(fromCache) > 0 && r.Cached != fromCache[0] {
			t.Errorf("%s on %s: cached %v, %s", r.ID, r.Platform, r.Cached, r.Error)
		}
		if r.Report != nil {
			t.Logf("%s on %s: %s", r.ID, r.Platform, r.Report.Summary())
			if err := r.Report.Err(); err != nil {
				t.Error(err)
			}
		}
	}
}

// ran is what a run of runbake left.
type ran struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// tested is a run of runbake test.
type tested struct {
	ran
	runs []conformance.Run
}

// test runs runbake test in a repository, and reads its JSON.
func (s *stack) test(t *testing.T, dir string, args ...string) tested {
	t.Helper()
	out := tested{ran: s.runbake(t, dir, append([]string{"test", "--format=json", "--progress=plain"}, args...)...)}
	var err error
	if out.runs, err = items[conformance.Run]([]byte(out.stdout)); err != nil {
		t.Fatalf("%v; exit code %d\n%s", err, out.code, out.stderr)
	}
	return out
}

// runbake runs runbake in a repository, on the BuildKit of the bench.
func (s *stack) runbake(t *testing.T, dir string, args ...string) ran {
	t.Helper()
	cmd := s.command(t.Context(), t, dir, args...)
	begin := time.Now()
	return wait(t, cmd, begin)
}

func (s *stack) command(ctx context.Context, t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	config := t.TempDir()
	cmd := exec.CommandContext(ctx, s.Tool("runbake"), append(args, "-C", dir)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + config, "BUILDX_CONFIG=" + config, "DOCKER_CONFIG=" + config, "BUILDKIT_HOST=" + s.kit.Addr}
	return cmd
}

// wait runs a command to its end.
func wait(t *testing.T, cmd *exec.Cmd, begin time.Time) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return ran{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(begin)}
}

// TestInterrupt: Ctrl-C ends a test in order, while a server is questioned.
func TestInterrupt(t *testing.T) {
	s := newMutantStack(t)
	dir := t.TempDir()
	writeMutants(t, dir, []mutant{named("hangs")})
	cmd := s.command(t.Context(), t, dir, "test", "--no-cache", "--progress=plain", "--probe="+s.Mounted("probe"))
	var stdout bytes.Buffer
	asking := &watcher{word: "probe serve", seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &stdout, asking
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-asking.seen:
	case err := <-ended:
		t.Fatalf("it ended before: %v\n%s", err, asking.text.String())
	}
	begin := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("it ended as if nothing were wrong")
	}
	if took := time.Since(begin); took > 20*time.Second || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it took %v to end: %v", took, cmd.ProcessState)
	}
	if stdout.Len() > 0 || !strings.HasSuffix(asking.text.String(), "\nrunbake: interrupted\nrunbake: not tested: mutant-hangs-1\n") {
		t.Errorf("it wrote %q and %q", stdout.String(), asking.text.String())
	}
}

// watcher keeps what is written, and tells when a word has come.
type watcher struct {
	word string
	seen chan struct{} // closed when it has
	text bytes.Buffer
}

func (w *watcher) Write(p []byte) (int, error) {
	had := bytes.Contains(w.text.Bytes(), []byte(w.word))
	w.text.Write(p)
	if !had && bytes.Contains(w.text.Bytes(), []byte(w.word)) {
		close(w.seen)
	}
	return len(p), nil
}
