package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 16 << 20

// client questions one server.
type client struct {
	url     string
	key     string
	path    string // folder of the function, as the server sees it
	file    string // its entry point
	timeout time.Duration
	http    *http.Client

	mu      sync.Mutex
	refused []answer // answers that should be errors
	silent  bool     // a request had no answer in time
}

func newClient(address, key, path, file string, timeout time.Duration) *client {
	// Each request has its own connection: what one did to it is no other's
	// business. The server is not told so: one that closes it at once would take
	// its answer away from a client that is still sending.
	transport := &http.Transport{MaxIdleConnsPerHost: -1, DialContext: (&net.Dialer{Timeout: timeout}).DialContext}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // where it leads is not asked
	return &client{url: address, key: key, path: path, file: file, timeout: timeout, http: &http.Client{Transport: transport, CheckRedirect: stay}}
}

// answer is what a server said.
type answer struct {
	what   string // the request, in words
	status int
	kind   string // media type
	body   []byte
}

func (a answer) String() string {
	const shown = 900 // bytes
	text := strings.ToValidUTF8(string(a.body[:min(len(a.body), shown)]), "�")
	if len(a.body) > shown {
		text += "…"
	}
	return fmt.Sprintf("status %d, %s: %s", a.status, cmpEmpty(a.kind, "no content type"), cmpEmpty(strings.TrimSpace(text), "nothing"))
}

func cmpEmpty(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// object is the body as a JSON object.
func (a answer) object() (map[string]any, error) {
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		return nil, wanted("a JSON object", "%v", a)
	}
	if m == nil {
		return nil, wanted("a JSON object", "null")
	}
	return m, nil
}

// request is what is asked. The zero value is a POST without a challenge and
// with an empty body.
type request struct {
	what      string // in words, for messages
	method    string
	challenge string
	headers   map[string]string
	body      []byte
}

// send asks and reads the answer.
func (c *client) send(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return answer{}, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.noAnswer(ctx, err)
	}
	return c.read(ctx, r.what, res)
}

func (c *client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	method := r.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if r.challenge != "" {
		req.Header.Set("X-Internal-Challenge", r.challenge)
	}
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	return req, nil
}

func (c *client) read(ctx context.Context, what string, res *http.Response) (answer, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return answer{}, c.noAnswer(ctx, err)
	}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return answer{what, res.StatusCode, strings.ToLower(strings.TrimSpace(kind)), body}, nil
}

// noAnswer makes a mismatch of a failed request, and notes that the server
// may be stuck.
func (c *client) noAnswer(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		c.mu.Lock()
		c.silent = true
		c.mu.Unlock()
		return wanted("an answer", "none within %v", c.timeout)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // which request it was is known
	}
	return wanted("an answer", "%v", err)
}

// stuck reports whether a request had no answer in time.
func (c *client) stuck() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silent
}

// call is the body of a request that runs a function.
type call struct {
	Path    string         `json:"path"`
	File    string         `json:"file"`
	Env     map[string]any `json:"env,omitempty"`
	Headers map[string]any `json:"headers,omitempty"`
	Payload string         `json:"payload,omitempty"`
	Timeout int            `json:"timeout,omitempty"` // seconds
}

// call asks the server to run its function.
func (c *client) call(ctx context.Context, what string, b call) (answer, error) {
	return c.send(ctx, c.request(what, b))
}

// request is one that runs the function.
func (c *client) request(what string, b call) request {
	if b.Path == "" {
		b.Path = c.path
	}
	if b.File == "" {
		b.File = c.file
	}
	return request{what: what, challenge: c.key, body: encode(b)}
}

// do asks the behaviour function to do something; more goes into its env.
func (c *client) do(ctx context.Context, what string, more map[string]any, payload string, timeout int) (answer, error) {
	env := map[string]any{"DO": what}
	maps.Copy(env, more)
	return c.call(ctx, "a function that is to do: "+what, call{Env: env, Payload: payload, Timeout: timeout})
}

// refuse checks that an answer is an error with one of some statuses. That it
// is the error object is another rule, which looks at all of them.
func (c *client) refuse(a answer, statuses ...int) error {
	if slices.Contains(statuses, a.status) {
		c.mu.Lock()
		c.refused = append(c.refused, a)
		c.mu.Unlock()
		return nil
	}
	want := make([]string, 0, len(statuses))
	for _, s := range statuses {
		want = append(want, strconv.Itoa(s))
	}
	return wanted("status "+strings.Join(want, " or ")+" for "+a.what, "%v", a)
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and maps of them
	}
	return data
}
