package probe

import (
	"context"
	"fmt"
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
		return nil, fmt.Errorf("%s does not answer: %w", o.URL, err)
	}
	var refused []answer
	var steps [][]conformance.Result
	for _, f := range []struct {
		Deployed
		questions []question
	}{{o.Fixture, fixtureQuestions(anyAnswer)}, {o.Behaviour, behaviourQuestions(o.Compiled)}} {
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

// ask asks all questions, unless the server stops answering.
func (c *client) ask(ctx context.Context, questions []question) []conformance.Result {
	gone := func(question) string {
		if c.stuck() {
			return "the server no longer answers"
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
	verdicts := map[string]conformance.Verdict{}
	results := make([]conformance.Result, 0, len(questions))
	for _, q := range questions {
		r := conformance.Result{Rule: q.rule, Verdict: conformance.NotRun, Reason: gone(q)}
		switch {
		case r.Reason != "":
		case verdicts[q.needs] == conformance.Fail:
			r.Reason = "it needs " + q.needs
		default:
			r = ask(q)
		}
		verdicts[q.rule] = r.Verdict
		results = append(results, r)
	}
	return results
}
