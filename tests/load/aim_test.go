package main

import (
	"context"
	"encoding/json"
	"io"
	logging "log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// TestAim: a good server meets all requests rightly, and one that is wrong in
// one way is found out.
func TestAim(t *testing.T) {
	const count = 400
	for _, c := range []struct{ breaks, want string }{
		{"", ""},
		{"key", "a function has run that nobody asked for"},
		{"error", "no error object"},
		{"answer", "a function has run that nobody asked for"},
		{"status", "status 500"},
		{"refuses", "want status 200"},
		{"next", "the next request is not answered"},
	} {
		t.Run("breaks "+c.breaks, func(t *testing.T) {
			server := httptest.NewUnstartedServer(answering(c.breaks))
			server.Config.ErrorLog = logging.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			aimed := target{server.Listener.Addr().String(), key, "handler.js", func(context.Context) error { return nil }}
			r := aimed.aim(t.Context(), 1, count, 0)
			if c.want == "" && r.WrongAll > 0 || c.want != "" && !strings.Contains(strings.Join(r.Wrong, "\n"), c.want) {
				t.Errorf("%d are met wrongly, want %q:\n%s", r.WrongAll, c.want, strings.Join(r.Wrong, "\n"))
			}
			if c.want == "" && (r.Met["200"] < count/50 || r.Met["400"]+r.Met["401"] < count/2) {
				t.Errorf("they were met in too few ways: %v", r.Met)
			}
		})
	}
}

// answering is a server that runs a function as the contract says, but for one
// thing.
func answering(breaks string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fail := func(code int) {
			object := map[string]any{"code": code, "message": ""}
			if breaks == "error" {
				object = map[string]any{"error": code}
			}
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(object) // the client may have gone
		}
		if r.Method != http.MethodPost {
			fail(http.StatusMethodNotAllowed)
			return
		}
		if r.Header.Get("X-Internal-Challenge") != key && (breaks != "key" || r.ContentLength == 0) {
			fail(http.StatusUnauthorized)
			return
		}
		var c call
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil || breaks == "refuses" {
			fail(http.StatusBadRequest)
			return
		}
		switch breaks {
		case "answer":
			c.Payload = "another"
		case "status":
			fail(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(c.Payload)))
		_, _ = io.WriteString(w, c.Payload) // the client may have gone
		if breaks == "next" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}
}

// TestDrafts: each mutation changes something, and what it changes nothing of
// stays right.
func TestDrafts(t *testing.T) {
	for n, m := range mutations() {
		changes := 0
		for i := range 50 {
			random := newRandom(100*n + i)
			d := newDraft(random, key, `{"path":"a"}`)
			before, truncated := d.String(), d.truncated
			if v := m.change(random, d); d.String() != before || d.truncated != truncated {
				changes++
			} else if v == wrong {
				t.Errorf("%s: nothing is changed, and it would be wrong: %q", m.what, before)
			}
		}
		if changes == 0 {
			t.Errorf("%s changes nothing", m.what)
		}
	}
}
