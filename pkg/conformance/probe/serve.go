package probe

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
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
	Role       Role
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
	s.add(found(o.Fixture.Built)...)
	if s.failed("build") {
		s.add(decide("entrypoint-name", 0, needs("build")))
	} else {
		s.add(found(o.Behaviour.Built)...)
	}
	s.add(found(o.Broken.Built)...)
	s.add(
		timed("user", accounts),
		timed("folders", func() error { return folders(contract.RunDirs()) }),
		timed("scripts", func() error { return executable(o.Launch[0]) }))
	s.add(s.withFixture(ctx)...)
	s.add(s.withoutKey(ctx)...)
	s.add(s.withBehaviour(ctx)...)
	s.add(timed("error-object", s.errorObjects))
	return &conformance.Report{Time: time.Now(), StartSeconds: s.started.Seconds(), Results: conformance.Join(s.results)}
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
	results []conformance.Result
	started time.Duration // from launch to the first answer of the fixture
	refused []answer      // of all servers
	stuck   bool          // a server stopped to answer
}

func (s *serve) add(results ...conformance.Result) {
	s.results = append(s.results, results...)
}

// errorObjects looks at all refusals; where none was asked for, the reason is
// that of a rule which asks for one.
func (s *serve) errorObjects() error {
	at := slices.IndexFunc(s.results,
		func(r conformance.Result) bool { return r.Rule == "methods" && r.Verdict == conformance.NotRun })
	if len(s.refused) == 0 && at >= 0 {
		return notRun("%s", s.results[at].Reason)
	}
	return errorObjects(s.refused)
}

// failed reports whether a rule is known to be broken.
func (s *serve) failed(rule string) bool {
	return failedIn(s.results, rule)
}

func failedIn(results []conformance.Result, rule string) bool {
	return slices.ContainsFunc(results,
		func(r conformance.Result) bool { return r.Rule == rule && r.Verdict == conformance.Fail })
}

// hopeless says why a server need not be started for a function; nil when it
// must be. What is broken already would break in all the rules after it.
func (s *serve) hopeless(f Function, how string) error {
	if f.Entrypoint == "" {
		return notRun("the definition has no %s function", f.Role)
	}
	before := []string{"scripts", "build", f.Role.rule(), "executable", "built-platform", "launch", "again"}
	if how == "command" && !slices.Equal(s.Command, s.Launch) {
		before = slices.DeleteFunc(before, func(rule string) bool { return rule == "launch" })
	}
	if at := slices.IndexFunc(before, s.failed); at >= 0 {
		return needs(before[at])
	}
	if s.stuck {
		return notRun(noMore)
	}
	return nil
}

// withFixture questions a server with the function of the contract.
func (s *serve) withFixture(ctx context.Context) []conformance.Result {
	rules := append([]string{"platform", "address", "unprivileged", "stop"}, rulesOf(fixtureQuestions(anyAnswer))...)
	session, results := s.start(ctx, s.Fixture, "launch", rules, sharedKey)
	if session == nil {
		return results
	}
	defer s.end(session)
	s.started = session.started
	results = append(results,
		timed("platform", session.ofPlatform),
		timed("address", func() error { return session.address(ctx) }),
		timed("unprivileged", session.unprivileged))
	results = append(results, session.ask(ctx, fixtureQuestions(session.again))...)
	return append(results, session.timed("stop", func() error {
		switch alive := session.process.alive(); {
		case !alive && failedIn(results, "again"):
			return needs("again")
		case !alive:
			return notRun("the server has ended: %s", ending(session.process.err))
		case !session.process.catches(sigterm):
			return wanted("a first process that handles SIGTERM",
				"one that does not: as process 1 of a container it would not end")
		}
		return session.process.stop(s.Limits.Stop)
	}))
}

// end ends a server and keeps what it refused.
func (s *serve) end(session *session) {
	session.process.kill()
	s.refused = append(s.refused, session.client.refused...)
	s.stuck = s.stuck || session.client.stuck()
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
	name := filepath.Join(contract.CodeDir, emptyFile+filepath.Ext(s.Behaviour.Entrypoint))
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

// key is what the executor and the server share. It is no secret: nothing
// outside of this container reaches the server.
const (
	key       = "the-key-of-the-test"
	sharedKey = "INTERNAL_RUNTIME_KEY=" + key
)

// start puts a function in place, starts a server by launch.sh or by the
// image's own command (how is the rule that says so), and waits for it. When
// that fails, the rules that it would have decided are not run.
func (s *serve) start(ctx context.Context, f Function, how string, rules []string,
	env string,
) (*session, []conformance.Result) {
	give := func(reason error, more ...conformance.Result) (*session, []conformance.Result) {
		for _, rule := range rules {
			more = append(more, decide(rule, 0, reason))
		}
		return nil, more
	}
	if reason := s.hopeless(f, how); reason != nil {
		return give(reason, decide(how, 0, reason))
	}
	if err := place(f); err != nil {
		reason := notRun("the %s function cannot be placed: %v", f.Role, err)
		return give(reason, decide(how, 0, reason))
	}
	command := s.Launch
	if how == "command" {
		command = s.Command
	}
	begin := time.Now()
	p, err := start(ctx, command, env)
	if err != nil {
		return give(needs(how), decide(how, time.Since(begin), wanted("a server that starts", "%v", err)))
	}
	address := "http://127.0.0.1:" + strconv.Itoa(s.Port) + "/"
	session := &session{
		process: p, client: newClient(address, key, contract.CodeDir, f.Entrypoint, s.Limits.Answer),
		port: s.Port,
	}
	started := session.timed(how, func() error {
		if err := session.ready(ctx, s.Limits.Start); err != nil {
			return err
		}
		return unpacked(f, s.Compiled)
	})
	if started.Verdict != conformance.Pass {
		p.kill()
		return give(needs(how), started)
	}
	session.started = time.Since(begin)
	session.pid, _ = p.listener(s.Port)
	return session, []conformance.Result{started}
}

// unpacked checks that launch.sh has put the function where requests look for
// it.
func unpacked(f Function, compiled bool) error {
	name := filepath.Join(contract.CodeDir, f.Entrypoint)
	if compiled {
		name = contract.Executable
	}
	if _, err := os.Stat(name); err != nil {
		return wanted("the function unpacked in "+contract.CodeDir, "%v", err)
	}
	return nil
}

// place puts what a build made to where launch.sh expects it, and removes what
// the function before has left.
func place(f Function) error {
	packed, err := os.ReadFile(filepath.Join(f.Built, packedName))
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(contract.CodeDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(contract.CodeDir, e.Name())); err != nil {
			return err
		}
	}
	return os.WriteFile(contract.CodeArchive, packed, 0o644) //nolint:gosec // as the executor mounts it
}
