package check_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/check"
)

func all() []check.Check {
	return []check.Check{
		{
			Name: "command", Command: []string{"a", "$b <&>\n"}, Environment: map[string]string{"A": "b"}, Exit: 3, Stdout: "^x", Stderr: "^$",
			Files: []check.File{{Path: "/a", Mode: "0755", Owner: "0:0", Content: "x"}, {Path: "/b", Absent: true}},
		},
		{
			Name:    "server",
			Command: []string{"a"},
			Serves:  &check.Serves{Port: 80, Path: "/", Status: 200, Body: "x", Within: time.Minute},
		},
	}
}

// TestDecode: what was written is read, and what would ask less than was meant is
// refused.
func TestDecode(t *testing.T) {
	text := check.Encode(all())
	if strings.Contains(text, "\n") {
		t.Errorf("it has several lines: %s", text)
	}
	read, err := check.Decode([]byte(text))
	if err != nil || !reflect.DeepEqual(read, all()) {
		t.Errorf("got %+v, %v", read, err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "EOF"},
		{"null", "there are no checks"},
		{"[]", "there are no checks"},
		{"{}", "cannot unmarshal object"},
		{`[{"name":"a","command":["a"]}] []`, "more than a list"},
		{`[{"name":"a","command":["a"],"user":"nobody"}]`, `unknown field "user"`},
		{`[{"name":"a"}]`, "it asks nothing"},
		{`[{"name":"","command":["a"]}]`, "it asks nothing"},
		{`[{"name":"a","stdout":"x","files":[{"path":"/a"}]}]`, "no command that could write"},
		{`[{"name":"a","exit":1,"files":[{"path":"/a"}]}]`, "no command that could write"},
		{`[{"name":"a","command":["a"],"stdout":".*"}]`, "any text matches it"},
		{`[{"name":"a","command":["a"],"stderr":"("}]`, "missing closing )"},
		{`[{"name":"a","files":[{"path":"a"}]}]`, `file "a" cannot be looked at`},
		{`[{"name":"a","files":[{"path":"/a","content":"x?"}]}]`, "any text matches it"},
		{`[{"name":"a","files":[{"path":"/a","absent":true,"mode":"0644"}]}]`, "cannot be looked at"},
		{`[{"name":"a","serves":{"port":1,"path":"/","status":200,"within":1}}]`, "it asks nothing"},
		{`[{"name":"a","files":[{"path":"/a"}],"serves":{"port":1,"path":"/","status":200,"within":1}}]`, "cannot be asked"},
		{`[{"name":"a","command":["a"],"serves":{}}]`, "cannot be asked"},
		{`[{"name":"a","command":["a"],"serves":{"port":1,"path":"/","status":200}}]`, "cannot be asked"},
		{`[{"name":"a","command":["a"],"serves":{"port":1,"path":"/","within":1}}]`, "cannot be asked"},
		{`[{"name":"a","command":["a"],"exit":1,"serves":{"port":1,"path":"/","status":200,"within":1}}]`, "cannot be asked"},
		{`[{"name":"a","command":["a"],"serves":{"port":1,"path":"/","status":200,"within":1,"body":""}},{"name":"a","command":["a"]}]`, "one name"},
	} {
		if _, err := check.Decode([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
}

func TestPattern(t *testing.T) {
	for text, good := range map[string]bool{
		"x": true, "^$": true, `^\w*$`: true, "(?i)ready": true, "a|b": true, `^v22\.`: true,
		"": false, ".*": false, "x*": false, "(?s)^.*$": false, "a|": false, "^": false, "$": false, "(": false,
	} {
		if err := check.Pattern(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzDecode: what is read asks something, and is written as it was.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(check.Encode(all())))
	f.Fuzz(func(t *testing.T, data []byte) {
		checks, err := check.Decode(data)
		if err != nil {
			return
		}
		text := check.Encode(checks)
		again, err := check.Decode([]byte(text))
		if err != nil || check.Encode(again) != text {
			t.Errorf("%s comes back as %+v: %v", text, again, err)
		}
	})
}
