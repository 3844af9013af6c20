package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/runbake/runbake/tests/bench"
	"github.com/runbake/runbake/tests/timing"
)

// prepare compiles, and makes the bench meanwhile.
func (r *run) prepare(ctx context.Context, tools string) error {
	if !bench.Possible() {
		return r.compile(ctx) // tests say that they are skipped, or fail
	}
	var log steps
	err := bench.Prepare(ctx, tools, r.compile, io.MultiWriter(os.Stdout, &log))
	r.report.Rows = append(r.report.Rows, log.rows...)
	return err
}

// compile compiles the packages of tests, and of what they run. They are not
// linked: go test and the bench do that.
func (r *run) compile(ctx context.Context) error {
	script := "go list -export -test -deps ./... >/dev/null && " +
		"go list -export -deps " + strings.Join(bench.Packages(), " ") + " >/dev/null"
	return r.command(ctx, "compile", "packages", nil, "sh", "-c", script)
}

// steps are those that the bench tells of, a line each.
type steps struct{ rows []timing.Row }

func (s *steps) Write(p []byte) (int, error) {
	if row, found := timing.ParseLine(strings.TrimSpace(string(p))); found {
		s.rows = append(s.rows, row)
	}
	return len(p), nil
}

// event is one of go test -json; https://pkg.go.dev/cmd/test2json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// goTest runs the tests. Linters look for what vet does, so it is left out.
func (r *run) goTest(ctx context.Context, o options, tools string) error {
	command := []string{"go", "test", "-json", "-vet=off", "-ldflags=-w", "-timeout=" + o.timeout.String(), "./..."}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stderr = append(os.Environ(), bench.EnvTools+"="+tools), os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w := &watch{run: r, begun: map[string]bool{}, output: map[string][]string{}}
	readErr := w.read(out)
	err = errors.Join(readErr, cmd.Wait())
	if err == nil {
		fmt.Printf("\n%d passed, 0 failed, %d skipped\n", w.passed, w.skipped)
		return nil
	}
	r.report.Result = "failed: " + strings.Join(w.failed, ", ")
	if ctx.Err() != nil {
		r.report.Result = "cut at " + strings.Join(w.running(), ", ")
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", w.passed, len(w.failed), w.skipped)
	return fmt.Errorf("%s: %w", r.report.Result, err)
}

// watch follows the tests.
type watch struct {
	run             *run
	begun           map[string]bool
	shares          timing.Shares
	output          map[string][]string // of tests that have not ended, and of packages
	passed, skipped int
	failed          []string
}

func (w *watch) read(out io.Reader) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text()) // of go itself
			continue
		}
		if err := w.take(e); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (w *watch) take(e event) error {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "run", "start", "pause", "cont":
		w.begun[key] = true
		return w.share(e)
	case "output", "build-output":
		if row, found := timing.ParseLine(strings.TrimSpace(e.Output)); found {
			w.run.report.Rows = append(w.run.report.Rows, row)
		}
		w.output[key] = append(w.output[key], e.Output)
	case "pass", "fail", "skip":
		return w.ended(e, key)
	}
	return nil
}

// share follows which tests run beside one another.
func (w *watch) share(e event) error {
	if !e.whole() {
		return nil
	}
	now, err := timing.Now()
	if e.Action == "pause" {
		w.shares.Pause(e.Package+" "+e.Test, now.Processor)
	} else {
		w.shares.Begin(e.Package+" "+e.Test, now.Processor)
	}
	return err
}

// whole reports an event of a test, and not of a package or a part of a test.
func (e event) whole() bool { return e.Test != "" && !strings.Contains(e.Test, "/") }

func (w *watch) ended(e event, key string) error {
	text := strings.Join(w.output[key], "")
	delete(w.output, key)
	delete(w.begun, key)
	switch {
	case e.Action == "fail":
		fmt.Print(text)
		if e.Test != "" {
			w.failed = append(w.failed, key)
		}
	case e.Test == "" || e.Action == "skip":
		fmt.Print(text)
	}
	if !e.whole() {
		return nil
	}
	switch e.Action {
	case "pass":
		w.passed++
	case "skip":
		w.skipped++
	}
	now, err := timing.Now()
	part := strings.TrimPrefix(e.Package, "github.com/runbake/runbake/")
	cost := timing.Cost{Wall: e.Elapsed, Processor: w.shares.End(key, now.Processor)} // without what it waited for its turn
	w.run.report.Rows = append(w.run.report.Rows, timing.Row{Part: part, What: e.Test, Cost: cost})
	return err
}

// running are the tests that have not ended.
func (w *watch) running() []string {
	var names []string
	for key := range w.begun {
		names = append(names, strings.TrimSpace(key))
	}
	return names
}
