package scaffold

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/catalogue"
)

// TestInsertVersion: the place of a version, and what is around it. In each
// case + stands where the text of the new version is put in.
func TestInsertVersion(t *testing.T) {
	for _, c := range []struct{ name, version, source string }{
		{"at the end", "26", "runtime \"a\" {\n  version \"22\" {}\n+}\n"},
		{"natural order", "3.10", "runtime \"a\" {\n  version \"3.9\" {}\n+\n  version \"3.11\" {}\n}\n"},
		{"behind a comment on the line", "3", "runtime \"a\" {\n  version \"2\" {} /* a\n b */ # c\n+\n  # of 4\n  version \"4\" {}\n}\n"},
		{"no blank line follows", "3", "runtime \"a\" {\n  version \"2\" {}\n+\n  version \"4\" {}\n}\n"},
		{"first, in front of its comments", "1", "runtime \"a\" {\n  name = \"A\" # of the name\n+  # a\n  /* b\n     c */\n  // d\n  version \"2\" {}\n}\n"},
		{"first, in front of a comment on its line", "1", "runtime \"a\" {\n+  /* a\n */ version \"2\" {}\n}\n"},
		{"first, behind comments that stand alone", "1", "runtime \"a\" {\n  # All versions:\n\n+  version \"2\" {}\n}\n"},
		{"first, behind a comment on the brace", "1", "runtime \"a\" { # a\n+  version \"2\" {}\n}\n"},
		{"the newest first", "3", "runtime \"a\" {\n  version \"4\" {}\n+\n  version \"2\" {}\n}\n"},
		{"newest, the newest first", "5", "runtime \"a\" {\n+  version \"4\" {}\n\n  version \"2\" {}\n}\n"},
		{"oldest, the newest first", "1", "runtime \"a\" {\n  version \"4\" {}\n\n  version \"2\" {}\n+}\n"},
		{"beside attributes", "3", "runtime \"a\" {\n  version \"2\" {}\n+  name = \"A\"\n}\n"},
		{"in the right block", "3", "runtime \"b\" {\n  version \"2\" {}\n}\n\nbase \"a\" {\n  version \"2\" {}\n+}\n"},
		{"a byte order mark", "3", "\ufeffruntime \"a\" {\n  version \"2\" {}\n+}\n"},
		{"no newline at the end", "3", "runtime \"a\" {\n  version \"2\" {}\n+}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after, _ := strings.Cut(c.source, "+")
			beside := "2"
			if !strings.Contains(c.source, `version "2"`) {
				_, beside, _ = strings.Cut(c.source, `version "`)
				beside, _, _ = strings.Cut(beside, `"`)
			}
			after = strings.TrimPrefix(after, "+")
			got, err := insertVersion([]byte(before+after), "runtime.hcl", "a", beside, c.version, versionBlock(c.version, settings{}))
			if err != nil {
				t.Fatal(err)
			}
			block := "  version \"" + c.version + "\" {}\n"
			first := strings.HasPrefix(c.name, "first") || strings.HasPrefix(c.name, "newest,")
			want := before + "\n" + block + after
			switch {
			case first:
				want = before + block + "\n" + after
			case !strings.HasPrefix(after, "\n") && !strings.HasPrefix(after, "}"):
				want = before + "\n" + block + "\n" + after
			}
			if string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestInsertedText: the new block has the indentation and the line ends of its
// neighbours.
func TestInsertedText(t *testing.T) {
	s := settings{from: []from{{arg: "BASE_IMAGE", image: "a:1"}}, run: &reference{"debian", "12"}, platforms: []string{"linux/amd64"}}
	for _, c := range []struct{ name, source, want string }{
		{
			"spaces", "runtime \"a\" {\n    version \"2\" {}\n}\n",
			"runtime \"a\" {\n    version \"2\" {}\n\n    version \"3\" {\n      from      = { BASE_IMAGE = \"a:1\" }\n      run       = base.debian[\"12\"]\n      platforms = [\"linux/amd64\"]\n    }\n}\n",
		},
		{
			"tabs, and carriage returns", "runtime \"a\" {\r\n\tversion \"2\" {}\r\n}\r\n",
			"runtime \"a\" {\r\n\tversion \"2\" {}\r\n\r\n\tversion \"3\" {\r\n\t\tfrom      = { BASE_IMAGE = \"a:1\" }\r\n\t\trun       = base.debian[\"12\"]\r\n\t\tplatforms = [\"linux/amd64\"]\r\n\t}\r\n}\r\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := insertVersion([]byte(c.source), "runtime.hcl", "a", "2", "3", versionBlock("3", s))
			if err != nil || string(got) != c.want {
				t.Errorf("got %v\n%q\nwant\n%q", err, got, c.want)
			}
		})
	}
}

func TestInsertVersionRefuses(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"a broken file", "runtime \"a\" {", "Unclosed configuration block"},
		{"no such version", "runtime \"a\" {\n  version \"1\" {}\n}\n", `runtime.hcl has no version "2" of "a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := insertVersion([]byte(c.source), "runtime.hcl", "a", "2", "1", versionBlock("1", settings{}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

// FuzzInsertVersion: whatever a definition holds, nothing is lost of it, and
// what comes out can be read and has the version.
func FuzzInsertVersion(f *testing.F) {
	f.Add([]byte("runtime \"a\" {\n  # b\n  version \"2\" {\n    from = { A = \"b\" }\n  }\n\n  version \"10\" {} // c\n}\n"), "a", "2", "3")
	f.Add([]byte("base \"a\" { /* b */\r\n\tversion \"2\" {}\r\n}"), "a", "2", "1")
	f.Add([]byte("runtime \"a\" {\n  version \"4\" {}\n  version \"2\" {}\n  name = <<E\nversion\nE\n}\n"), "a", "4", "3")
	f.Add([]byte("runtime \"a\" {\n/* b\n*/ version \"2\" {}\n}\n"), "a", "2", "1")
	f.Fuzz(func(t *testing.T, src []byte, key, beside, name string) {
		if len(catalogue.CheckVersion(name)) > 0 {
			return
		}
		block := versionBlock(name, settings{from: []from{{arg: "BASE_IMAGE", image: "a:${b}"}}, platforms: []string{"linux/amd64"}})
		out, err := insertVersion(src, "runtime.hcl", key, beside, name, block)
		if err != nil {
			return
		}
		added := len(out) - len(src)
		head := 0
		for head < len(src) && src[head] == out[head] {
			head++
		}
		if added <= 0 || !bytes.Equal(src[head:], out[head+added:]) {
			t.Fatalf("%q became %q", src, out)
		}
		if _, err := versionsWith(out, "runtime.hcl", key, name); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBusyBox(t *testing.T) {
	for ref, want := range map[string]bool{
		"alpine": true, "alpine:3.23": true, "docker.io/library/node:24-alpine3.21": true, "php:8.4-cli-alpine": true,
		"ghcr.io/acme/alpine-tools:1": true, "busybox:1.37": true, "denoland/deno:alpine-2.1": true,
		"debian:bookworm-slim": false, "alpine.example.com/debian:12": false, "elixir:1.18-slim": false, "elixir": false, "alpine-tools/node:24": false,
	} {
		if got := busyBox(ref); got != want {
			t.Errorf("%s: got %v", ref, got)
		}
	}
}

// TestComments: a stub is a comment in the language of its file.
func TestComments(t *testing.T) {
	for file, want := range map[string]string{
		"a.exs": "# b\n#\n# c\n", "a.Rs": "// b\n//\n// c\n", "a.php": "<?php\n// b\n//\n// c\n", "a.lua": "-- b\n--\n-- c\n", "a.scm": ";; b\n;;\n;; c\n",
		"a.erl": "% b\n%\n% c\n", "a.f90": "! b\n!\n! c\n", "a.ml": "(* b *)\n(* *)\n(* c *)\n", "a": "# b\n#\n# c\n",
	} {
		if got := string(comment(file, "b\n\nc\n")); got != want {
			t.Errorf("%s: got %q", file, got)
		}
	}
}

// TestLanguages: what is known beforehand obeys the rules.
func TestLanguages(t *testing.T) {
	for key, l := range languages {
		problems := slices.Concat(texts("", catalogue.CheckKey(key)), checkEntrypoint(l.entrypoint), checkName(l.name))
		if len(problems) > 0 {
			t.Errorf("%s: %v", key, problems)
		}
	}
}
