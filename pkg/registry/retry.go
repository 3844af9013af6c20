package registry

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Retry says how often and how long a registry is asked again when it is busy,
// broken for a moment, or the network is.
type Retry struct {
	Attempts int           // requests, the first included; 0 for 6
	First    time.Duration // wait after the first failure, which doubles; 0 for half a second
	Longest  time.Duration // longest wait; a registry that asks for more is not asked again; 0 for 30 seconds
	Timeout  time.Duration // how long nothing may move, neither what is sent nor an answer; 0 for a minute
}

func (r Retry) withDefaults() Retry {
	if r.Attempts == 0 {
		r.Attempts = 6
	}
	if r.First == 0 {
		r.First = 500 * time.Millisecond
	}
	if r.Longest == 0 {
		r.Longest = 30 * time.Second
	}
	if r.Timeout == 0 {
		r.Timeout = time.Minute
	}
	return r
}

// backoff is how long to wait after so many failures, at most: it doubles.
func (r Retry) backoff(failures int) time.Duration {
	wait := r.First
	for range failures - 1 {
		if wait = min(2*wait, r.Longest); wait == r.Longest {
			break
		}
	}
	return wait
}

// maxSilences is how often a request may get no answer at all: each time takes
// the whole of [Retry.Timeout], and what is silent for so long is not busy.
const maxSilences = 2

// maxBuffered is how large an answer may be to be read within its attempt, so
// that a connection that breaks in the middle is one more thing to repeat.
const maxBuffered = 4 << 20

// retryTransport repeats requests that failed for a moment. It is the one place
// that does.
type retryTransport struct {
	inner  http.RoundTripper
	hosts  *Hosts
	policy Retry
	sleep  func(ctx context.Context, d time.Duration) error

	mu      sync.Mutex
	secrets map[string]bool // what was sent to prove who we are
}

func newRetryTransport(inner http.RoundTripper, hosts *Hosts, policy Retry) *retryTransport {
	return &retryTransport{inner: inner, hosts: hosts, policy: policy.withDefaults(), sleep: sleep, secrets: map[string]bool{}}
}

// sleep waits, a random part of the second half of the time left out, so that
// many do not come back at once.
func sleep(ctx context.Context, d time.Duration) error {
	if half := int64(d / 2); half > 0 {
		d -= time.Duration(rand.Int64N(half))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// RoundTrip makes it a transport.
func (t *retryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.remember(req)
	silences := 0
	for attempt := 1; ; attempt++ {
		res, err := t.once(req)
		if _, silent := errors.AsType[*timeoutError](err); silent {
			silences++
		}
		wait, again := t.again(req, res, err, attempt)
		if !again || silences == maxSilences {
			return res, err
		}
		if res != nil {
			res.Body.Close()
		}
		if err := t.sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		next := req.Clone(req.Context())
		if req.GetBody != nil {
			if next.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		req = next
	}
}

// again decides whether a request is repeated, and when.
func (t *retryTransport) again(req *http.Request, res *http.Response, err error, attempt int) (time.Duration, bool) {
	switch {
	case attempt >= t.policy.Attempts, req.Context().Err() != nil, !repeatable(req):
		return 0, false
	case err != nil:
		return t.policy.backoff(attempt), transient(err)
	case !transientStatus(res.StatusCode):
		return 0, false
	}
	asked, given := retryAfter(res.Header)
	if !given {
		return t.policy.backoff(attempt), true
	}
	return asked, asked <= t.policy.Longest
}

// repeatable reports whether a request may be made twice. A blob is sent to an
// upload that remembers what it has, so the upload is begun anew instead: see
// copyManifest.
func repeatable(req *http.Request) bool {
	return req.Method != http.MethodPatch && (req.Body == nil || req.Body == http.NoBody || req.GetBody != nil)
}

// transientStatus reports answers that another attempt may not get.
func transientStatus(code int) bool {
	return code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500 && code != http.StatusNotImplemented
}

// transient reports failures of the network that another attempt may not meet.
// Names that do not exist, ports where nobody listens and certificates that are
// wrong stay so.
func transient(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errPlain), errors.Is(err, errUnprotected),
		errors.Is(err, errLarge), errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, syscall.ECONNREFUSED):
		return false
	case errors.As(err, &certificate):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return true
}

// retryAfter is how long the registry asks to wait. A date is read against the
// registry's own clock.
func retryAfter(h http.Header) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 1<<30)) * time.Second, true
	}
	then, err := http.ParseTime(value)
	now, err2 := http.ParseTime(h.Get("Date"))
	if err != nil || err2 != nil {
		return 0, false
	}
	return max(then.Sub(now), 0), true
}

