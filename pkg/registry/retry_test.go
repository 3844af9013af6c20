package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// answers are what a server does, request by request; the last one stays.
type answers []func(w http.ResponseWriter, r *http.Request)

func status(code int, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range headers {
			key, value, _ := strings.Cut(h, ": ")
			w.Header().Set(key, value)
		}
		w.WriteHeader(code)
		fmt.Fprint(w, code)
	}
}

// echo answers what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(w, r.Body); err != nil {
		panic(err)
	}
}

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// truncate promises more than it sends.
func truncate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	fmt.Fprint(w, "half")
	panic(http.ErrAbortHandler)
}

// silent does not answer.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// inMemory is the address of what serve serves.
const inMemory = "http://127.0.0.1:1"

// serve answers on connections in memory: while all wait for one another, the
// clock of the test moves on, and a busy machine changes nothing.
func serve(handle http.HandlerFunc) (connect *http.Transport, stop func()) {
	listener := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: handle, ErrorLog: log.New(io.Discard, "", 0)} //nolint:gosec // no network
	go func() { _ = server.Serve(listener) }()                                    // it ends with stop
	connect = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, served := net.Pipe()
		select {
		case listener.conns <- served:
			return client, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	return connect, func() {
		connect.CloseIdleConnections()
		_ = server.Close()
	}
}

// pipes is a listener for connections in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestRetry(t *testing.T) {
	const first, longest = 10 * time.Millisecond, 25 * time.Millisecond
	for name, c := range map[string]struct {
		method string
		path   string
		send   string
		answers
		want  string // of the body, or the error
		waits string
	}{
		"good":                    {answers: answers{status(200)}, want: "200", waits: "[]"},
		"busy once":               {answers: answers{status(429), status(200)}, want: "200", waits: "[10ms]"},
		"broken for long":         {answers: answers{status(502)}, want: "502", waits: "[10ms 20ms 25ms 25ms]"},
		"all transient":           {answers: answers{status(500), status(503), status(504), status(408), status(200)}, want: "200", waits: "[10ms 20ms 25ms 25ms]"},
		"not found stays":         {answers: answers{status(404)}, want: "404", waits: "[]"},
		"not implemented stays":   {answers: answers{status(501)}, want: "501", waits: "[]"},
		"asked to wait":           {answers: answers{status(429, "Retry-After: 0"), status(503, "Retry-After: 0"), status(200)}, want: "200", waits: "[0s 0s]"},
		"asked to wait until":     {answers: answers{status(429, "Date: Tue, 24 Nov 2026 10:00:00 GMT", "Retry-After: Tue, 24 Nov 2026 09:59:00 GMT"), status(200)}, want: "200", waits: "[0s]"},
		"asked to wait for long":  {answers: answers{status(429, "Retry-After: 3600"), status(200)}, want: "429", waits: "[]"},
		"asked to wait nonsense":  {answers: answers{status(429, "Retry-After: soon"), status(200)}, want: "200", waits: "[10ms]"},
		"reset":                   {answers: answers{reset, reset, status(200)}, want: "200", waits: "[10ms 20ms]"},
		"reset for long":          {answers: answers{reset}, want: "EOF", waits: "[10ms 20ms 25ms 25ms]"},
		"reset in the middle":     {answers: answers{truncate, status(200)}, want: "200", waits: "[10ms]"},
		"slow":                    {answers: answers{silent, status(200)}, want: "200", waits: "[10ms]"},
		"slow for long":           {answers: answers{silent}, want: "no answer in 50ms", waits: "[10ms]"},
		"slow and broken":         {answers: answers{silent, status(503), silent}, want: "no answer in 50ms", waits: "[10ms 20ms]"},
		"what was sent":           {method: http.MethodPut, send: "manifest", answers: answers{status(503), reset, echo}, want: "manifest", waits: "[10ms 20ms]"},
		"an upload is not":        {method: http.MethodPatch, send: "blob", answers: answers{status(503), status(200)}, want: "503", waits: "[]"},
		"beginning an upload":     {method: http.MethodPost, answers: answers{status(500), status(202)}, want: "202", waits: "[10ms]"},
		"the middle of a blob":    {path: "/v2/x/blobs/sha256:1", answers: answers{truncate, status(200)}, want: "200", waits: "[10ms]"},
		"a HEAD":                  {method: http.MethodHead, answers: answers{status(500), status(200)}, want: "", waits: "[10ms]"},
		"no TLS on this machine":  {path: "https", answers: answers{status(200)}, want: errPlain.Error(), waits: "[]"},
		"too many requests, then": {answers: answers{status(429), status(404)}, want: "404", waits: "[10ms]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				connect, stop := serve(func(w http.ResponseWriter, r *http.Request) {
					c.answers[min(int(n.Add(1)), len(c.answers))-1](w, r)
				})
				defer stop()
				var waits []time.Duration
				transport := newRetryTransport(connect, nil, Retry{Attempts: 5, First: first, Longest: longest, Timeout: 50 * time.Millisecond})
				transport.sleep = func(_ context.Context, d time.Duration) error {
					waits = append(waits, d)
					return nil
				}
				url := inMemory + c.path
				if c.path == "https" {
					url = strings.Replace(inMemory, "http", "https", 1) + "/v2/"
				}
				req, err := http.NewRequestWithContext(t.Context(), cmp.Or(c.method, http.MethodGet), url, strings.NewReader(c.send))
				if err != nil {
					t.Fatal(err)
				}
				got := answer(t, transport, req)
				if got != c.want || fmt.Sprint(waits) != c.waits {
					t.Errorf("got %q after %v, want %q after %s", got, waits, c.want, c.waits)
				}
			})
		})
	}
}

