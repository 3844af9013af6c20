// Package probe questions a runtime from inside of its image: it builds
// functions as the executor does, starts the server, and decides every rule of
// package conformance. It has the standard library only, so that one static
// program of a few MiB runs in any image.
package probe

import (
	"errors"
	"fmt"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
)

// mismatch is a rule that is broken.
type mismatch struct {
	want, got string
}

func (m *mismatch) Error() string { return fmt.Sprintf("want %s, got %s", m.want, m.got) }

func wanted(want, format string, args ...any) error {
	return &mismatch{want, fmt.Sprintf(format, args...)}
}

// undecided is a rule that could not be put to the test.
type undecided struct {
	reason string
}

func (u *undecided) Error() string { return u.reason }

func notRun(format string, args ...any) error {
	return &undecided{fmt.Sprintf(format, args...)}
}

// needs is for a rule that has no sense while another is broken.
func needs(rule string) error {
	return notRun("it needs %s", rule)
}

// noMore is why a server is asked nothing more.
const noMore = "the server no longer answers"

// decide makes a result of what a check returned.
func decide(rule string, took time.Duration, err error) conformance.Result {
	r := conformance.Result{Rule: rule, Verdict: conformance.Pass, Seconds: took.Seconds()}
	if m, ok := errors.AsType[*mismatch](err); ok {
		r.Verdict, r.Want, r.Got = conformance.Fail, m.want, m.got
		return r
	}
	if u, ok := errors.AsType[*undecided](err); ok {
		r.Verdict, r.Reason = conformance.NotRun, u.reason
		return r
	}
	if err != nil {
		r.Verdict, r.Want, r.Got = conformance.Fail, "an answer", err.Error()
	}
	return r
}

// timed runs a check and decides its rule.
func timed(rule string, check func() error) conformance.Result {
	start := time.Now()
	err := check()
	return decide(rule, time.Since(start), err)
}
