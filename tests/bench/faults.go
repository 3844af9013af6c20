package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultKind is what goes wrong with a request.
type FaultKind string

// The kinds of faults.
const (
	FaultStatus FaultKind = "status" // it is answered with a status
	FaultReset  FaultKind = "reset"  // the connection is reset in the middle of what is sent, or else of the answer
	FaultSlow   FaultKind = "slow"   // it is answered after a while
	FaultSilent FaultKind = "silent" // it is never answered
)

// Fault goes wrong with some of the requests to a registry.
type Fault struct {
	Kind       FaultKind
	On         RequestKind
	From       int           // the first request of its kind that it strikes, from 1
	Count      int           // how many it strikes; 0 for all
	Status     int           // of FaultStatus
	RetryAfter int           // seconds that FaultStatus asks to wait; 0 for none
	Wait       time.Duration // of FaultSlow
}

// String tells what it does.
func (f Fault) String() string {
	count := "all"
	if f.Count > 0 {
		count = strconv.Itoa(f.Count)
	}
	text := fmt.Sprintf("%s on %s from %d, %s", f.Kind, f.On, f.From, count)
	if f.Status != 0 {
		text += fmt.Sprintf(", %d after %d s", f.Status, f.RetryAfter)
	}
	if f.Wait != 0 {
		text += ", " + f.Wait.String()
	}
	return text
}

// RequestKind is a sort of request.
type RequestKind string

// The kinds of requests.
const (
	AnyRequest    RequestKind = "any request"
	BlobWrite     RequestKind = "writing a blob"
	BlobRead      RequestKind = "reading a blob"
	ManifestWrite RequestKind = "writing a manifest"
	ManifestRead  RequestKind = "reading a manifest"
	TagWrite      RequestKind = "moving a tag" // ManifestWrite, too
)

func (k RequestKind) matches(r *http.Request) bool {
	if k == AnyRequest {
		return true
	}
	kind := RequestKind("")
	write := r.Method != http.MethodGet && r.Method != http.MethodHead
	switch blob, manifest := strings.Contains(r.URL.Path, "/blobs/"), strings.Contains(r.URL.Path, "/manifests/"); {
	case blob && write:
		kind = BlobWrite
	case blob:
		kind = BlobRead
	case manifest && write:
		kind = ManifestWrite
	case manifest:
		kind = ManifestRead
	}
	tag := kind == ManifestWrite && !strings.Contains(r.URL.Path, "sha256:")
	return kind == k || k == TagWrite && tag
}

// FaultProxy stands before a registry, and makes faults.
type FaultProxy struct {
	Addr   string // host:port
	proxy  *httputil.ReverseProxy
	closed chan struct{}

	mu       sync.Mutex
	faults   []Fault
	seen     []int // requests of each fault's kind
	struck   int
	requests int
	busy     int
	at       map[int]func()
	login    string // user:password that it asks for; "" for none
}

type connectionKey struct{}

// StartFaultProxy starts one before the registry that starts empty.
func (b *Bench) StartFaultProxy() (*FaultProxy, error) {
	target, err := url.Parse("http://" + b.Registry())
	if err != nil {
		return nil, err
	}
	p := &FaultProxy{proxy: httputil.NewSingleHostReverseProxy(target), closed: make(chan struct{})}
	p.proxy.FlushInterval = -1
	p.proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 32}
	p.proxy.ErrorHandler = func(_ http.ResponseWriter, r *http.Request, _ error) { reset(r) }
	p.proxy.ErrorLog = log.New(io.Discard, "", 0)
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, c)
	}
	server.Start()
	p.Addr = strings.TrimPrefix(server.URL, "http://")
	b.onClose(func() error {
		close(p.closed)
		server.CloseClientConnections()
		server.Close()
		return nil
	})
	return p, nil
}

// Inject makes these faults from now on, and no others, and begins to count
// requests.
func (p *FaultProxy) Inject(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults, p.seen, p.struck, p.requests, p.at = faults, make([]int, len(faults)), 0, 0, map[int]func(){}
}

