//go:build linux

package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/check"
	"github.com/runbake/runbake/pkg/conformance"
)

// TestMain is the server of TestCheckServes when it is started as one.
func TestMain(m *testing.M) {
	if port := os.Getenv("RUNBAKE_TEST_SERVER"); port != "" {
		if err := serveTest("127.0.0.1:"+port, os.Getenv("HOW")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveTest is a server that starts, and ends, in some way.
func serveTest(address, how string) error {
	time.AfterFunc(5*time.Minute, func() { os.Exit(3) }) // whatever becomes of the test
	switch how {
	case "ends":
		os.Exit(7)
	case "late":
		time.Sleep(300 * time.Millisecond)
	case "leaves": // another process to serve, as a daemon does
		cmd := exec.CommandContext(context.Background(), os.Args[0])
		cmd.Env = append(os.Environ(), "HOW=")
		if err := cmd.Start(); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
		return nil
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		if how == "falls over" {
			w.Header().Set("Content-Length", "5")
			_, _ = w.Write([]byte("hello"))
			_ = http.NewResponseController(w).Flush()
			os.Exit(9)
		}
		_, _ = fmt.Fprintf(w, "hello from %s", r.URL)
	}
	return (&http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(handle)}).ListenAndServe()
}

// verdictOf runs one check, and is what it found: "" when it passed.
func verdictOf(t *testing.T, c check.Check, limit time.Duration) string {
	t.Helper()
	c.Name = "it"
	if _, err := check.Decode([]byte(check.Encode([]check.Check{c}))); err != nil {
		t.Fatal(err)
	}
	a := &asking{Check: c, limit: limit}
	report := &conformance.Report{Results: []conformance.Result{{Check: c.Name, Verdict: conformance.Pass}}}
	r := &report.Results[0]
	a.ask(t.Context()).tell(r)
	Files([]check.Check{c}, report)
	if r.Verdict == conformance.Pass {
		return ""
	}
	return fmt.Sprintf("want %s, got %s", r.Want, r.Got)
}

// TestCheckCommand: a right command passes, and every mutant of it fails for what
// is wrong with it.
func TestCheckCommand(t *testing.T) {
	sh := func(script string) []string { return []string{"/bin/sh", "-c", script} }
	for _, c := range []struct {
		name  string
		check check.Check
		want  string // of the failure; "" for none
	}{
		{"good", check.Check{Command: sh("echo v22.1; echo warn >&2; exit 3"), Exit: 3, Stdout: `^v22\.`, Stderr: "^warn\n$"}, ""},
		{"another exit code", check.Check{Command: sh("echo v22.1; exit 1"), Stdout: `^v22\.`}, "want exit code 0, got exit code 1"},
		{"no failure where one belongs", check.Check{Command: sh("exit 0"), Exit: 3}, "want exit code 3, got exit code 0"},
		{"other output", check.Check{Command: sh("echo v20.1"), Stdout: `^v22\.`}, `want stdout that matches "^v22\\.", got "v20.1\n"`},
		{"no output", check.Check{Command: sh(""), Stdout: "x"}, `want stdout that matches "x", got ""`},
		{"output at the other place", check.Check{Command: sh("echo v22.1 >&2"), Stdout: `^v22\.`}, `want stdout that matches "^v22\\.", got ""`},
		{"errors", check.Check{Command: sh("echo oops >&2"), Stderr: "^$"}, `want stderr that matches "^$", got "oops\n"`},
		{
			"all of it",
			check.Check{Command: sh("echo a; echo b >&2; exit 1"), Stdout: "x", Stderr: "y", Exit: 2},
			`want exit code 2; stdout that matches "x"; stderr that matches "y", got exit code 1; "a\n"; "b\n"`,
		},
		{"no such program", check.Check{Command: []string{"/nowhere"}}, "want a command that starts, got fork/exec /nowhere: no such file or directory"},
		{"no such program in the path", check.Check{Command: []string{"runbake-nowhere"}}, `want a command that starts, got exec: "runbake-nowhere": executable file not found in $PATH`},
		{"killed", check.Check{Command: sh("echo a; kill -9 $$"), Stdout: "a"}, "want exit code 0, got its end: signal: killed"},
		{"does not end", check.Check{Command: sh("echo a; sleep 600"), Stdout: "a"}, "want its end within 300ms, got it runs on"},
		{"does not end, below", check.Check{Command: sh("echo a; (sleep 600; :)"), Stdout: "a"}, "want its end within 300ms, got it runs on"},
		{"too much", check.Check{Command: sh("head -c 1048577 /dev/zero | tr '\\0' a"), Stdout: "^a*$"}, `want stdout that matches "^a*$", got more than 1048576 bytes`},
		{"as much as is looked at", check.Check{Command: sh("head -c 1048576 /dev/zero | tr '\\0' a"), Stdout: "^a*$"}, ""},
		{"environment", check.Check{Command: sh(`echo "$A $HOME"`), Environment: map[string]string{"A": "a b", "HOME": "/x"}, Stdout: "^a b /x\n$"}, ""},
		{"no environment", check.Check{Command: sh(`echo "$A"`), Stdout: "a"}, `want stdout that matches "a", got "\n"`},
		{"leaves others", check.Check{Command: sh("sleep 2 & echo a"), Stdout: "^a\n$"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := commandLimit
			if strings.Contains(c.want, "300ms") {
				limit = 300 * time.Millisecond
			}
			if got := verdictOf(t, c.check, limit); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestCheckFiles: likewise for files.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	name := func(name string) string { return filepath.Join(dir, name) }
	write := func(file, text string, mode os.FileMode) {
		if err := os.WriteFile(name(file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name(file), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good", "version = 3\n", 0o640)
	write("set", "", 0o755|os.ModeSetuid)
	write("long", strings.Repeat("a", maxRead+1), 0o600)
	for from, to := range map[string]string{"link": "good", "dangling": "nowhere"} {
		if err := os.Symlink(to, name(from)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(name("good"))
	if err != nil {
		t.Fatal(err)
	}
	owner := ownerOf(info)
	for _, c := range []struct {
		name string
		file check.File
		want string
	}{
		{"good", check.File{Path: name("good"), Mode: "0640", Owner: owner, Content: "(?m)^version = 3$"}, ""},
		{"there", check.File{Path: name("good")}, ""},
		{"a folder", check.File{Path: dir}, ""},
		{"three digits", check.File{Path: name("good"), Mode: "640"}, ""},
		{"a link", check.File{Path: name("link"), Mode: "0640"}, ""},
		{"absent", check.File{Path: name("nowhere"), Absent: true}, ""},
		{"not there", check.File{Path: name("nowhere")}, "want a file, got stat " + name("nowhere") + ": no such file or directory"},
		{"leads nowhere", check.File{Path: name("dangling")}, "want a file, got stat " + name("dangling") + ": no such file or directory"},
		{"not absent", check.File{Path: name("good"), Absent: true}, "want no such file, got one"},
		{"an absent target", check.File{Path: name("dangling"), Absent: true}, "want no such file, got one"},
		{"not to be known", check.File{Path: name("good/x"), Absent: true}, "want no such file, got lstat " + name("good/x") + ": not a directory"},
		{"another mode", check.File{Path: name("good"), Mode: "0644"}, "want mode 0644, got 0640"},
		{"setuid is part of it", check.File{Path: name("set"), Mode: "0755"}, "want mode 0755, got 4755"},
		{"setuid", check.File{Path: name("set"), Mode: "4755"}, ""},
		{"another user", check.File{Path: name("good"), Owner: "54321"}, "want owner 54321, got " + owner},
		{"another group", check.File{Path: name("good"), Owner: strings.Split(owner, ":")[0] + ":54321"}, "want owner " + strings.Split(owner, ":")[0] + ":54321, got " + owner},
		{"no such user", check.File{Path: name("good"), Owner: "runbake-nobody"}, "want owner runbake-nobody, got " + owner},
		{"other content", check.File{Path: name("good"), Content: "version = 4"}, `want content that matches "version = 4", got "version = 3\n"`},
		{"content of a folder", check.File{Path: dir, Content: "x"}, "want something to look at, got read " + dir + ": is a directory"},
		{"long", check.File{Path: name("long"), Content: "^a*$"}, `want content that matches "^a*$", got more than 1048576 bytes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if !strings.HasPrefix(want, "want something") {
				want = strings.Replace(want, "want ", "want "+c.file.Path+": ", 1)
			}
			if got := verdictOf(t, check.Check{Files: []check.File{c.file}}, 0); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	both := check.Check{Command: []string{"/bin/sh", "-c", "echo made > " + name("made")}, Files: []check.File{
		{
			Path:    name("made"),
			Content: "^made\n$",
		}, {Path: name("good"), Absent: true}, {Path: name("good"), Mode: "0600"},
	}}
	want := fmt.Sprintf("want %[1]s: no such file; %[1]s: mode 0600, got one; 0640", name("good"))
	if got := verdictOf(t, both, commandLimit); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestCheckOwner: names are those of the image.
func TestCheckOwner(t *testing.T) {
	for name, want := range map[string]string{"root": "0", "0": "0", "4711": "4711", "runbake-nobody": "runbake-nobody"} {
		if got := number("/etc/passwd", name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestCheckServes: a server is started, answers, and runs on.
func TestCheckServes(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		how    string
		change func(*check.Check)
		want   string
	}{
		{"", nil, ""},
		{"late", nil, ""},
		{"ends", nil, "want a server that keeps running, got its end: exit status 7"},
		{"falls over", nil, "want a server that keeps running, got its end: exit status 9"},
		{"leaves", nil, "want a server that keeps running, got its end: exit status 0"},
		{"", func(c *check.Check) { c.Command = []string{"/nowhere"} }, "want a server that starts, got fork/exec /nowhere: no such file or directory"},
		{"", func(c *check.Check) { c.Files = []check.File{{Path: "/", Absent: true}} }, "want /: no such file, got one"},
	} {
		t.Run(fmt.Sprint(c.how, " ", c.want), func(t *testing.T) {
			port := freePort(t)
			ask := check.Check{
				Command: []string{self},
				// The race detector's end of a program takes a second otherwise.
				Environment: map[string]string{"RUNBAKE_TEST_SERVER": strconv.Itoa(port), "HOW": c.how, "GORACE": "atexit_sleep_ms=0"},
				Serves:      &check.Serves{Port: port, Path: "/a?b=c", Status: 200, Body: "^hello", Within: time.Minute},
			}
			if c.change != nil {
				c.change(&ask)
			}
			if got := verdictOf(t, ask, 0); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestCheckAnswer: the right answer passes, also one that does not come at once,
// and of others the last is told.
func TestCheckAnswer(t *testing.T) {
	status := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	warmsUp := func() http.HandlerFunc {
		var asked atomic.Int64
		return func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) < 3 {
				status(500, "not yet")(w, r)
				return
			}
			_, _ = fmt.Fprintf(w, "hello from %s", r.URL)
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		serves  check.Serves
		want    string
	}{
		{"good", status(200, "hello"), check.Serves{Status: 200, Body: "^hello$"}, ""},
		{"no body is asked for", status(204, ""), check.Serves{Status: 204}, ""},
		{"warms up", warmsUp(), check.Serves{Status: 200, Body: `^hello from /a\?b=c$`}, ""},
		{"redirects", http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP, check.Serves{Status: 302}, ""},
		{"fails as it must", status(500, "no"), check.Serves{Status: 500}, ""},
		{"fails", status(500, "no"), check.Serves{Status: 200}, `want status 200 for GET /a?b=c within 1m0s, got status 500, "no"`},
		{"does not fail", status(200, "yes"), check.Serves{Status: 500}, `want status 500 for GET /a?b=c within 1m0s, got status 200, "yes"`},
		{
			"is elsewhere", http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP,
			check.Serves{Status: 200},
			`want status 200 for GET /a?b=c within 1m0s, got status 302, "<a href=\"/elsewhere\">Found</a>.\n\n"`,
		},
		{"says something else", status(200, "bye"), check.Serves{Status: 200, Body: "^hello"}, `want a body that matches "^hello", got "bye"`},
		{"says nothing", status(200, ""), check.Serves{Status: 200, Body: "^hello"}, `want a body that matches "^hello", got ""`},
		{"floods", status(200, strings.Repeat("x", maxRead+1)), check.Serves{Status: 200, Body: "^x*$"}, `want a body that matches "^x*$", got more than 1048576 bytes`},
		{"cuts off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("hello"))
		}, check.Serves{Status: 200, Body: "^hello"}, "want status 200 for GET /a?b=c within 1m0s, got unexpected EOF"},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, check.Serves{Status: 200}, "want status 200 for GET /a?b=c within 1m0s, got no answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) > 1 && c.want != "" || c.name == "hangs" {
					cancel() // as when its time is over
				}
				c.handler(w, r)
			}))
			defer server.Close()
			c.serves.Path, c.serves.Within = "/a?b=c", time.Minute
			a := &asking{Check: check.Check{Serves: &c.serves}}
			f := &faults{}
			f.add(a.answer(ctx, &process{ended: make(chan struct{})}, server.URL+c.serves.Path))
			r := conformance.Result{}
			if f.tell(&r); r.Verdict == conformance.Fail {
				r.Log = fmt.Sprintf("want %s, got %s", r.Want, r.Got)
			}
			if r.Log != c.want {
				t.Errorf("got  %s\nwant %s", r.Log, c.want)
			}
		})
	}
	a := &asking{Check: check.Check{Serves: &check.Serves{Path: "/", Status: 200, Within: 200 * time.Millisecond}}}
	err := a.answer(t.Context(), &process{ended: make(chan struct{})}, fmt.Sprintf("http://127.0.0.1:%d/", freePort(t)))
	if got := errorText(err); !strings.HasSuffix(got, "connect: connection refused") &&
		!strings.HasSuffix(got, "got no answer") {
		t.Errorf("nobody answers: %s", got)
	}
}

// TestCheckStranger: an answer of another server is none.
func TestCheckStranger(t *testing.T) {
	listener := listen(t)
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
		),
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	port := listener.Addr().(*net.TCPAddr).Port
	got := verdictOf(
		t,
		check.Check{
			Command: []string{"/bin/sh", "-c", "sleep 600"},
			Serves:  &check.Serves{Port: port, Path: "/", Status: 200, Within: time.Second},
		},
		0,
	)
	if want := fmt.Sprintf("want a free port %d, got another server there, before this one has started", port); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCheck: each check has its result, in order, and what was written is told of
// those that fail.
func TestCheck(t *testing.T) {
	checks := []check.Check{
		{Name: "b", Command: []string{"/bin/sh", "-c", "echo out; echo err >&2; exit 1"}},
		{Name: "a", Command: []string{"/bin/sh", "-c", "echo out"}},
		{Name: "nothing"}, // which nobody can write down
		{Name: "file", Files: []check.File{{Path: "/nowhere"}}},
		{Name: "both", Command: []string{"/bin/sh", "-c", "exit 1"}, Files: []check.File{{Path: "/", Absent: true}}},
	}
	report := Commands(t.Context(), checks)
	Files(checks, report)
	var got []string
	for _, r := range report.Results {
		got = append(got, fmt.Sprintf("%s %s %q", r.Check, r.Verdict, r.Log))
	}
	if want := `b fail "out\nerr\n", a pass "", nothing fail "", file fail "", both fail ""`; strings.Join(
		got,
		", ",
	) != want &&
		strings.Join(got, ", ") != strings.Replace(want, `out\nerr\n`, `err\nout\n`, 1) {
		t.Errorf("got %s", got)
	}
	if report.Results[0].Seconds == 0 || time.Since(report.Time) > time.Minute || report.Count(conformance.Fail) != 4 {
		t.Errorf("got %+v", report)
	}
	if both := report.Results[4]; both.Want != "exit code 0; /: no such file" || both.Got != "exit code 1; one" {
		t.Errorf("got %+v", both)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := Commands(ctx, checks[1:2]).Results[0]; r.Verdict != conformance.Fail {
		t.Errorf("without time it is %+v", r)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func freePort(t *testing.T) int {
	t.Helper()
	listener := listen(t)
	defer func() { _ = listener.Close() }() // nobody has connected
	return listener.Addr().(*net.TCPAddr).Port
}
