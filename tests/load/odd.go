package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// inTime is how long an error may take to be told: less than the timeout, whose
// error it would be otherwise.
const (
	inTime  = 40 * time.Second
	timeout = 50 // seconds
)

// oddities are values and errors that a language may have no way to tell.
func (s *server) oddities(ctx context.Context, add meeting) {
	for _, name := range slices.Sorted(maps.Keys(values())) {
		add(name, func() (string, error) { return s.echoes(ctx, values()[name]) })
	}
	for _, name := range []string{"env", "headers", "payload", "timeout"} {
		add(name+" is null", func() (string, error) { return s.nulls(ctx, name) })
	}
	add("an answer that JSON has nothing for", func() (string, error) {
		return s.whole(ctx, s.encode(call{Env: map[string]any{"DO": "odd"}, Timeout: timeout}))
	})
	for _, what := range []string{"untold", "untold-late", "status-100"} {
		add("an error that cannot be told: "+what, func() (string, error) { return s.fails(ctx, what) })
	}
	add("a file that never ends to load", func() (string, error) { return s.loads(ctx) })
}

// values are members of env that a language may not be able to hold, or to
// write. The echo has them, or the request is refused.
func values() map[string]string {
	return map[string]string{
		"a number of 1e999":               `1e999`,
		"a number of -1e999":              `-1e999`,
		"a number of 1e99999999999":       `1e99999999999`,
		"a number of 1e-99999999999":      `1e-99999999999`,
		"NaN":                             `NaN`,
		"-Infinity":                       `-Infinity`,
		"half of a surrogate pair in env": `"\ud800"`,
		"a zero byte in env":              `"a\u0000b"`,
		"lists, 900 deep":                 strings.Repeat("[", 900) + strings.Repeat("]", 900),
		"names of objects in vain":        `{"": 1, "\u0000": 2, "a": 3, "a": 4, "\u0000a": 5, "__proto__": 6}`,
	}
}

// echoes gives a value to the function, which answers with it.
func (s *server) echoes(ctx context.Context, value string) (string, error) {
	body := strings.Replace(string(s.encode(call{Env: map[string]any{"ODD": "here"}, Timeout: timeout})), `"here"`, value, 1)
	return s.whole(ctx, []byte(body))
}

// whole sends a request whose answer is JSON, or the error object.
func (s *server) whole(ctx context.Context, body []byte) (string, error) {
	status, answer, err := s.post(ctx, body, true)
	if err != nil {
		return "no answer", err
	}
	got := fmt.Sprintf("status %d", status)
	switch {
	case !json.Valid(answer) || !utf8.Valid(answer):
		return got, fmt.Errorf("the answer is no JSON: %.300q", answer)
	case status == http.StatusOK:
		return got, nil
	case status == http.StatusBadRequest || status == http.StatusInternalServerError:
		return got, refused(status, answer, status, "")
	}
	return got, fmt.Errorf("want status 200, 400 or 500: %.300s", answer)
}

// nulls are fields that are there and have no value: it is none of their type.
func (s *server) nulls(ctx context.Context, name string) (string, error) {
	body := strings.Replace(string(s.encode(call{Env: map[string]any{"DO": "echo"}})), "{", `{"more":0,`, 1)
	if name == "env" {
		body = strings.Replace(body, `{"DO":"echo"}`, "null", 1)
	} else {
		body = strings.TrimSuffix(body, "}") + `,"` + name + `":null}`
	}
	status, answer, err := s.post(ctx, []byte(body), true)
	if err != nil {
		return "no answer", err
	}
	return fmt.Sprintf("status %d", status), refused(status, answer, http.StatusBadRequest, "")
}

// fails lets the function fail in a way that is hard to tell.
func (s *server) fails(ctx context.Context, what string) (string, error) {
	begin := time.Now()
	status, answer, err := s.call(ctx, call{Env: map[string]any{"DO": what}, Timeout: timeout})
	if err != nil {
		return "no answer", err
	}
	got := fmt.Sprintf("status %d", status)
	if time.Since(begin) > inTime {
		return got, errors.New("the error was not told, the timeout was")
	}
	return got, refused(status, answer, http.StatusInternalServerError, "")
}

// loads asks for a file that never ends to load, while others are answered.
func (s *server) loads(ctx context.Context) (string, error) {
	slow := &server{file: "slow" + path.Ext(s.file), http: s.http, ended: s.ended}
	answered := make(chan error, 1)
	go func() {
		status, answer, err := slow.call(ctx, call{Env: map[string]any{"DO": "text"}, Timeout: 5})
		if err == nil && status != http.StatusOK { // a compiled runtime has one file
			err = refused(status, answer, status, "")
		}
		answered <- err
	}()
	time.Sleep(time.Second) // it is being loaded
	begin := time.Now()
	err := s.lives(ctx)
	if err == nil && time.Since(begin) > 3*time.Second {
		err = errors.New("others wait until it has ended")
	}
	return "others are answered", errors.Join(err, <-answered)
}
