package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
)

// ServeOptions say which server is questioned, and how long it may take.
type ServeOptions struct {
	Compiled  bool
	Launch    []string // what the executor runs
	Command   []string // the image's own command; nil if it is not known
	Port      int
	Fixture   Function
	Behaviour Function
	Broken    Function // built only
	Limits    Limits
}

// Function is one that was built.
type Function struct {
	Entrypoint string // file name; "" when there is no such function
	Built      string // the Out folder of its build
}

// Limits are how long things may take.
type Limits struct {
	Start  time.Duration // to the first answer
	Answer time.Duration // of one request
	Stop   time.Duration // after SIGTERM
	Total  time.Duration // of all questions
}

// DefaultLimits are for servers that may be emulated: ten times slower than
// they are meant to be.
func DefaultLimits() Limits {
	return Limits{Start: 2 * time.Minute, Answer: 30 * time.Second, Stop: 10 * time.Second, Total: 10 * time.Minute}
}

// Serve starts servers in the run image with the functions that were built,
// questions them, and joins what it finds with what the builds found.
func Serve(ctx context.Context, o ServeOptions) *conformance.Report {
	ctx, cancel := context.WithTimeout(ctx, o.Limits.Total)
	defer cancel()
	s := &serve{ServeOptions: o}
	steps := [][]conformance.Result{
		found(o.Fixture.Built), found(o.Behaviour.Built), found(o.Broken.Built),
		{timed("user", accounts), timed("folders", func() error { return folders(runFolders()) })},
		s.withFixture(ctx),
		s.withoutKey(ctx),
		s.withBehaviour(ctx),
		{timed("error-object", func() error { return errorObjects(s.refused) })},
	}
	return &conformance.Report{Time: time.Now(), Start: s.started, Results: conformance.Join(steps...)}
}

// found reads what a build found. A build that left nothing found nothing.
func found(dir string) []conformance.Result {
	var results []conformance.Result
	if data, err := os.ReadFile(filepath.Join(dir, resultsName)); err == nil {
		if err := json.Unmarshal(data, &results); err != nil {
			return nil
		}
	}
	return results
}

type serve struct {
	ServeOptions
	started time.Duration // from launch to the first answer of the fixture
	refused []answer      // of all servers
}

// withFixture questions a server with the function of the contract.
func (s *serve) withFixture(ctx context.Context) []conformance.Result {
	rules := append([]string{"address", "unprivileged", "stop"}, rulesOf(fixtureQuestions())...)
	session, results := s.start(ctx, s.Fixture, "launch", rules, sharedKey)
	if session == nil {
		return results
	}
	defer s.end(session)
	s.started = session.started
	results = append(results,
		timed("address", func() error { return session.address(s.Port) }),
		timed("unprivileged", session.unprivileged))
	results = append(results, session.ask(ctx, fixtureQuestions())...)
	return append(results, session.timed("stop", func() error {
		if !session.process.alive() {
			return notRun("the server has ended: %s", ending(session.process.err))
		}
		return session.process.stop(s.Limits.Stop)
	}))
}

// end ends a server and keeps what it refused.
func (s *serve) end(session *session) {
	session.process.kill()
	s.refused = append(s.refused, session.client.refused...)
}

func rulesOf(questions []question) []string {
	rules := make([]string, 0, len(questions))
	for _, q := range questions {
		rules = append(rules, q.rule)
	}
	return rules
}

// withBehaviour questions a server whose function does what it is told to.
func (s *serve) withBehaviour(ctx context.Context) []conformance.Result {
	questions := behaviourQuestions(s.Compiled)
	session, results := s.start(ctx, s.Behaviour, "launch", append(rulesOf(questions), "survives"), sharedKey)
	if session == nil {
		return results
	}
	defer s.end(session)
	// The empty file is beside the function, which launch.sh has unpacked.
	name := filepath.Join(codeDir, emptyFile+filepath.Ext(s.Behaviour.Entrypoint))
	if err := os.WriteFile(name, nil, 0o600); err != nil && !s.Compiled {
		results = append(results, decide("no-function", 0, notRun("the file cannot be written: %v", err)))
	}
	results = append(results, session.ask(ctx, questions)...)
	return append(results, session.timed("survives", func() error { return session.survives(ctx) }))
}

// withoutKey starts the server as somebody does who forgot the key, by the
// image's own command.
func (s *serve) withoutKey(ctx context.Context) []conformance.Result {
	how := "command"
	var results []conformance.Result
	if len(s.Command) == 0 {
		how = "launch"
		results = append(results, decide("command", 0, notRun("the Dockerfile does not say what the command is")))
	}
	for _, c := range []struct{ rule, env string }{{"key-unset", ""}, {"key-empty", "INTERNAL_RUNTIME_KEY="}} {
		session, started := s.start(ctx, s.Fixture, how, []string{c.rule}, c.env)
		results = append(results, started...)
		if session != nil {
			results = append(results, session.timed(c.rule, func() error { return session.closed(ctx) }))
			s.end(session)
		}
	}
	return results
}

