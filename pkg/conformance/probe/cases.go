package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
)

// What the fixture is asked, as the executor does.
const (
	fixtureEnv     = "Hello World!"
	fixturePayload = "Hello World! 2"
)

// question is one rule that a running server decides.
type question struct {
	rule  string
	ask   func(context.Context, *client) error
	needs string // rule without which this one cannot be decided; "" if none
	ended bool   // it can be asked of a server that has ended
}

// fixtureQuestions are asked of a server with the function of the contract;
// again is how to find out whether it lives on after an answer.
func fixtureQuestions(again func(context.Context, *client) error) []question {
	return []question{
		{rule: "function", ask: fixtureAnswers},
		{rule: "again", ask: again, ended: true},
		{rule: "challenge-wrong", ask: wrongChallenge, needs: "again"},
		{rule: "challenge-missing", ask: missingChallenge, needs: "again"},
		{rule: "challenge-first", ask: challengeFirst, needs: "again"},
		{rule: "methods", ask: otherMethods, needs: "again"},
		{rule: "malformed", ask: malformed, needs: "again"},
	}
}

// behaviourQuestions are asked of a server whose function does what it is told
// to.
func behaviourQuestions(compiled bool) []question {
	return []question{
		{rule: "defaults", ask: defaults},
		{rule: "headers", ask: bodyHeaders},
		{rule: "payload", ask: payloads},
		{rule: "json", ask: jsonAnswer},
		{rule: "text", ask: textAnswer},
		{rule: "status", ask: givenStatus},
		{rule: "bodiless", ask: bodiless},
		{rule: "late", ask: lateAnswer},
		{rule: "dependencies", ask: dependency},
		{rule: "isolation", ask: isolation},
		{rule: "parallel", ask: inParallel, needs: "late"},
		{rule: "throws", ask: func(ctx context.Context, c *client) error { return fails(ctx, c, "throw", "thrown on purpose") }},
		{rule: "rejects", ask: func(ctx context.Context, c *client) error { return fails(ctx, c, "reject", "rejected on purpose") }},
		{rule: "timeout", ask: timesOut},
		{rule: "oversized", ask: oversized},
		{rule: "missing-file", ask: func(ctx context.Context, c *client) error { return missing(ctx, c, compiled, "does-not-exist") }},
		{rule: "no-function", ask: func(ctx context.Context, c *client) error { return missing(ctx, c, compiled, emptyFile) }},
	}
}

func fixtureAnswers(ctx context.Context, c *client) error {
	a, err := c.call(ctx, "the fixture", call{
		Env: map[string]any{"ENV1": fixtureEnv}, Payload: fixturePayload, Timeout: 60, Headers: map[string]any{"test": "test1"},
	})
	if err != nil {
		return err
	}
	got, err := a.object()
	want := map[string]any{"normal": "Hello World!", "env1": fixtureEnv, "payload": fixturePayload}
	if err != nil || a.status != http.StatusOK || !reflect.DeepEqual(got, want) {
		return wanted("status 200 and "+string(encode(want)), "%v", a)
	}
	return nil
}

// anyAnswer asks the same once more: that there is an answer is the point.
func anyAnswer(ctx context.Context, c *client) error {
	_, err := c.call(ctx, "a second request", call{Env: map[string]any{"ENV1": fixtureEnv}, Payload: fixturePayload})
	return err
}

func wrongChallenge(ctx context.Context, c *client) error {
	a, err := c.send(ctx, request{what: "a wrong challenge", challenge: c.key + "x", body: encode(call{Path: c.path, File: c.file})})
	if err != nil {
		return err
	}
	if err := c.refuse(a, http.StatusUnauthorized); err != nil {
		return err
	}
	if object, err := a.object(); err != nil || object["message"] != "Unauthorized" {
		return wanted(`the message "Unauthorized"`, "%v", a)
	}
	return nil
}

