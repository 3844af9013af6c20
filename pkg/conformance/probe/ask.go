package probe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
)

// AskOptions say where a server is that somebody else has started.
type AskOptions struct {
	URL       string
	Key       string
	Compiled  bool
	Fixture   Deployed
	Behaviour Deployed
	Limits    Limits
}

// Deployed is a function as a server sees it.
type Deployed struct {
	Path       string
	Entrypoint string // "" when the server has not got it
}

// Ask questions a server that runs already, as far as that is possible from
// outside. The error is for a server that does not answer at all.
func Ask(ctx context.Context, o AskOptions) (*conformance.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Limits.Total)
	defer cancel()
	if _, err := newClient(o.URL, "", "", "", o.Limits.Answer).send(ctx, request{}); err != nil {
		return nil, fmt.Errorf("%s does not answer: %s", o.URL, decide("", 0, err).Got)
	}
	var refused []answer
	var steps [][]conformance.Result
	for _, f := range []struct {
		Deployed
		questions []question
	}{{o.Fixture, fixtureQuestions(anyAnswer)}, {o.Behaviour, outsideQuestions(o.Compiled)}} {
		if f.Entrypoint == "" {
			continue
		}
		c := newClient(o.URL, o.Key, f.Path, f.Entrypoint, o.Limits.Answer)
		steps = append(steps, c.ask(ctx, f.questions))
		refused = append(refused, c.refused...)
	}
	steps = append(steps, []conformance.Result{timed("error-object", func() error { return errorObjects(refused) })})
	results := conformance.Join(steps...)
	for i := range results {
		if results[i].Verdict == conformance.NotRun && results[i].Reason == conformance.Undecided {
			results[i].Reason = "it needs the image"
		}
	}
	return &conformance.Report{Time: time.Now(), Results: results}, nil
}

// outsideQuestions leave out what needs a file without a function: nothing is
// written into somebody's folder.
func outsideQuestions(compiled bool) []question {
	return slices.DeleteFunc(behaviourQuestions(compiled), func(q question) bool { return q.rule == "no-function" && !compiled })
}

// ask asks all questions, unless the server stops answering.
func (c *client) ask(ctx context.Context, questions []question) []conformance.Result {
	gone := func(question) string {
		if c.stuck() {
			return noMore
		}
		return ""
	}
	return askAll(questions, gone, func(q question) conformance.Result {
		return timed(q.rule, func() error { return q.ask(ctx, c) })
	})
}

// askAll asks questions one after the other, but for those that the state of
// the server, or the answer to an earlier one, leaves without sense.
func askAll(questions []question, gone func(question) string, ask func(question) conformance.Result) []conformance.Result {
	failed := map[string]bool{}
	results := make([]conformance.Result, 0, len(questions))
	for _, q := range questions {
		var r conformance.Result
		if failed[q.needs] {
			r = decide(q.rule, 0, needs(q.needs))
		} else if reason := gone(q); reason != "" {
			r = decide(q.rule, 0, notRun("%s", reason))
		} else {
			r = ask(q)
		}
		failed[q.rule] = r.Verdict == conformance.Fail
		results = append(results, r)
	}
	return results
}