// session is a conversation with a running server.
type session struct {
	process *process
	client  *client
	pid     int // of the process that listens; 0 when it cannot be known
	port    int
	started time.Duration
}

// key is what the executor and the server share. It is no secret: nothing
// outside of this container reaches the server.
const (
	key       = "the-key-of-the-test"
	sharedKey = "INTERNAL_RUNTIME_KEY=" + key
)

// start puts a function in place, starts a server by launch.sh or by the
// image's own command (how is the rule that says so), and waits for it. When
// that fails, the rules that it would have decided are not run.
func (s *serve) start(ctx context.Context, f Function, how string, rules []string, env string) (*session, []conformance.Result) {
	give := func(reason string, more ...conformance.Result) (*session, []conformance.Result) {
		for _, rule := range rules {
			more = append(more, decide(rule, 0, notRun("%s", reason)))
		}
		return nil, more
	}
	if f.Entrypoint == "" {
		return give("the definition has no such function")
	}
	if err := place(f); err != nil {
		return give("the function was not built", decide(how, 0, notRun("the function was not built")))
	}
	command := s.Launch
	if how == "command" {
		command = s.Command
	}
	begin := time.Now()
	p, err := start(ctx, command, env)
	if err != nil {
		return give("the server did not start", decide(how, time.Since(begin), wanted("a server that starts", "%v", err)))
	}
	address := "http://127.0.0.1:" + strconv.Itoa(s.Port) + "/"
	session := &session{process: p, client: newClient(address, key, codeDir, f.Entrypoint, s.Limits.Answer), port: s.Port}
	started := session.timed(how, func() error { return session.ready(ctx, s.Limits.Start) })
	if started.Verdict != conformance.Pass {
		p.kill()
		return give("the server did not start", started)
	}
	session.started = time.Since(begin)
	session.pid, _ = p.listener(s.Port)
	return session, []conformance.Result{started}
}

// place puts what a build made to where launch.sh expects it, and removes what
// the function before has left.
func place(f Function) error {
	packed, err := os.ReadFile(filepath.Join(f.Built, packedName))
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(codeDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(codeDir, e.Name())); err != nil {
			return err
		}
	}
	return os.WriteFile(codeFile, packed, 0o644) //nolint:gosec // as the executor mounts it
}

// ready waits until the server answers anything at all.
func (s *session) ready(ctx context.Context, limit time.Duration) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.process.ended:
			return wanted("a server that keeps running", "its end: %s", ending(s.process.err))
		case <-ctx.Done():
			return wanted("an answer", "none in the time that the test has")
		default:
		}
		probe := newClient(s.client.url, "", "", "", min(limit, s.client.timeout))
		if _, err := probe.send(ctx, request{}); err == nil {
			return nil
		} else if probe.stuck() {
			return err
		}
	}
	return wanted("an answer", "none within %v", limit)
}

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
	var results []conformance.Result
	for _, q := range questions {
		if reason := s.gone(ctx); reason != "" {
			results = append(results, decide(q.rule, 0, notRun("%s", reason)))
			continue
		}
		results = append(results, s.timed(q.rule, func() error {
			if q.rule == "again" {
				time.Sleep(settle)
			}
			if err := q.ask(ctx, s.client); err != nil || q.rule != "again" {
				return err
			}
			return s.same()
		}))
	}
	return results
}

// settle is the time that a server has to fall over its first answer.
const settle = 100 * time.Millisecond

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
		return "the server no longer answers"
	case ctx.Err() != nil:
		return "the test has no time left"
	}
	return ""
}

// survives checks that the process that was there first still answers.
func (s *session) survives(ctx context.Context) error {
	if reason := s.gone(ctx); reason != "" {
		return wanted("the first process", "%s", reason)
	}
	a, err := s.client.call(ctx, "a last request", call{Payload: "alive"})
	if err != nil {
		return err
	}
	if e, err := parseEcho(a); err != nil || e.Payload != "alive" {
		return wanted("a last answer", "%v", a)
	}
	return s.same()
}

// address checks that the server can be reached by another address than that
// of the first loopback.
func (s *session) address(port int) error {
	other := net.JoinHostPort("127.0.0.2", strconv.Itoa(port))
	conn, err := net.DialTimeout("tcp", other, s.client.timeout)
	if err != nil {
		_, bound := s.process.listener(port)
		return wanted("a server at every address", "one at %s: %v", cmpEmpty(bound, "one only"), err)
	}
	return conn.Close()
}

// unprivileged checks who runs the server.
func (s *session) unprivileged() error {
	want, _ := ids(account)
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
