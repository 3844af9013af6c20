package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/docker/buildx/build"
)

// DefaultSilence is how long BuildKit may wait for a registry that says nothing.
// BuildKit itself waits for ever. It does not tell how far a layer has been sent
// either, so the time must be enough for the largest one on a slow line.
const DefaultSilence = 15 * time.Minute

// shortSilence is the same for what is short: a manifest.
const shortSilence = time.Minute

func (e *Engine) silence() time.Duration { return cmp.Or(e.options.Silence, DefaultSilence) }

// AnswerTimeout is how long a short answer of a registry may take.
func (e *Engine) AnswerTimeout() time.Duration { return min(e.silence(), shortSilence) }

// askFor bounds the time that a short answer of a registry may take.
func (e *Engine) askFor(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := e.AnswerTimeout()
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer in %v", limit))
}

// remote are the steps that wait for registries and do nothing else.
var remote = regexp.MustCompile(`^(?:\[[^\]]*\] )?(?:load metadata for|FROM|resolve|importing|exporting|pushing|merging) |^\S+ token for `)

// silentError is a registry that said nothing for too long.
type silentError struct {
	limit time.Duration
	steps map[string]string // what was waited for, by target
}

func (s *silentError) Error() string { return fmt.Sprintf("no answer in %v", s.limit) }

// target is the error of one target.
func (s *silentError) target(step string, tags []string) error {
	if strings.HasPrefix(step, "exporting to image") && len(tags) > 0 {
		step += " " + tags[0]
	}
	return fmt.Errorf("%s: the registry has said nothing for %v; try later, or give it more time with --registry-timeout", step, s.limit)
}

// listen ends a build when everything that it still does is waiting for
// registries, and nothing has been heard of them for too long.
func (e *Engine) listen(ctx context.Context, record *recorder) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	limit := e.silence()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-record.heard:
			case <-time.After(limit):
				if steps := record.waiting(); len(steps) > 0 {
					cancel(&silentError{limit, steps})
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// waiting are the steps under way, one for each target, if all of them wait for
// registries.
func (r *recorder) waiting() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	steps := map[string]string{}
	for _, key := range r.order {
		step := r.steps[key]
		if step.Started == nil || step.Completed != nil {
			continue
		}
		if !remote.MatchString(step.Name + " ") {
			return nil
		}
		steps[key.target] = step.Name
	}
	return steps
}

// silenced gives the targets that were given up the reason, and reports whether
// there was one.
func silenced(ctx context.Context, results map[string]Result, options map[string]build.Options) bool {
	silent, ok := errors.AsType[*silentError](context.Cause(ctx))
	if !ok {
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		result := results[name]
		step, waited := silent.steps[name]
		if result.Err != nil && result.Aborted && waited {
			result.Err, result.Aborted, result.Step, result.Log = silent.target(step, options[name].Tags), false, "", nil
			results[name] = result
		}
	}
	return true
}

// unbegun adds the targets that were not even begun when others failed.
func unbegun(results map[string]Result, options map[string]build.Options, err error) {
	for name, o := range options {
		if _, told := results[name]; !told {
			results[name] = Result{Err: cmp.Or(err, errUnbegun), Aborted: true, Linked: o.Linked}
		}
	}
}

var errUnbegun = errors.New("it was not begun")
