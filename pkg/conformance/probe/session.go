package probe

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
)

// session is a conversation with a running server.
type session struct {
	process *process
	client  *client
	pid     int // of the process that listens; 0 when it cannot be known
	port    int
	started time.Duration
}

// dial connects to the server at one of the addresses of loopback.
func (s *session) dial(ctx context.Context, host string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: s.client.timeout}
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(s.port)))
}

// ready waits until the server answers anything at all.
func (s *session) ready(ctx context.Context, limit time.Duration) error {
	var listening time.Time // since when it takes connections
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.process.ended:
			return wanted("a server that keeps running", "its end: %s", ending(s.process.err))
		case <-ctx.Done():
			return wanted("an answer", "none in the time that the test has")
		default:
		}
		conn, err := s.dial(ctx, "127.0.0.1")
		if err != nil {
			continue
		}
		_ = conn.Close() // nothing was written
		probe := newClient(s.client.url, "", "", "", min(limit, s.client.timeout))
		if _, err = probe.send(ctx, request{}); err == nil {
			return nil
		}
		if listening.IsZero() {
			listening = time.Now()
		}
		if probe.stuck() || time.Since(listening) > warmUp {
			return err
		}
	}
	return wanted("a server on port "+strconv.Itoa(s.port), "none within %v", limit)
}

// warmUp is the time that a server may take connections and answer them with
// nothing of use.
const warmUp = 5 * time.Second

// timed decides a rule, with the server's log of that time when it failed.
func (s *session) timed(rule string, check func() error) conformance.Result {
	mark := s.process.log.position()
	r := timed(rule, check)
	if r.Verdict == conformance.Fail {
		time.Sleep(50 * time.Millisecond) // for what it is about to write
		r.Log = s.process.log.since(mark)
	}
	return r
}

// ask asks questions until the server is gone.
func (s *session) ask(ctx context.Context, questions []question) []conformance.Result {
	gone := func(q question) string {
		if q.ended && !s.process.alive() {
			return ""
		}
		return s.gone(ctx)
	}
	return askAll(questions, gone, func(q question) conformance.Result {
		return s.timed(q.rule, func() error { return q.ask(ctx, s.client) })
	})
}

// again checks that the server is still the first one after an answer, and
// gives another.
func (s *session) again(ctx context.Context, c *client) error {
	return s.lives(ctx, func() error { return anyAnswer(ctx, c) })
}

// settle is the time that a server has to fall over an answer.
const settle = 200 * time.Millisecond

// lives checks that the process that was there first answers, some time after
// what it was asked before.
func (s *session) lives(ctx context.Context, ask func() error) error {
	select {
	case <-s.process.ended:
	case <-time.After(settle):
	}
	switch reason := s.gone(ctx); {
	case !s.process.alive():
		return wanted("the first process", "%s", reason)
	case reason != "":
		return notRun("%s", reason)
	}
	if err := ask(); err != nil {
		return err
	}
	return s.same()
}

// same checks that no supervisor has put another server in the place of the
// first.
func (s *session) same() error {
	if pid, _ := s.process.listener(s.port); s.pid != 0 && pid != s.pid {
		return wanted(fmt.Sprintf("process %d still listening", s.pid), "process %d", pid)
	}
	return nil
}

// gone says why the server can be asked no more.
func (s *session) gone(ctx context.Context) string {
	switch {
	case !s.process.alive():
		return "the server has ended: " + ending(s.process.err)
	case s.client.stuck():
		return noMore
	case ctx.Err() != nil:
		return "the test has no time left"
	}
	return ""
}

// survives checks that the process that was there first still answers.
func (s *session) survives(ctx context.Context) error {
	return s.lives(ctx, func() error {
		a, err := s.client.call(ctx, "a last request", call{Payload: "alive"})
		if err != nil {
			return err
		}
		if e, err := parseEcho(a); err != nil || e.Payload != "alive" {
			return wanted("a last answer", "%v", a)
		}
		return nil
	})
}

// address checks that the server can be reached by another address than that
// of the first loopback.
func (s *session) address(ctx context.Context) error {
	conn, err := s.dial(ctx, "127.0.0.2")
	if err != nil {
		_, bound := s.process.listener(s.port)
		return wanted("a server at every address", "one at %s: %v", cmpEmpty(bound, "one only"), err)
	}
	return conn.Close()
}

// unprivileged checks who runs the server.
func (s *session) unprivileged() error {
	want, _ := ids(contract.User)
	users := s.process.users()
	if len(users) == 0 {
		return notRun("/proc does not say who runs the server")
	}
	for _, uid := range users {
		if uid != want {
			return wanted("every process of uid "+want, "uids %s", strings.Join(users, ", "))
		}
	}
	return nil
}

// closed checks that a server without a key lets nobody in.
func (s *session) closed(ctx context.Context) error {
	body := encode(call{Path: s.client.path, File: s.client.file})
	for _, r := range []request{
		{what: "no challenge", body: body},
		{what: "an empty challenge", headers: map[string]string{"X-Internal-Challenge": ""}, body: body},
		{what: "some challenge", challenge: "undefined", body: body},
	} {
		a, err := s.client.send(ctx, r)
		if err != nil {
			return err
		}
		if err := s.client.refuse(a, 401); err != nil {
			return err
		}
	}
	return nil
}