// networkError is a failure on the way to a registry and back.
type networkError struct{ cause error }

func (e *networkError) Error() string { return e.cause.Error() }
func (e *networkError) Unwrap() error { return e.cause }

// errPlain is what an attempt with TLS at a registry of this machine ends with:
// these are asked without, and the library asks both ways.
var errPlain = errors.New("this registry is asked without TLS")

func (h *Hosts) overTLS(u *url.URL) bool {
	return h.withoutTLS(u) && u.Scheme == "https" && u.Path == "/v2/"
}

// errUnprotected is what an attempt without TLS at another machine ends with:
// the library would make one at private addresses, and at the address of tokens
// that a registry names, and send credentials there.
var errUnprotected = errors.New("only where a buildkitd.toml says so")

func (h *Hosts) unprotected(u *url.URL) bool {
	return u.Scheme != "https" && !h.withoutTLS(u)
}

// withoutTLS reports whether a host is asked without TLS: where nothing is said
// of it, one on this machine.
func (h *Hosts) withoutTLS(u *url.URL) bool {
	if known, named := h.host(u.Host); named {
		return known.plain
	}
	return thisMachine(u.Hostname())
}

func thisMachine(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// maxAnswer is how large an answer may be that is no blob: lists, manifests,
// tokens and errors.
const maxAnswer = 32 << 20

// errLarge ends reading an answer that is larger.
var errLarge = fmt.Errorf("its answer is larger than %d MiB", maxAnswer>>20)

// limited reads an answer up to [maxAnswer].
type limited struct {
	io.ReadCloser
	left int
}

// Read implements [io.Reader].
func (l *limited) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, &networkError{errLarge}
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// isBlob reports whether a request is for content that is as large as it is.
func isBlob(req *http.Request) bool {
	return req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/")
}

// once makes one attempt. Answers that are small are read to their end.
func (t *retryTransport) once(req *http.Request) (*http.Response, error) {
	if t.hosts.overTLS(req.URL) {
		return nil, errPlain
	}
	if t.hosts.unprotected(req.URL) {
		host := req.URL.Host
		return nil, &networkError{fmt.Errorf("%s is asked without TLS %w: [registry.%q] http = true", host, errUnprotected, host)}
	}
	ctx, w := newWatch(req.Context(), t.policy.Timeout)
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &watched{req.Body, w}
	}
	res, err := t.inner.RoundTrip(req)
	if err == nil {
		res.Body = &watched{res.Body, w}
		if !isBlob(req) { // also where it is led elsewhere, as blobs are
			res.Body = &limited{res.Body, maxAnswer}
		}
		if req.Method == http.MethodGet {
			err = buffer(res)
		}
	}
	if err != nil {
		err = w.explain(err)
		w.end()
		return nil, &networkError{err}
	}
	res.Body = &ending{res.Body, w}
	return res, nil
}

// buffer reads the body of an answer, unless it is large: a blob that is as
// large is read as it comes.
func buffer(res *http.Response) error {
	if res.ContentLength > maxBuffered || res.ContentLength < 0 && res.Request != nil && isBlob(res.Request) {
		return nil
	}
	body := res.Body
	start, err := io.ReadAll(io.LimitReader(body, maxBuffered))
	if err != nil {
		body.Close()
		return err
	}
	if len(start) < maxBuffered {
		body.Close()
		res.Body = io.NopCloser(bytes.NewReader(start))
		return nil
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), body), body}
	return nil
}

// remember keeps what a request proves itself with, so that no error shows it,
// even when a registry repeats it.
func (t *retryTransport) remember(req *http.Request) {
	_, proof, found := strings.Cut(req.Header.Get("Authorization"), " ")
	if !found {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secrets[proof] = true
	if _, password, ok := req.BasicAuth(); ok {
		t.secrets[password] = true
	}
}

// scrub takes secrets out of a text.
func (t *retryTransport) scrub(text string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for secret := range t.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}