func missingChallenge(ctx context.Context, c *client) error {
	a, err := c.send(ctx, request{what: "no challenge", body: encode(call{Path: c.path, File: c.file})})
	if err != nil {
		return err
	}
	return c.refuse(a, http.StatusUnauthorized)
}

func challengeFirst(ctx context.Context, c *client) error {
	for _, body := range []string{"", "{", "\xff\xfe"} {
		a, err := c.send(ctx, request{what: "a wrong challenge with the body " + fmt.Sprintf("%q", body), challenge: "wrong", body: []byte(body)})
		if err != nil {
			return err
		}
		if err := c.refuse(a, http.StatusUnauthorized); err != nil {
			return err
		}
	}
	return nil
}

func otherMethods(ctx context.Context, c *client) error {
	body := encode(call{Path: c.path, File: c.file})
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		a, err := c.send(ctx, request{what: method, method: method, challenge: c.key, body: body})
		if err != nil {
			return err
		}
		if err := c.refuse(a, http.StatusMethodNotAllowed); err != nil {
			return err
		}
	}
	return nil
}

func malformed(ctx context.Context, c *client) error {
	good := fmt.Sprintf(`"path": %q, "file": %q`, c.path, c.file)
	for _, body := range []string{
		"", "{", "[]", `"text"`, "null", "{" + good + `, "env": []}`, "{" + good + `, "headers": 1}`, "{" + good + `, "payload": 1}`,
		"{" + good + `, "payload": "a"} trailing`,
		"{" + good + `, "env": null}`, "{" + good + `, "headers": null}`, "{" + good + `, "payload": null}`, "{" + good + `, "timeout": null}`,
	} {
		a, err := c.send(ctx, request{what: "the body " + fmt.Sprintf("%.200q", body), challenge: c.key, body: []byte(body)})
		if err != nil {
			return err
		}
		if err := c.refuse(a, http.StatusBadRequest); err != nil {
			return err
		}
	}
	return nil
}

// oversizedBody is more than any limit that a server of functions should have.
const oversizedBody = 32 << 20

func oversized(ctx context.Context, c *client) error {
	// The payload is put into the JSON: encoding it is slow under emulation.
	const placeholder = "payload of 32 MiB"
	body := encode(call{Path: c.path, File: c.file, Payload: placeholder})
	body = bytes.Replace(body, []byte(placeholder), bytes.Repeat([]byte{'a'}, oversizedBody), 1)
	a, err := c.send(ctx, request{what: "a body of 32 MiB", challenge: c.key, body: body})
	if err != nil {
		return err
	}
	return c.refuse(a, http.StatusRequestEntityTooLarge, http.StatusBadRequest)
}

// echo is what the behaviour function answers when it is told nothing.
type echo struct {
	Env     map[string]any `json:"env"`
	Headers map[string]any `json:"headers"`
	Payload any            `json:"payload"`
}

func parseEcho(a answer) (echo, error) {
	var e echo
	if a.status != http.StatusOK {
		return e, wanted("status 200", "%v", a)
	}
	if err := json.Unmarshal(a.body, &e); err != nil {
		return e, wanted("env, headers and payload as JSON", "%v", a)
	}
	return e, nil
}

func defaults(ctx context.Context, c *client) error {
	a, err := c.call(ctx, "a request without env, headers and payload", call{})
	if err != nil {
		return err
	}
	e, err := parseEcho(a)
	if err != nil {
		return err
	}
	if e.Env == nil || len(e.Env) > 0 || e.Headers == nil || len(e.Headers) > 0 || e.Payload != "" {
		return wanted(`env {}, headers {}, payload ""`, "%v", a)
	}
	return nil
}

