package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// reference is a server that keeps the contract, but for one rule. Its two
// functions are written in Go.
type reference struct {
	breaks string // the rule; "" for none
	key    string

	mu       sync.Mutex
	requests int
	previous map[string]any // env
}

// but is what the server does, unless it breaks a rule.
func but[T any](s *reference, rule string, does, instead T) T {
	if s.breaks == rule {
		return instead
	}
	return does
}

type reply struct {
	status int
	kind   string
	body   string
}

func (s *reference) fail(status int, message string) reply {
	object := map[string]any{"code": status, "message": message}
	if s.breaks == "error-object" {
		object["stack"] = ""
	}
	return reply{status, "application/json; charset=utf-8", string(encode(object))}
}

func (s *reference) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res := s.answer(w, r)
	if res.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if s.breaks == "bodiless" && res.status == http.StatusNoContent {
		s.forge(w, res.body)
		return
	}
	w.Header().Set("Content-Type", res.kind)
	w.WriteHeader(res.status)
	_, _ = io.WriteString(w, res.body) // the client may have gone
}

// forge writes a body where HTTP has none.
func (s *reference) forge(w http.ResponseWriter, body string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError) // which no rule takes for an answer
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"+body) // the client may have gone
	_ = conn.Close()
}

func (s *reference) answer(w http.ResponseWriter, r *http.Request) reply {
	if r.Method != http.MethodPost && r.Method != but(s, "methods", http.MethodPost, http.MethodPut) {
		return s.fail(http.StatusMethodNotAllowed, "Only POST runs a function")
	}
	c, bad := s.read(w, r)
	if s.breaks == "challenge-first" && bad != nil {
		return *bad
	}
	if !s.authorized(r.Header) {
		return s.fail(http.StatusUnauthorized, but(s, "challenge-wrong", "Unauthorized", "Go away"))
	}
	if bad != nil {
		return *bad
	}
	s.mu.Lock()
	s.requests++
	if s.breaks == "isolation" {
		if secret, found := s.previous["SECRET"]; found {
			c.Env["SECRET"] = secret
		}
		s.previous = c.Env
	}
	aborts := s.breaks == "again" && s.requests == 2
	s.mu.Unlock()
	if aborts {
		return reply{}
	}
	return s.run(c)
}

func (s *reference) authorized(h http.Header) bool {
	if s.breaks == "challenge-missing" && h["X-Internal-Challenge"] == nil {
		return true
	}
	return h.Get("X-Internal-Challenge") == s.key
}

func (s *reference) read(w http.ResponseWriter, r *http.Request) (call, *reply) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, but(s, "oversized", int64(20<<20), 64<<20)))
	if err != nil {
		bad := s.fail(http.StatusRequestEntityTooLarge, "Body is too large")
		return call{}, &bad
	}
	var c *call
	err = json.Unmarshal(body, &c)
	if err != nil || c == nil || bytes.Contains(body, []byte(`: null}`)) {
		bad := s.fail(but(s, "malformed", 400, 500), "Body is not a request")
		return call{}, &bad
	}
	if c.Env == nil && s.breaks != "defaults" {
		c.Env = map[string]any{}
	}
	if c.Headers == nil {
		c.Headers = map[string]any{}
	}
	if name := "X-Of-Http"; s.breaks == "headers" && r.Header.Get(name) != "" {
		c.Headers[name] = r.Header.Get(name)
	}
	c.Payload = but(s, "payload", c.Payload, strings.TrimSpace(c.Payload))
	return *c, nil
}

func (s *reference) run(c call) reply {
	echoed := reply{200, but(s, "json", "application/json", "text/json"), string(encode(echo{c.Env, c.Headers, c.Payload}))}
	switch c.File {
	case "index.js":
		fields := map[string]any{"normal": "Hello World!", "env1": c.Env["ENV1"], "payload": but(s, "function", c.Payload, "")}
		return reply{200, "application/json", string(encode(fields))}
	case "handler.js":
	default:
		return s.fail(but(s, "missing-file", 404, 500), "No file")
	}
	switch c.Env["DO"] {
	case "text":
		return reply{200, but(s, "text", "text/plain; charset=utf-8", "text/html"), c.Payload}
	case "status":
		return reply{but(s, "status", 201, 200), "application/json", `{"status": "created"}`}
	case "code":
		status, err := strconv.Atoi(fmt.Sprint(c.Env["CODE"]))
		if err != nil {
			return s.fail(500, err.Error())
		}
		return reply{status, "text/plain; charset=utf-8", c.Payload}
	case "throw":
		return s.fail(500, but(s, "throws", "Error: thrown on purpose", "Error"))
	case "reject":
		return s.fail(500, but(s, "rejects", "Error: rejected on purpose", "Error"))
	case "never":
		return s.fail(but(s, "timeout", 500, 504), "No answer in time")
	case "dependency":
		return reply{200, "text/plain", but(s, "dependencies", "from a dependency", "")}
	case "late":
		if s.breaks == "late" {
			return s.fail(500, "No answer")
		}
		if s.breaks == "parallel" && c.Payload == "request 3" {
			c.Payload = "request 4"
			echoed.body = string(encode(echo{c.Env, c.Headers, c.Payload}))
		}
	}
	return echoed
}