// TestRetryEnds: who waits for the next attempt does not wait for it when the
// command ends.
func TestRetryEnds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(status(503)))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	transport := newRetryTransport(http.DefaultTransport, nil, Retry{First: time.Hour, Longest: time.Hour})
	wait := transport.sleep
	transport.sleep = func(ctx context.Context, d time.Duration) error {
		cancel()
		return wait(ctx, d)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if err == nil {
		res.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSleep(t *testing.T) {
	if err := sleep(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
}

func TestBackoff(t *testing.T) {
	r := Retry{}.withDefaults()
	var waits []time.Duration
	for n := range 9 {
		waits = append(waits, r.backoff(n+1))
	}
	if got, want := fmt.Sprint(waits), "[500ms 1s 2s 4s 8s 16s 30s 30s 30s]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// answer is the body of an answer, or the error.
func answer(t *testing.T, transport http.RoundTripper, req *http.Request) string {
	t.Helper()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// TestBuffer: a large answer comes whole, whether its length is given or not.
func TestBuffer(t *testing.T) {
	large := strings.Repeat("x", maxBuffered+3)
	for name, length := range map[string]string{"given": strconv.Itoa(len(large)), "not given": ""} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				fmt.Fprint(w, large)
			}))
			defer server.Close()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if got := answer(t, newRetryTransport(http.DefaultTransport, nil, Retry{}), req); got != large {
				t.Errorf("%d bytes of %d", len(got), len(large))
			}
		})
	}
}

// moves sends so many pieces, each in less than the time that a request may
// stand still, and all of them in more; then it answers, or says nothing more.
type moves struct {
	pieces int
	tick   *time.Ticker
}

func (m *moves) Read(b []byte) (int, error) {
	if m.pieces == 0 {
		return 0, io.EOF
	}
	m.pieces--
	<-m.tick.C
	return copy(b, "piece"), nil
}

// TestWatch: what moves may take long; what stands still is given up, also in
// the middle of a blob, in either direction.
func TestWatch(t *testing.T) {
	const limit = 200 * time.Millisecond
	large := strconv.Itoa(2 * maxBuffered)
	for name, c := range map[string]struct {
		method, path string
		pieces       int
		answer       func(http.ResponseWriter, *http.Request)
		want         string
	}{
		"sending":            {http.MethodPatch, "/", 20, echo, strings.Repeat("piece", 20)},
		"sent, no answer":    {http.MethodPatch, "/", 2, silent, "no answer in 200ms"},
		"nothing is taken":   {http.MethodPatch, "/", 1 << 30, silent, "no answer in 200ms"},
		"answered in pieces": {http.MethodGet, "/v2/x/blobs/y", 0, func(w http.ResponseWriter, _ *http.Request) { echoSlowly(w) }, strings.Repeat("piece", 20)},
		"half an answer": {http.MethodGet, "/v2/x/blobs/y", 0, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", large)
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			silent(w, r)
		}, "no answer in 200ms"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over, end := context.WithCancel(t.Context())
				connect, stop := serve(func(w http.ResponseWriter, r *http.Request) { c.answer(w, r.WithContext(over)) })
				defer stop()
				defer end()
				tick := time.NewTicker(limit / 10)
				defer tick.Stop()
				var body io.Reader
				if c.pieces > 0 {
					body = &moves{c.pieces, tick}
				}
				if c.pieces == 1<<30 {
					body = endlessly{}
				}
				req, err := http.NewRequestWithContext(t.Context(), c.method, inMemory+c.path, body)
				if err != nil {
					t.Fatal(err)
				}
				transport := newRetryTransport(connect, nil, Retry{Attempts: 1, Timeout: limit})
				if got := answer(t, transport, req); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

// endlessly is more than a connection takes that nobody reads.
type endlessly struct{}

func (endlessly) Read(b []byte) (int, error) { return len(b), nil }

func echoSlowly(w http.ResponseWriter) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	if _, err := io.Copy(flushing{w}, &moves{20, tick}); err != nil {
		panic(err)
	}
}

type flushing struct{ http.ResponseWriter }

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.ResponseWriter.Write(b)
	f.ResponseWriter.(http.Flusher).Flush()
	return n, err
}
