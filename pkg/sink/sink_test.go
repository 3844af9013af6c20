package sink_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/runbake/runbake/pkg/sink"
)

func write(t testing.TB, color bool, pieces ...string) string {
	t.Helper()
	var b strings.Builder
	w := sink.NewText(&b, color)
	for _, p := range pieces {
		if n, err := w.Write([]byte(p)); err != nil || n != len(p) {
			t.Fatal(n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain ä 漢 \t text\n":                   "plain ä 漢 \t text\n",
		"std::string, a # b ## c\n":             "std::string, a # b ## c\n",
		"\x1b]0;title\x07":                      `\u001b]0;title\u0007`,
		"\x1b[2J":                               `\u001b[2J`,
		"\x1b":                                  `\u001b`,
		"\x1b[1;31merror\x1b[0m":                "error",
		"\x1b[" + strings.Repeat("1", 50) + "m": `\u001b[` + strings.Repeat("1", 50) + "m",
		"c1 \u009b2J":                           `c1 \u009b2J`,
		"bidi \u202e \u2066":                    `bidi \u202e \u2066`,
		"bytes \xff\xe4":                        `bytes \xff\xe4`,
		"lines\r\nover\rwritten":                "lines\nover" + `\u000d` + "written",
		"::warning::x\n  ::error::y\na ::b::\n": `\u003a:warning::x` + "\n  " + `\u003a:error::y` + "\na ::b::\n",
		"\x1b[0m::warning::x":                   `\u003a:warning::x`,
		"a ##[error]b ##[":                      `a #\u0023[error]b #\u0023[`,
		"ends with : and #":                     "ends with : and #",
		"a\n:":                                  "a\n:",
		"\u2028::warning::x":                    `\u2028::warning::x`,
		`{"a": "\u001b"}`:                       `{"a": "\u001b"}`,
	} {
		bytes := strings.Split(in, "")
		if !utf8.ValidString(in) {
			bytes = nil
			for i := range len(in) {
				bytes = append(bytes, in[i:i+1])
			}
		}
		for _, pieces := range [][]string{{in}, bytes} {
			if got := write(t, false, pieces...); got != want {
				t.Errorf("%q in %d pieces: got %q, want %q", in, len(pieces), got, want)
			}
		}
	}
	if got := write(t, true, "\x1b[1;31merror\x1b[0m\x1b[2J"); got != "\x1b[1;31merror\x1b[0m"+`\u001b[2J` {
		t.Errorf("colours: got %q", got)
	}
}

// FuzzText: however it comes in, nothing is written that is not text, and JSON
// means the same.
func FuzzText(f *testing.F) {
	f.Add("a\x1b[0m::b", 3)
	f.Add("\xff##[\r\n", 2)
	f.Fuzz(func(t *testing.T, in string, at int) {
		at = min(max(at, 0), len(in))
		got := write(t, false, in[:at], in[at:])
		if whole := write(t, false, in); got != whole {
			t.Errorf("%q in two pieces is %q, and %q in one", in, got, whole)
		}
		for line := range strings.Lines(got) {
			if strings.HasPrefix(strings.TrimLeft(line, " \t"), "::") || strings.Contains(line, "##[") {
				t.Errorf("%q: a command is left in %q", in, got)
			}
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && r != '\t' && sink.Control(r) }) || !utf8.ValidString(got) {
			t.Errorf("%q: a control character is left in %q", in, got)
		}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if err := json.Unmarshal(text, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(write(t, false, string(text))), &after); err != nil || before != after {
			t.Errorf("%q became %q, %v", before, after, err)
		}
	})
}

func TestMarkdown(t *testing.T) {
	if got, want := sink.Markdown("a|b\n<img src=x> `c` [d](e) \x1b\u202e&amp;"), "a\\|b &lt;img src=x&gt; \\`c\\` \\[d\\](e)   &amp;amp;"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