func bodyHeaders(ctx context.Context, c *client) error {
	body := encode(call{Path: c.path, File: c.file, Headers: map[string]any{"test": "test1"}})
	a, err := c.send(ctx, request{what: "headers", challenge: c.key, headers: map[string]string{"X-Of-Http": "1"}, body: body})
	if err != nil {
		return err
	}
	e, err := parseEcho(a)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(e.Headers, map[string]any{"test": "test1"}) {
		return wanted(`headers {"test": "test1"}`, "%v", a)
	}
	return nil
}

func payloads(ctx context.Context, c *client) error {
	for _, payload := range []string{"é \"quoted\" \\ \n\t 漢字 🙂 \u0000", strings.Repeat("0123456789abcde\n", 1<<16)} {
		a, err := c.call(ctx, "a payload", call{Payload: payload})
		if err != nil {
			return err
		}
		e, err := parseEcho(a)
		if err != nil {
			return err
		}
		if e.Payload != payload {
			return wanted(fmt.Sprintf("the payload that was sent, %.60q", payload), "%.200v", a)
		}
	}
	return nil
}

func jsonAnswer(ctx context.Context, c *client) error {
	a, err := c.call(ctx, "a function that answers JSON", call{})
	if err != nil {
		return err
	}
	if a.kind != "application/json" || a.status != http.StatusOK {
		return wanted("status 200, application/json", "%v", a)
	}
	return nil
}

func textAnswer(ctx context.Context, c *client) error {
	a, err := c.do(ctx, "text", nil, "é 漢字", 0)
	if err != nil {
		return err
	}
	if a.kind != "text/plain" || a.status != http.StatusOK || string(a.body) != "é 漢字" {
		return wanted("status 200, text/plain: é 漢字", "%v", a)
	}
	return nil
}

func givenStatus(ctx context.Context, c *client) error {
	a, err := c.do(ctx, "status", nil, "", 0)
	if err != nil {
		return err
	}
	object, err := a.object()
	if a.status != http.StatusCreated || err != nil || object["status"] != "created" {
		return wanted(`status 201 and {"status": "created"}`, "%v", a)
	}
	return nil
}

func lateAnswer(ctx context.Context, c *client) error {
	a, err := c.do(ctx, "late", nil, "late", 0)
	if err != nil {
		return err
	}
	e, err := parseEcho(a)
	if err == nil && e.Payload != "late" {
		return wanted(`the payload "late"`, "%v", a)
	}
	return err
}

func dependency(ctx context.Context, c *client) error {
	a, err := c.do(ctx, "dependency", nil, "", 0)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK || string(a.body) != "from a dependency" {
		return wanted("status 200 and: from a dependency", "%v", a)
	}
	return nil
}

func isolation(ctx context.Context, c *client) error {
	if _, err := c.do(ctx, "echo", map[string]any{"SECRET": "of one request"}, "", 0); err != nil {
		return err
	}
	a, err := c.do(ctx, "echo", nil, "", 0)
	if err != nil {
		return err
	}
	e, err := parseEcho(a)
	if err != nil {
		return err
	}
	if _, seen := e.Env["SECRET"]; seen || bytes.Contains(a.body, []byte("of one request")) {
		return wanted("env of its own request only", "%v", a)
	}
	return nil
}

// simultaneous requests are enough to meet each other, and few enough for a
// server under emulation.
const simultaneous = 16

func inParallel(ctx context.Context, c *client) error {
	errs := make([]error, simultaneous)
	var wait sync.WaitGroup
	for i := range simultaneous {
		wait.Go(func() { errs[i] = ownAnswer(ctx, c, fmt.Sprintf("request %d", i)) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ownAnswer asks for an echo that comes late, so that others are asked
// meanwhile.
func ownAnswer(ctx context.Context, c *client, name string) error {
	a, err := c.do(ctx, "late", map[string]any{"NAME": name}, name, 0)
	if err != nil {
		return err
	}
	e, err := parseEcho(a)
	if err == nil && (e.Payload != name || e.Env["NAME"] != name) {
		return wanted("the answer to "+name, "%v", a)
	}
	return err
}
