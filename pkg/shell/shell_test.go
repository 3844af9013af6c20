package shell_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/shell"
)

func none(string) (string, bool) { return "", false }

// TestCalls shows calls as their words; an unknown word ends with a question
// mark.
func TestCalls(t *testing.T) {
	cases := []struct{ name, src, want string }{
		{"a list", "mkdir -p /a && chown b /a; rm x || true", "mkdir -p /a;chown b /a;rm x;true"},
		{"quotes", `echo 'a b' "c $D" e\ f`, "echo a b c value e f"},
		{"an unknown variable", `echo $X "${Y}/a"`, "echo $X? $Y/a?"},
		{"a default", "echo ${X:-a} ${D:-b}", "echo a? value"},
		{"an assignment", "X=/usr/code\nexport Y=$X/a\ncd $Y", "cd /usr/code/a"},
		{"an assignment that depends", "X=$(date)\necho $X", "echo ?"},
		{"a loop", "for d in a b; do mkdir /usr/$d; done", "mkdir /usr/a;mkdir /usr/b"},
		{"a loop over arguments", `for d; do mkdir "$d"; done`, "mkdir $d?"},
		{"branches", "if a; then b; elif c; then d; else e; fi; while f; do g; done; case x in y) h;; esac", "a;b;c;d;e;f;g;h"},
		{"groups", "{ a; }; (b); f() { c; }; ! d; time e", "a;b;c;d;e"},
		{"writes", "echo a > /x/y 2> /z", "echo a >/x/y >/z"},
		{"a write without a command", "> /x", ">/x"},
		{"in the background", "a &", "a &"},
		{"a pipe", "a | b", "a;b"},
		{"nothing", "# a\n", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, problem := shell.Parse("x.sh", []byte(c.src))
			if problem != nil {
				t.Fatal(problem)
			}
			var got []string
			for _, call := range s.Calls(func(name string) (string, bool) { return "value", name == "D" }) {
				var words []string
				for _, w := range call.Words {
					words = append(words, w.Text+map[bool]string{false: "?"}[w.Known])
				}
				for _, w := range call.Writes {
					words = append(words, ">"+w.Text)
				}
				if call.Background {
					words = append(words, "&")
				}
				got = append(got, strings.Join(words, " "))
			}
			if strings.Join(got, ";") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, ";"), c.want)
			}
		})
	}
}

// TestLoops: loops in loops do not grow without bound.
func TestLoops(t *testing.T) {
	src := strings.Repeat("for a in 1 2 3 4 5 6 7 8 9 0; do ", 12) + "b" + strings.Repeat("; done", 12)
	s, problem := shell.Parse("x.sh", []byte(src))
	if problem != nil {
		t.Fatal(problem)
	}
	if n := len(s.Calls(none)); n != 10_000 {
		t.Errorf("%d calls", n)
	}
	src = strings.Repeat("for a in 1 2 3 4 5 6 7 8 9 0; do ", 30) + "b=$a" + strings.Repeat("; done", 30)
	s, problem = shell.Parse("x.sh", []byte(src))
	if problem != nil {
		t.Fatal(problem)
	}
	if n := len(s.Calls(none)); n != 0 { // and this ends
		t.Errorf("%d calls", n)
	}
}

func TestStopsAtErrors(t *testing.T) {
	for src, want := range map[string]string{
		"#!/bin/sh\nset -e\na": "true", "#!/bin/sh -eu\na": "true", "set -eu\na": "true", "set -u\nset -o errexit\na": "true", "A=b\nf() { c; }\nset -e": "true",
		"a\nset -e": "late 2", "a": "false", "": "false", "set +e\na": "false", "set -- -e\na": "false", "if a; then set -e; fi": "false",
	} {
		s, _ := shell.Parse("x.sh", []byte(src))
		yes, late := s.StopsAtErrors()
		got := strconv.FormatBool(yes)
		if late != nil {
			got = fmt.Sprintf("late %d", late.Start.Line)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", src, got, want)
		}
	}
}

func TestBecomes(t *testing.T) {
	for src, want := range map[string]string{
		"exec a": "exec 1", "a\nexec b": "exec 2", "cd /a && exec b": "exec 1", "a": "waits 1", "a &": "background 1", "exec": "waits 1", "exec a &": "background 1",
		"if a; then exec b; else exec c; fi": "exec 1", "if a; then exec b; fi": "waits 1", "if a; then b; else exec c; fi": "waits 1",
		"case a in b) exec c;; *) exec d;; esac": "exec 1", "case a in b) c;; esac": "waits 1", "{ exec a; }": "exec 1", "exec a || b": "waits 1", "": "waits 1",
	} {
		s, _ := shell.Parse("x.sh", []byte(src))
		exec, background, at := s.Becomes()
		got := fmt.Sprintf("%s %d", map[bool]string{true: "exec", false: "waits"}[exec], at.Start.Line)
		if background {
			got = fmt.Sprintf("background %d", at.Start.Line)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", src, got, want)
		}
	}
}

