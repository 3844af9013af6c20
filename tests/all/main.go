// All runs all tests, and says what took how long.
//
//	go run ./tests/all                          # what a change has to pass
//	go run ./tests/all -full                    # everything, before a release
//	go run ./tests/all -compare before.json     # the last run beside another one
//	go run ./tests/all -clean                   # take away what tests keep between runs
//
// What is slow to make is made side by side, before the tests that want it: the
// packages that they are compiled of, the programs of the bench, and its base
// images. Then go test runs, as it does alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/runbake/runbake/tests/bench"
	"github.com/runbake/runbake/tests/timing"
)

type options struct {
	full    bool
	clean   bool
	compare string
	report  string
	timeout time.Duration
	steps   []string
}

func main() {
	var o options
	flag.BoolVar(&o.full, "full", false, "prove every image and every mutant, with the oldest buildx and cosign; hours")
	flag.BoolVar(&o.clean, "clean", false, "take away what the bench keeps between runs, and do nothing else")
	flag.StringVar(&o.compare, "compare", "", "show the last run beside the one of this `file`, and do nothing else")
	flag.StringVar(&o.report, "report", "", "`file` for what took how long (default: last-run.json in the bench's cache)")
	flag.DurationVar(&o.timeout, "timeout", 80*time.Minute, "when to give up")
	flag.Func("step", "`name=command` that has to pass before the tests, may be given several times", func(s string) error {
		o.steps = append(o.steps, s)
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := all(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "all:", err)
		os.Exit(1)
	}
}

func all(ctx context.Context, o options) error {
	cache, err := bench.CacheDir()
	if err != nil {
		return err
	}
	if o.report == "" {
		o.report = filepath.Join(cache, "last-run.json")
	}
	switch {
	case o.clean:
		return bench.Clean()
	case o.compare != "":
		return compare(o.compare, o.report)
	}
	if err := bench.Room(); err != nil {
		return err
	}
	if o.full {
		if err := os.Setenv(bench.EnvFull, "1"); err != nil {
			return err
		}
	}
	r, err := newRun(ctx, o)
	if err != nil {
		return err
	}
	err = r.tests(ctx, o)
	return errors.Join(err, r.finish(ctx, o, err))
}

func compare(before, after string) error {
	a, err := timing.Load(before)
	if err != nil {
		return err
	}
	b, err := timing.Load(after)
	if err != nil {
		return err
	}
	return timing.Compare(os.Stdout, a, b)
}

// run collects what takes time.
type run struct {
	start  timing.Cost
	report timing.Report
}

func newRun(ctx context.Context, o options) (*run, error) {
	r := &run{report: timing.Report{Date: time.Now().UTC().Truncate(time.Second), Processors: runtime.NumCPU(), Full: o.full}}
	if out, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output(); err == nil { // there may be no history
		r.report.Commit = strings.TrimSpace(string(out))
	}
	var err error
	r.start, err = timing.Now()
	return r, err
}

// tests does everything, in order.
func (r *run) tests(ctx context.Context, o options) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	tools, err := os.MkdirTemp("", "runbake-tools-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tools)
	if err := r.prepare(ctx, tools); err != nil {
		return err
	}
	for _, step := range o.steps {
		name, command, _ := strings.Cut(step, "=")
		if err := r.command(ctx, "steps", name, nil, "sh", "-c", command); err != nil {
			return err
		}
	}
	return r.goTest(ctx, o, tools)
}

// command runs one that is a row.
func (r *run) command(ctx context.Context, part, what string, env []string, command ...string) error {
	fmt.Printf("%s: %s\n", part, what)
	begin := time.Now()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	err := cmd.Run()
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	cost := timing.Cost{Wall: time.Since(begin).Seconds(), Processor: used.Seconds()}
	r.report.Rows = append(r.report.Rows, timing.Row{Part: part, What: what, Cost: cost})
	if err != nil {
		r.report.Result = "failed at " + what
		return fmt.Errorf("%s: %w", what, errors.Join(err, ctx.Err()))
	}
	return nil
}

// finish shows and keeps the report.
func (r *run) finish(ctx context.Context, o options, failed error) error {
	end, err := timing.Now()
	if err != nil {
		return err
	}
	r.report.Total = end.Sub(r.start)
	switch {
	case failed == nil:
		r.report.Result = "passed"
	case r.report.Result == "":
		r.report.Result = "failed"
	}
	if r.report.Disk, err = bench.Disk(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	fmt.Println()
	if err := r.report.Table(os.Stdout); err != nil {
		return err
	}
	fmt.Printf("%.1f GB of disk are kept for the next run; go run ./tests/all -clean and go clean -cache take them away\n", float64(r.report.Disk)/1e9)
	return r.report.Save(o.report)
}
