package probe

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/runbake/runbake/pkg/conformance"
)

// FuzzAnswer: whatever a server says, it is judged without a panic, every
// failure says what came, and only the error object passes as one.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"code": 404, "message": "x"}`, `{"code": 404, "message": "x", "stack": ""}`, `{"env": {}, "headers": {}, "payload": ""}`,
		`{"env": [], "payload": 1}`, `null`, `[]`, `{`, "", "\xff", `{"code": 1e999, "message": ""}`, `{"message": {}}`,
	} {
		f.Add(404, "application/json", []byte(body))
		f.Add(200, "text/plain", []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		if status < 100 || status > 999 {
			return // there is no such answer
		}
		a := answer{"a test", status, kind, body}
		object, err := a.object()
		if (err == nil) != (object != nil) {
			t.Errorf("object() = %v, %v", object, err)
		}
		e, echoErr := parseEcho(a)
		if echoErr == nil && (status != 200 || !json.Valid(body)) {
			t.Errorf("parseEcho() = %v", e)
		}
		objectErr := errorObject(a)
		if objectErr == nil {
			var fields struct {
				Code    float64
				Message string
			}
			if err := json.Unmarshal(body, &fields); err != nil || int(fields.Code) != status || kind != "application/json" || len(object) != 2 {
				t.Errorf("%s passes as the error object of %d: %v", body, status, err)
			}
		}
		for _, err := range []error{err, echoErr, objectErr} {
			r := decide("x", 0, err)
			if (err == nil) != (r.Verdict == conformance.Pass) || err != nil && (r.Want == "" || r.Got == "") {
				t.Errorf("%v makes %+v", err, r)
			}
		}
		if text := a.String(); utf8.ValidString(kind) && !utf8.ValidString(text) || len(text) > 4000+len(kind) {
			t.Errorf("it is shown as %q", text)
		}
	})
}
