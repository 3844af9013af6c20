// Package testrun tests images inside of BuildKit, as steps of a build: which of
// them can be tested here, what is built for that, and what the tests report. It
// also asks servers that somebody else has started.
package testrun

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/check"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/platform"
	"github.com/runbake/runbake/pkg/repofs"
)

// Engine is what builds; [engine.Engine] is one.
type Engine interface {
	Build(ctx context.Context, r engine.Request) (map[string]engine.Result, error)
}

// Runner builds tests of images.
type Runner struct {
	Engine    Engine
	File      []byte            // the emitted one
	Dir       string            // of the repository
	Variables map[string]string // of the file
	Platform  string            // "" for all
	Arguments []string          // of the Dockerfiles that ask for their time, as bake's --set has them
	Reports   string            // folder for reports
	Now       func() time.Time
}

// NothingError says that no runtime is for the platform that was asked for.
type NothingError struct{ Platform string }

func (e *NothingError) Error() string { return "none of these runtimes is for " + e.Platform }

// Test builds the tests of versions, and reads their reports. Where a failure
// comes from the cache it asks once more: it may be gone, and nothing that BuildKit
// knows of has changed. When it is interrupted it returns the runs that are there,
// with an error.
func (r *Runner) Test(ctx context.Context, versions []*catalogue.Version, noCache bool) ([]conformance.Run, error) {
	runs, err := r.once(ctx, versions, noCache)
	if err != nil {
		return runs, err
	}
	stale := slices.DeleteFunc(slices.Clone(versions), func(v *catalogue.Version) bool {
		return !slices.ContainsFunc(runs, func(r conformance.Run) bool { return r.ID == v.ID && r.Cached && r.Failed() })
	})
	if len(stale) == 0 {
		return runs, nil
	}
	fresh, err := r.once(ctx, stale, true)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	return merge(runs, fresh), err
}

// merge is runs, with the fresh one of each where there is one.
func merge(runs, fresh []conformance.Run) []conformance.Run {
	merged := slices.Clone(runs)
	for i, r := range runs {
		same := func(f conformance.Run) bool { return f.ID == r.ID && f.Platform == r.Platform }
		if at := slices.IndexFunc(fresh, same); at >= 0 {
			merged[i] = fresh[at]
		}
	}
	return merged
}

// once builds the tests of versions one time.
func (r *Runner) once(ctx context.Context, versions []*catalogue.Version, noCache bool) ([]conformance.Run, error) {
	begin := r.Now()
	request := r.request(versions, noCache)
	if len(request.Targets) == 0 {
		return nil, &NothingError{r.Platform}
	}
	results, err := r.Engine.Build(ctx, request)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	var runs []conformance.Run
	for _, v := range versions {
		unfinished := func(name string) bool {
			result, done := results[name]
			return !done || result.Aborted || result.Err != nil
		}
		if err != nil && slices.ContainsFunc(targets(v), unfinished) {
			continue // it was given up
		}
		for _, name := range v.Platforms {
			if platform.Runs(name) && (r.Platform == "" || name == r.Platform) {
				runs = append(runs, r.read(v, name, begin, results))
			}
		}
	}
	return runs, err
}

// targets are those that test a version: against the contract, and by checks.
func targets(v *catalogue.Version) []string {
	var names []string
	if v.Functions() {
		names = append(names, catalogue.TestPrefix+v.Target)
	}
	if len(v.Checks) > 0 {
		names = append(names, catalogue.CheckPrefix+v.Target)
	}
	return names
}

// request is what tests of versions build: images as they are released, when
// the environment says what time it is for them.
func (r *Runner) request(versions []*catalogue.Version, noCache bool) engine.Request {
	request := engine.Request{File: r.File, Dir: r.Dir, Vars: r.Variables}
	request.Overrides = slices.Concat(r.Arguments, engine.NoAttestations())
	for _, v := range versions {
		if r.Platform != "" && !slices.Contains(v.Platforms, r.Platform) {
			continue
		}
		for _, name := range targets(v) {
			request.Targets = append(request.Targets, name)
			request.Overrides = append(request.Overrides,
				name+".target="+bake.StageReport,
				fmt.Sprintf("%s.output=type=local,dest=%s,platform-split=true", name, filepath.Join(r.Reports, name)))
			if noCache {
				request.Overrides = append(request.Overrides, name+".no-cache-filter="+bake.StageTests)
			}
		}
	}
	return request
}

// read reads the reports of one version and platform, as one.
func (r *Runner) read(v *catalogue.Version, platform string, begin time.Time, results map[string]engine.Result) conformance.Run {
	run := conformance.Run{ID: v.ID, Platform: platform}
	for _, name := range targets(v) {
		err := results[name].Err
		var report *conformance.Report
		if err == nil {
			report, err = r.report(v, name, platform)
		}
		if err != nil {
			run.Error, run.Report = err.Error(), nil
			return run
		}
		run.Report = run.Report.And(report)
	}
	run.Cached = run.Report.Time.Before(begin)
	withinBudget(v, &run)
	return run
}

// report reads what one target has left.
func (r *Runner) report(v *catalogue.Version, target, platform string) (*conformance.Report, error) {
	data, err := repofs.ReadFile(filepath.Join(r.Reports, target, strings.ReplaceAll(platform, "/", "_"), "report.json"))
	if err != nil {
		return nil, err
	}
	if target == catalogue.CheckPrefix+v.Target {
		return conformance.ReadChecks(data, check.Names(v.Checks))
	}
	return conformance.ReadReport(data)
}

// Testable leaves out what has neither a fixture nor checks, and says so of what was
// asked for.
// Deprecated versions are tested when they are named. Of a platform that is not
// Linux nothing can run here.
func Testable(versions []*catalogue.Version, asked string, named bool) (testable []*catalogue.Version, notes []string) {
	for _, v := range versions {
		switch {
		case len(targets(v)) == 0 && v.Runtime.Kind == catalogue.Base:
			if named {
				notes = append(notes, v.ID+" is a base without checks: it is tested by the runtimes that it runs")
			}
			continue
		case len(targets(v)) == 0 && v.Runtime.Contract == catalogue.NoContract:
			notes = append(notes, v.ID+" is not tested: its definition has no checks")
			continue
		case len(targets(v)) == 0:
			notes = append(notes, v.ID+" is not tested: its definition has no checks, and no fixture or no entrypoint")
			continue
		case v.Deprecated != "" && !named:
			continue
		}
		runs, cannot := runsHere(v, asked)
		if len(cannot) > 0 {
			notes = append(notes, fmt.Sprintf("%s is not tested for %s: BuildKit runs on Linux, where it cannot run", v.ID, strings.Join(cannot, ", ")))
		}
		if runs {
			testable = append(testable, v)
		}
	}
	return testable, notes
}

// runsHere says which images of a version cannot run although they are asked
// for, and whether others are left.
func runsHere(v *catalogue.Version, asked string) (others bool, cannot []string) {
	cannot = slices.DeleteFunc(slices.Clone(v.Platforms), platform.Runs)
	others = len(cannot) < len(v.Platforms)
	if name, err := platform.Normal(asked); err == nil && slices.Contains(cannot, name) {
		return false, []string{name}
	} else if asked != "all" && others {
		return true, nil // a platform of Linux is asked for
	}
	return others, cannot
}

// Left are the ids of versions of which no run is finished.
func Left(versions []*catalogue.Version, runs []conformance.Run) []string {
	var left []string
	for _, v := range versions {
		if !slices.ContainsFunc(runs, func(r conformance.Run) bool { return r.ID == v.ID }) {
			left = append(left, v.ID)
		}
	}
	return left
}