func TestShebang(t *testing.T) {
	for src, want := range map[string]string{
		"#!/bin/sh\n": "sh /bin/sh", "#! /bin/bash -e\n": "bash /bin/bash", "#!/usr/bin/env bash\n": "bash bash", "#!/usr/bin/env -S bash -e\n": "bash bash", "a": "sh ", "#!": "sh ", "#!/usr/bin/env -S": "sh ",
	} {
		s, _ := shell.Parse("x.sh", []byte(src))
		if got := s.Shell() + " " + s.Interpreter; got != want {
			t.Errorf("%q: got %q, want %q", src, got, want)
		}
	}
}

func TestBashisms(t *testing.T) {
	for src, want := range map[string]string{
		"[ -f a ] && . ./b": "", "export A=b": "", "f() { local a; }": "", "echo ${a:-b} ${a%b} $(c) `d`": "", "echo a{b": "", "printf '{a,b}'": "",
		"[[ a ]]": "[[ … ]]", "source a": "source", "a=(b)": "an array", "a <<< b": "<<<", "declare a": "declare", "a+=b": "+=", "pushd a": "pushd",
		"select a in b; do c; done": "select", "a |& b": "|&", "echo $RANDOM": "$RANDOM", "echo {1..3}": "{a,b}", "coproc a": "coproc", "shopt -s x": "shopt",
		"((a))": "(( … ))", "echo ${a,,}": "${a,,}", "echo $\"a\"": `$"…"`, "echo @(a|b)": "@(…)",
	} {
		s, problem := shell.Parse("x.sh", []byte(src))
		if problem != nil {
			t.Fatalf("%q: %v", src, problem)
		}
		var got []string
		for _, b := range s.Bashisms() {
			got = append(got, b.What)
			if b.Mend == "" {
				t.Errorf("%q: no way to mend it", src)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", src, got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	for src, want := range map[string]string{
		"a\nif b": "2:1-2:5", "echo 'a\n": "1:1-1:8", strings.Repeat("#", shell.MaxSize+1): "1:1-1:1048578", "a\r\n)\r\n": "2:1-2:2",
	} {
		_, problem := shell.Parse("x.sh", []byte(src))
		if problem == nil {
			t.Errorf("%.20q is parsed", src)
			continue
		}
		at := problem.Subject
		if got := fmt.Sprintf("%d:%d-%d:%d", at.Start.Line, at.Start.Column, at.End.Line, at.End.Column); got != want {
			t.Errorf("%.20q: got %s, want %s (%s)", src, got, want, problem.Detail)
		}
	}
}

// FuzzScript: whatever a script holds, there is an answer, and its places are
// inside the script.
func FuzzScript(f *testing.F) {
	for _, seed := range []string{
		"", "#!", "#!/usr/bin/env", "[[ a ]]", "a=(b c)\necho ${a[@]}", "for a in b $c; do d; done", "if a; then exec b; else exec c; fi", "cat <<EOF\na\nEOF\n",
		"set -e\r\n", "echo {a,b}{1..3}", "case a in b) exec c;; esac", "\xff\x00", "${", "<(a)", "a &\n", "function f { :; }", "echo $((1 + ${a:-2}))", "f() { f; }",
	} {
		f.Add([]byte(seed))
	}
	own, err := os.ReadFile("../../runtimes/go/build.sh")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Fuzz(func(t *testing.T, src []byte) {
		s, problem := shell.Parse("x.sh", src)
		inside := func(start, end, line int) {
			if start < 0 || end < start || end > len(src) || line < 1 {
				t.Errorf("%d to %d in line %d is not inside the %d bytes", start, end, line, len(src))
			}
		}
		if problem != nil {
			inside(problem.Subject.Start.Byte, problem.Subject.End.Byte, problem.Subject.Start.Line)
		}
		for _, c := range s.Calls(none) {
			inside(c.Range.Start.Byte, c.Range.End.Byte, c.Range.Start.Line)
		}
		for _, b := range s.Bashisms() {
			inside(b.Range.Start.Byte, b.Range.End.Byte, b.Range.Start.Line)
		}
		s.Words()
		s.Uses("A")
		s.StopsAtErrors()
		_, _, at := s.Becomes()
		inside(at.Start.Byte, at.End.Byte, at.Start.Line)
		if at, found := s.WindowsLine(); found {
			inside(at.Start.Byte, at.End.Byte, at.Start.Line)
		}
	})
}
