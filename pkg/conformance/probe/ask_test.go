package probe

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/contract"
)

// serveReference starts a reference server that breaks a rule.
func serveReference(t *testing.T, breaks string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(&reference{breaks: breaks, key: "secret", previous: map[string]any{}})
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// patient is for a busy machine, and for the race detector.
const patient = time.Minute

func ask(t *testing.T, url string, compiled bool, limit time.Duration) []conformance.Result {
	t.Helper()
	report, err := Ask(t.Context(), AskOptions{
		URL: url, Key: "secret", Compiled: compiled,
		Fixture:   Deployed{Path: "/code", Entrypoint: "index.js"},
		Behaviour: Deployed{Path: "/code", Entrypoint: "handler.js"},
		Limits:    Limits{Answer: limit, Total: 10 * time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	return report.Results
}

// broken are the rules that failed.
func broken(results []conformance.Result) []string {
	var rules []string
	for _, r := range results {
		if r.Verdict == conformance.Fail {
			rules = append(rules, r.Rule)
		}
	}
	return rules
}

// inside are the rules that no question from outside decides.
var inside = []string{
	"user", "folders", "scripts", "build-command", "build", "executable", "built-platform", "entrypoint-name", "build-failure",
	"launch", "command", "platform", "address", "unprivileged", "key-unset", "key-empty", "no-function", "survives", "stop",
}

// TestAsk: a good server passes every rule that can be decided from outside,
// and one that breaks a rule fails in that one and no other.
func TestAsk(t *testing.T) {
	t.Run("good", func(t *testing.T) {
		for _, r := range ask(t, serveReference(t, ""), false, patient) {
			want := conformance.Pass
			if slices.Contains(inside, r.Rule) {
				want = conformance.NotRun
			}
			if r.Verdict != want || want == conformance.NotRun && r.Reason != "it needs the image" {
				t.Errorf("%+v", r)
			}
		}
	})
	for _, rule := range contract.Checked(contract.Live) {
		if slices.Contains(inside, rule.ID) {
			continue
		}
		t.Run(rule.ID, func(t *testing.T) {
			t.Parallel()
			results := ask(t, serveReference(t, rule.ID), false, patient)
			if got := broken(results); !slices.Equal(got, []string{rule.ID}) {
				t.Errorf("broken are %v: %+v", got, results)
			}
		})
	}
}

func TestAskCompiled(t *testing.T) {
	for _, r := range ask(t, serveReference(t, ""), true, patient) {
		if slices.Contains([]string{"missing-file", "no-function"}, r.Rule) && (r.Verdict != conformance.NotRun || !strings.Contains(r.Reason, "compiled")) {
			t.Errorf("%+v", r)
		}
	}
}

// TestNeeds: what cannot be decided because another rule is broken says so.
func TestNeeds(t *testing.T) {
	for _, r := range ask(t, serveReference(t, "late"), false, patient) {
		if r.Rule == "parallel" && (r.Verdict != conformance.NotRun || r.Reason != "it needs late") {
			t.Errorf("%+v", r)
		}
	}
}

// TestAskHangs: a server that stops answering is not waited for at every
// question.
func TestAskHangs(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Internal-Challenge") == "secret" {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	begin := time.Now()
	results := ask(t, server.URL, false, time.Second)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := broken(results); !slices.Equal(got, []string{"function", "defaults"}) {
		t.Errorf("broken are %v", got)
	}
	for _, r := range results {
		if r.Rule == "methods" && r.Reason != "the server no longer answers" {
			t.Errorf("%+v", r)
		}
	}
}

func TestAskNobody(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Ask(t.Context(), AskOptions{URL: url, Limits: Limits{Answer: time.Second, Total: time.Second}})
	if err == nil || !strings.HasPrefix(err.Error(), url+" does not answer: ") {
		t.Errorf("got %v", err)
	}
}

// TestClient: what servers do to a connection.
func TestClient(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve http.HandlerFunc
		want  string // the answer, or the error
	}{
		{"an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "Text/Plain ; charset=utf-8")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "tea\xff")
		}, "status 418, text/plain: tea�"},
		{"nothing in it", func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil }, "status 200, no content type: nothing"},
		{"a long one", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		}, "status 200, a/b: " + strings.Repeat("x", 900) + "…"},
		{"none in time", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "want an answer, got none within 100ms"},
		{"half of one", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush() // the client is the judge
			panic(http.ErrAbortHandler)
		}, "want an answer, got unexpected EOF"},
		{"no HTTP", func(w http.ResponseWriter, _ *http.Request) { hijack(t, w, "SSH-2.0-OpenSSH_9.2\r\n\r\n") }, "malformed HTTP response"},
		{"another place", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", http.StatusFound) }, "status 302, no content type: nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(c.serve)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			client := newClient(server.URL, "", "", "", 100*time.Millisecond)
			a, err := client.send(t.Context(), request{})
			got := a.String()
			if err != nil {
				got = err.Error()
			}
			if c.name == "no HTTP" && strings.Contains(got, c.want) {
				got = c.want // with details
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if client.stuck() != (c.name == "none in time") {
				t.Errorf("stuck is %v", client.stuck())
			}
		})
	}
}

func hijack(t *testing.T, w http.ResponseWriter, text string) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, err = io.WriteString(conn, text)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Error(err)
	}
}

// TestRefuse: which statuses are refusals, and that they are kept for the rule
// about their form.
func TestRefuse(t *testing.T) {
	c := newClient("", "", "", "", 0)
	if err := c.refuse(answer{what: "x", status: 400}, 413, 400); err != nil || len(c.refused) != 1 {
		t.Errorf("%v, %v", err, c.refused)
	}
	err := c.refuse(answer{what: "x", status: 200, kind: "a/b", body: []byte("yes")}, 413, 400)
	if err == nil || err.Error() != "want status 413 or 400 for x, got status 200, a/b: yes" || len(c.refused) != 1 {
		t.Errorf("%v, %v", err, c.refused)
	}
}

func TestErrorObjects(t *testing.T) {
	if r := timed("error-object", func() error { return errorObjects(nil) }); r.Verdict != conformance.NotRun || r.Reason != "no request was refused" {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct {
		kind, body string
		good       bool
	}{
		{"application/json", `{"code": 404, "message": "x"}`, true},
		{"application/json", `{"code": 404.0, "message": ""}`, true},
		{"text/plain", `{"code": 404, "message": "x"}`, false},
		{"application/json", `{"code": 500, "message": "x"}`, false},
		{"application/json", `{"code": "404", "message": "x"}`, false},
		{"application/json", `{"code": 404, "message": null}`, false},
		{"application/json", `{"code": 404}`, false},
		{"application/json", `{"code": 404, "message": "x", "stack": ""}`, false},
		{"application/json", `[404, "x"]`, false},
		{"application/json", `null`, false},
		{"application/json", `{"code": 404, "message": "x"} trailing`, false},
		{"application/json", ``, false},
	} {
		err := errorObjects([]answer{{"a test", 404, c.kind, []byte(c.body)}})
		if (err == nil) != c.good {
			t.Errorf("%s, %s: %v", c.kind, c.body, err)
		}
	}
}

// TestTimeless: a test that is ended asks nothing more of a server that hangs.
func TestTimeless(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Ask(ctx, AskOptions{URL: "http://127.0.0.1:1", Limits: DefaultLimits()})
	if err == nil || err.Error() != "http://127.0.0.1:1 does not answer: context canceled" {
		t.Errorf("got %v", err)
	}
}
