package probe

import (
	"context"
	"fmt"
	"net/url"
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
// outside.
func Ask(ctx context.Context, o AskOptions) (*conformance.Report, error) {
	address, err := url.Parse(o.URL)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, fmt.Errorf("%q is no URL of a server, for example http://127.0.0.1:3000", o.URL)
	}
	ctx, cancel := context.WithTimeout(ctx, o.Limits.Total)
	defer cancel()
	var refused []answer
	var steps [][]conformance.Result
	for _, f := range []struct {
		Deployed
		questions []question
	}{{o.Fixture, fixtureQuestions()}, {o.Behaviour, behaviourQuestions(o.Compiled)}} {
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
	results := make([]conformance.Result, 0, len(questions))
	for _, q := range questions {
		if c.stuck() {
			results = append(results, decide(q.rule, 0, notRun("the server no longer answers")))
			continue
		}
		results = append(results, timed(q.rule, func() error { return q.ask(ctx, c) }))
	}
	return results
}
