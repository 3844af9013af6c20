package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/platform"
)

// tester builds test targets.
type tester struct {
	file     *bake.File
	text     []byte
	dir      string // of the repository
	out      string // folder for reports
	vars     map[string]string
	epochs   map[string]int64 // of the images; nil when nobody gave one
	builder  *engine.Engine
	platform string // "" for all
	now      func() time.Time
}

// run builds the tests of versions, and reads their reports. When it is
// interrupted it returns those that are there, with an error.
func (t *tester) run(ctx context.Context, versions []*catalogue.Version, noCache bool) ([]conformance.Run, error) {
	begin := t.now()
	request := t.request(versions, noCache)
	if len(request.Targets) == 0 {
		return nil, &exitError{exitFailed, "none of these runtimes is for " + t.platform}
	}
	results, err := t.builder.Build(ctx, request)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	var runs []conformance.Run
	for _, v := range versions {
		result, done := results[catalogue.TestPrefix+v.Target]
		if err != nil && (!done || result.Aborted || result.Err != nil) {
			continue // it was given up
		}
		for _, name := range v.Platforms {
			if platform.Runs(name) && (t.platform == "" || name == t.platform) {
				runs = append(runs, t.read(v, name, begin, result.Err))
			}
		}
	}
	return runs, err
}

// request is what tests of versions build: images as they are released, when
// the environment says what time it is for them.
func (t *tester) request(versions []*catalogue.Version, noCache bool) engine.Request {
	request := engine.Request{File: t.text, Dir: t.dir, Vars: t.vars, Overrides: epochArgs(t.dir, t.file.EvaluateAll(t.file.Defaults()), t.epochs)}
	request.Overrides = append(request.Overrides, noAttestations...)
	for _, v := range versions {
		if t.platform != "" && !slices.Contains(v.Platforms, t.platform) {
			continue
		}
		name := catalogue.TestPrefix + v.Target
		request.Targets = append(request.Targets, name)
		request.Overrides = append(request.Overrides,
			name+".target="+bake.StageReport,
			fmt.Sprintf("%s.output=type=local,dest=%s,platform-split=true", name, filepath.Join(t.out, name)))
		if noCache {
			request.Overrides = append(request.Overrides, name+".no-cache-filter="+bake.StageTests)
		}
	}
	return request
}

// read reads the report of one version and platform.
func (t *tester) read(v *catalogue.Version, platform string, begin time.Time, failed error) conformance.Run {
	run := conformance.Run{ID: v.ID, Platform: platform}
	if failed != nil {
		run.Error = failed.Error()
		return run
	}
	name := filepath.Join(t.out, catalogue.TestPrefix+v.Target, strings.ReplaceAll(platform, "/", "_"), "report.json")
	data, err := readResult(name)
	if err == nil {
		run.Report, err = conformance.ReadReport(data)
	}
	if err != nil {
		run.Error = err.Error()
		return run
	}
	run.Cached = run.Report.Time.Before(begin)
	return run
}

// again asks once more where a failure comes from the cache: it may be gone,
// and nothing that BuildKit knows of has changed.
func (t *tester) again(ctx context.Context, runs []conformance.Run, versions []*catalogue.Version) ([]conformance.Run, error) {
	stale := slices.DeleteFunc(slices.Clone(versions), func(v *catalogue.Version) bool {
		return !slices.ContainsFunc(runs, func(r conformance.Run) bool { return r.ID == v.ID && r.Cached && r.Failed() })
	})
	if len(stale) == 0 {
		return runs, nil
	}
	fresh, err := t.run(ctx, stale, true)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	for i, r := range runs {
		same := func(f conformance.Run) bool { return f.ID == r.ID && f.Platform == r.Platform }
		if at := slices.IndexFunc(fresh, same); at >= 0 {
			runs[i] = fresh[at]
		}
	}
	return runs, err
}
