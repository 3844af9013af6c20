package diag

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/sink"
)

// What is shown of the source for one diagnostic, so that a long line does not
// fill the screen, or, with a problem in every character, the memory.
const (
	maxSnippet = 4   // lines
	maxBefore  = 100 // bytes of a line before its marked part
	maxMarked  = 120
	maxAfter   = 60
)

// TextOptions say how diagnostics are written for people.
type TextOptions struct {
	Color bool // ANSI colours; the caller knows whether a terminal reads
}

// WriteText writes diagnostics for people: place and summary on one line that
// editors can follow, the source with the place underlined, and how to mend
// it. sources maps file names to their bytes; a file that is not in it is
// shown without source.
func WriteText(w io.Writer, sources map[string][]byte, diags hcl.Diagnostics, opts TextOptions) error {
	out := bufio.NewWriter(w)
	t := textWriter{out, opts.Color, map[string][]string{}}
	for i, d := range diags {
		if i > 0 {
			fmt.Fprintln(out)
		}
		t.headline(d)
		if d.Subject != nil {
			t.snippet(t.split(d.Subject.Filename, sources), *d.Subject, d.Severity)
		}
		for line := range strings.Lines(d.Detail) {
			fmt.Fprintf(out, "  %s\n", clean(strings.TrimRight(line, "\n")))
		}
		if url := RuleOf(d).URL; url != "" {
			fmt.Fprintf(out, "  %s\n", clean(url))
		}
	}
	return out.Flush()
}

// Summary counts diagnostics: "2 errors, 1 warning"; "" for none.
func Summary(diags hcl.Diagnostics) string {
	var counts [3]int
	for _, d := range diags {
		counts[min(int(d.Severity), 2)]++
	}
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{{counts[hcl.DiagError], "error"}, {counts[hcl.DiagWarning], "warning"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.what)
		case c.n > 1:
			parts = append(parts, strconv.Itoa(c.n)+" "+c.what+"s")
		}
	}
	return strings.Join(parts, ", ")
}

func severity(s hcl.DiagnosticSeverity) string {
	if s == hcl.DiagWarning {
		return "warning"
	}
	return "error"
}

type textWriter struct {
	out   *bufio.Writer
	color bool
	lines map[string][]string // of each file, with their ends
}

// split returns the lines of a file; nil when there is no source.
func (t textWriter) split(name string, sources map[string][]byte) []string {
	lines, done := t.lines[name]
	if src, found := sources[name]; !done && found {
		lines = strings.SplitAfter(Masked(string(src)), "\n")
		t.lines[name] = lines
	}
	return lines
}

// password finds that of an address.
var password = regexp.MustCompile(`://[^/\s:@"']*:([^/\s@"']+)@`)

// Masked is a text without the passwords of addresses: diagnostics are shown in logs
// that others read. Nothing moves.
func Masked(text string) string {
	masked := []byte(text)
	for _, at := range password.FindAllSubmatchIndex(masked, -1) {
		copy(masked[at[2]:at[3]], bytes.Repeat([]byte("*"), at[3]-at[2]))
	}
	return string(masked)
}

const (
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	reset  = "\x1b[0m"
)

func (t textWriter) paint(color, s string) string {
	if !t.color {
		return s
	}
	return color + s + reset
}

func severityColor(s hcl.DiagnosticSeverity) string {
	if s == hcl.DiagWarning {
		return yellow
	}
	return red
}

func (t textWriter) headline(d *hcl.Diagnostic) {
	if d.Subject != nil {
		fmt.Fprintf(t.out, "%s: ", t.paint(bold, clean(Place(*d.Subject))))
	}
	fmt.Fprintf(t.out, "%s: %s", t.paint(severityColor(d.Severity), severity(d.Severity)), t.paint(bold, clean(d.Summary)))
	if rule := RuleOf(d).ID; rule != "" {
		fmt.Fprintf(t.out, " [%s]", clean(rule))
	}
	fmt.Fprintln(t.out)
}

// snippet shows the lines of a range, each with its part of it underlined.
func (t textWriter) snippet(lines []string, r hcl.Range, s hcl.DiagnosticSeverity) {
	if r.Start.Line < 1 || r.Start.Line > len(lines) {
		return
	}
	last := min(r.End.Line, len(lines), r.Start.Line+maxSnippet-1)
	if r.End.Line > r.Start.Line && r.End.Column <= 1 {
		last = min(last, r.End.Line-1)
	}
	width := len(strconv.Itoa(max(last, r.Start.Line)))
	offset := 0
	for _, line := range lines[:r.Start.Line-1] {
		offset += len(line)
	}
	for number := r.Start.Line; number <= last; number++ {
		line := strings.TrimSuffix(lines[number-1], "\n")
		from := min(max(r.Start.Byte-offset, 0), len(line))
		to := min(max(r.End.Byte-offset, from), len(line))
		t.sourceLine(number, width, line, from, to, s)
		offset += len(lines[number-1])
	}
	if r.End.Line > last && r.End.Column > 1 {
		fmt.Fprintf(t.out, "  %*s | …\n", width, "")
	}
}

func (t textWriter) sourceLine(number, width int, line string, from, to int, s hcl.DiagnosticSeverity) {
	before, marked, after := line[:from], line[from:to], strings.TrimRight(line[to:], "\r")
	if cut := len(before) - maxBefore; cut > 0 {
		before = "…" + strings.ToValidUTF8(before[cut:], "")
	}
	if len(marked) > maxMarked {
		marked, after = strings.ToValidUTF8(marked[:maxMarked], ""), "…"
	}
	if len(after) > maxAfter {
		after = strings.ToValidUTF8(after[:maxAfter], "") + "…"
	}
	before, marked = clean(before), clean(marked)
	fmt.Fprintf(t.out, "  %*d | %s\n", width, number, before+marked+clean(after))
	indent := blank(before)
	if trimmed := strings.TrimLeft(marked, " \t"); from == 0 && len(trimmed) < len(marked) { // an inner line of a range
		indent += blank(marked[:len(marked)-len(trimmed)])
		marked = trimmed
	}
	underline := "^" + strings.Repeat("~", max(columns(marked)-1, 0))
	fmt.Fprintf(t.out, "  %*s | %s%s\n", width, "", indent, t.paint(severityColor(s), underline))
}

// blank is as wide as s: tabs stay, so that they are as wide as above.
func blank(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteString(strings.Repeat(" ", runeColumns(r)))
		}
	}
	return b.String()
}

func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns is how wide a terminal shows a rune: nothing for what combines
// with the rune before it, two columns for East Asian wide ones.
func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0x1F300 && r <= 0x1FAFF:
		return 2
	}
	return 1
}

// clean makes text safe for a terminal: control characters but tabs, and bytes
// that are no UTF-8, are written as escapes.
func clean(s string) string {
	bad := func(r rune) bool { return r != '\t' && sink.Control(r) || r == utf8.RuneError }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if bad(r) {
			b.WriteString(strings.Trim(strconv.QuoteToASCII(string(r)), `"`))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