// At does something when so many requests have come, before the last of them is
// answered.
func (p *FaultProxy) At(requests int, do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[requests] = do
}

// Login lets in only who has a name and a password.
func (p *FaultProxy) Login(user, password string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.login = user + ":" + password
}

// Struck is how many requests went wrong, of how many, since [FaultProxy.Inject].
func (p *FaultProxy) Struck() (struck, requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.struck, p.requests
}

// Busy is how many requests are not answered yet.
func (p *FaultProxy) Busy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy
}

// ServeHTTP passes a request on, or does not.
func (p *FaultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, do, allowed := p.arrived(r)
	defer func() {
		p.mu.Lock()
		p.busy--
		p.mu.Unlock()
	}()
	if do != nil {
		do()
	}
	switch {
	case !allowed:
		w.Header().Set("WWW-Authenticate", `Basic realm="bench"`)
		w.WriteHeader(http.StatusUnauthorized)
	case fault == nil:
		p.proxy.ServeHTTP(w, r)
	case fault.Kind == FaultStatus:
		fault.answer(w)
	case fault.Kind == FaultReset:
		p.cut(w, r)
	case fault.Kind == FaultSlow:
		select {
		case <-time.After(fault.Wait):
		case <-r.Context().Done():
		}
		p.proxy.ServeHTTP(w, r)
	case fault.Kind == FaultSilent:
		_, _ = io.Copy(io.Discard, r.Body) // then it is seen when the other side goes away
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
		reset(r)
	}
}

// arrived counts a request, and says what is to be done with it.
func (p *FaultProxy) arrived(r *http.Request) (fault *Fault, do func(), allowed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy++
	p.requests++
	for i, f := range p.faults {
		if !f.On.matches(r) {
			continue
		}
		p.seen[i]++
		if n := p.seen[i] - f.From; n >= 0 && (f.Count == 0 || n < f.Count) && fault == nil {
			fault = &f
			p.struck++
		}
	}
	do = p.at[p.requests]
	user, password, _ := r.BasicAuth()
	return fault, do, p.login == "" || p.login == user+":"+password
}

// answer refuses a request in the words of registries.
func (f *Fault) answer(w http.ResponseWriter) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	code := map[int]string{
		http.StatusBadRequest: "MANIFEST_INVALID", http.StatusForbidden: "DENIED", http.StatusTooManyRequests: "TOOMANYREQUESTS",
	}[f.Status]
	if code == "" {
		code = "UNKNOWN"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"made by the bench"}]}`, code)
}

// cut resets the connection when half of what is sent has come, or half of the
// answer has gone.
func (p *FaultProxy) cut(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Body != nil && r.ContentLength != 0:
		half := max(r.ContentLength/2, 64)
		r.Body = &part{ReadCloser: r.Body, left: half, end: func() {}}
		p.proxy.ServeHTTP(w, r)
	case r.Method == http.MethodGet:
		one := *p.proxy
		one.ModifyResponse = func(res *http.Response) error {
			res.Body = &part{ReadCloser: res.Body, left: res.ContentLength / 2, end: func() { linger(r) }}
			return nil
		}
		one.ServeHTTP(w, r)
	}
	reset(r)
}

// part is the first part of a body, and then an error.
type part struct {
	io.ReadCloser
	left int64
	end  func()
}

var errCut = errors.New("cut by the bench")

// Read reads as far as it goes.
func (h *part) Read(b []byte) (int, error) {
	if h.left <= 0 {
		h.end()
		return 0, errCut
	}
	n, err := h.ReadCloser.Read(b[:min(int64(len(b)), h.left)])
	h.left -= int64(n)
	return n, err
}

// linger makes the end of a request's connection a reset.
func linger(r *http.Request) {
	if c, ok := r.Context().Value(connectionKey{}).(*net.TCPConn); ok {
		_ = c.SetLinger(0) // it may be gone
	}
}

// reset ends the connection of a request.
func reset(r *http.Request) {
	linger(r)
	panic(http.ErrAbortHandler)
}
