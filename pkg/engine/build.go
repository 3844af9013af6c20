package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/docker/buildx/build"
	"github.com/docker/buildx/util/confutil"
	"github.com/docker/buildx/util/dockerutil"
	"github.com/docker/buildx/util/progress"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"golang.org/x/sync/errgroup"
)

// Result is what became of a target.
type Result struct {
	Err      error
	Aborted  bool              // it was given up because something else failed, or the build was ended
	Step     string            // the step that failed; "" if it was none
	Log      []string          // the last lines of its log
	Metadata map[string]string // what the exporters say, as BuildKit writes it
	Steps    int               // instructions of the Dockerfile, without FROM, on all platforms
	Cached   int               // how many of them came from the cache
	Took     time.Duration     // from the first step to the last
	Attempts int
	Linked   bool // it was built because another needs it, and goes nowhere
}

// Build builds targets in one run, in the order of what they need, and goes on
// when one fails. Targets that failed because a registry or the network did are
// built again, a few times. The result has the asked targets, and of those that
// they need the ones that failed; the error is for what keeps it from building
// at all, or ends it: then the result has what was done until then.
func (e *Engine) Build(ctx context.Context, r Request) (map[string]Result, error) {
	out := e.options.Progress
	if out == nil {
		out = io.Discard
	}
	printer, err := progress.NewPrinter(context.WithoutCancel(ctx), out, progressui.DisplayMode(e.options.Display), progress.WithDesc("building with "+e.Name, e.Name))
	if err != nil {
		return nil, err
	}
	results, err := e.attempts(ctx, r, printer)
	return results, errors.Join(err, printer.Wait())
}

// attempts builds until nothing is left that is worth another attempt.
func (e *Engine) attempts(ctx context.Context, r Request, printer progress.Writer) (map[string]Result, error) {
	all := map[string]Result{}
	for attempt := 1; ; attempt++ {
		results, err := e.once(ctx, r, printer)
		remember(all, results, attempt)
		if err != nil {
			return requested(all), err
		}
		again, wait := retry(results, attempt)
		if len(again) == 0 {
			return requested(all), nil
		}
		for _, name := range again {
			tell(printer, name+": trying again: "+brief(results[name].Err))
		}
		select {
		case <-ctx.Done():
			return requested(all), context.Cause(ctx)
		case <-time.After(wait):
		}
		r.Targets = again
	}
}

// remember adds the results of an attempt to those of the ones before. What was
// asked for and is done stays so when another needs it in a later attempt.
func remember(all, results map[string]Result, attempt int) {
	for name, result := range results {
		before, known := all[name]
		if known && result.Linked && !before.Linked {
			continue
		}
		result.Attempts = attempt
		result.Took += before.Took
		all[name] = result
	}
}

// requested leaves out what was only needed, unless it failed.
func requested(all map[string]Result) map[string]Result {
	maps.DeleteFunc(all, func(_ string, r Result) bool { return r.Linked && (r.Err == nil || r.Aborted) })
	return all
}

// once builds all targets of a request one time.
func (e *Engine) once(ctx context.Context, r Request, printer progress.Writer) (map[string]Result, error) {
	options, err := e.buildOptions(ctx, r)
	if err != nil {
		return nil, err
	}
	results := map[string]Result{}
	var mu sync.Mutex
	record := newRecorder(printer, slices.Sorted(maps.Keys(options)))
	handler := &build.Handler{
		Execution: build.Execution{Mode: build.ExecutionModeDeferError},
		Completed: func(name string, result build.TargetResult) {
			mu.Lock()
			defer mu.Unlock()
			results[name] = Result{Err: explain(result.Err), Aborted: result.Aborted, Linked: options[name].Linked}
			if !options[name].Linked && !result.Aborted {
				tell(printer, name+": "+state(result.Err))
			}
		},
	}
	if e.options.Jobs > 0 {
		handler.Evaluate = limited(e.options.Jobs)
	}
	listening, stop := e.listen(ctx, record)
	defer stop()
	responses, err := build.Build(listening, e.nodes, options, dockerutil.NewClient(e.cli), confutil.NewConfig(e.cli), record, handler)
	mu.Lock()
	defer mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		return results, cause
	}
	failed := silenced(listening, results, options)
	for name, result := range results {
		record.fill(name, &result)
		if response := responses[name]; response != nil {
			result.Metadata = response.ExporterResponse
		}
		results[name] = result
		failed = failed || result.Err != nil
	}
	if failed {
		unbegun(results, options, err)
		err = nil // each has its own
	}
	return results, err
}

// scanner is what an error says when the image that makes SBOMs cannot be had.
var scanner = regexp.MustCompile(`resolve (?:source metadata for )?"?([^\s"]*buildkit-syft-scanner(?::[\w.-]+)?)`)

// explain says what BuildKit's connection does not.
func explain(err error) error {
	if err != nil {
		if m := scanner.FindStringSubmatch(err.Error()); m != nil {
			return fmt.Errorf("the SBOM of an image that is pushed is made by %s, which cannot be had; name a mirror of its registry in the configuration of BuildKit, "+
				"or write attest { sbom = false } into the project of runbake.hcl: %w", m[1], err)
		}
	}
	if err != nil && gone.MatchString(err.Error()) {
		return fmt.Errorf("BuildKit went away while it built, or cannot be reached; what is done is kept, build again: %w", err)
	}
	return err
}

// limited lets a number of targets run their steps at a time. Loading contexts
// and pushing are not counted: a target waits for those that it needs before it
// runs a step, and they for it before they end, so that a target must not keep
// its place for longer.
func limited(jobs int) build.EvaluateFunc {
	places := make(chan struct{}, jobs)
	return func(ctx context.Context, _ string, _ gateway.Client, result *gateway.Result, _ build.Options) error {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		defer func() { <-places }()
		group, ctx := errgroup.WithContext(ctx)
		return errors.Join(result.EachRef(func(ref gateway.Reference) error {
			group.Go(func() error { return ref.Evaluate(ctx) })
			return nil
		}), group.Wait())
	}
}

// state is what became of a target, in a word.
func state(err error) string {
	if err != nil {
		return "failed"
	}
	return "done"
}

// tell shows a line among the progress.
func tell(w progress.Writer, line string) {
	_ = progress.Wrap(line, w.Write, func(progress.SubLogger) error { return nil }) // it returns what its function does
}
