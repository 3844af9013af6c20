// Package sink writes what somebody else may have said, to where it could mean
// more than text: terminals, which take control characters for commands, logs of
// CI, which take lines for them, and Markdown of job summaries.
package sink

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Text writes lines for terminals and logs. Control characters, and those that
// change the direction of text, are written as \u escapes, bytes that are no
// UTF-8 as \x escapes: in JSON the former mean the same. Colours are left out
// unless they are wanted. What a CI service would take for a command
// (::warning::, ##[group]) is written so that it is none.
type Text struct {
	mu      sync.Mutex
	w       io.Writer
	color   bool
	inside  bool   // of a line: something but blanks was written
	pending []byte // the start of what can only be judged as a whole
}

// NewText makes a writer. Flush it at the end.
func NewText(w io.Writer, color bool) *Text { return &Text{w: w, color: color} }

// Write implements [io.Writer].
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := slices.Concat(t.pending, p)
	out, rest := t.clean(make([]byte, 0, len(in)), in, false)
	t.pending = bytes.Clone(rest)
	if _, err := t.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what was kept back.
func (t *Text) Flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	out, _ := t.clean(nil, t.pending, true)
	t.pending = nil
	_, err := t.w.Write(out)
	return err
}

// clean appends what may be written, and returns what is left: unless it is the
// end, the start of something longer.
func (t *Text) clean(out, in []byte, end bool) (cleaned, rest []byte) {
	for len(in) > 0 {
		if !end && t.unclear(in) {
			return out, in
		}
		piece, length := t.next(in)
		out = append(out, piece...)
		switch in[0] {
		case '\n':
			t.inside = false
		case ' ', '\t', '\r', esc:
		default:
			t.inside = true
		}
		in = in[length:]
	}
	return out, nil
}

const esc = 0x1b

// longest is how long a colour may be.
const longest = 32

// unclear reports whether more is needed to tell what a text starts with.
func (t *Text) unclear(in []byte) bool {
	switch {
	case in[0] == esc:
		n, whole := color(in)
		return !whole && n == len(in) && n < longest
	case !t.inside && in[0] == ':', in[0] == '\r':
		return len(in) == 1
	case in[0] == '#':
		const command = "##["
		return len(in) < len(command) && strings.HasPrefix(command, string(in))
	}
	return !utf8.FullRune(in)
}

// next is the text for what comes first, and how much that was.
func (t *Text) next(in []byte) (string, int) {
	if n, whole := color(in); whole {
		if t.color {
			return string(in[:n]), n
		}
		return "", n
	}
	switch {
	case !t.inside && bytes.HasPrefix(in, []byte("::")):
		return `\u003a:`, 2
	case bytes.HasPrefix(in, []byte("##[")):
		return `#\u0023[`, 3
	case bytes.HasPrefix(in, []byte("\r\n")):
		return "", 1
	}
	r, size := utf8.DecodeRune(in)
	switch {
	case r == '\n' || r == '\t':
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf(`\x%02x`, in[0]), 1
	case Control(r):
		return fmt.Sprintf(`\u%04x`, r), size
	}
	return string(in[:size]), size
}

// color reports whether a text starts with the whole of a sequence that sets
// colours, and how much of it belongs to one.
func color(in []byte) (length int, whole bool) {
	if in[0] != esc {
		return 0, false
	}
	if len(in) > 1 && in[1] != '[' {
		return 1, false
	}
	for i := 2; i < min(len(in), longest); i++ {
		switch c := in[i]; {
		case c == 'm':
			return i + 1, true
		case c != ';' && (c < '0' || c > '9'):
			return i, false
		}
	}
	return min(len(in), longest), false
}

// Control reports characters that are no text: those that terminals obey, ends
// of lines among them, and those that change the direction of text, which can
// make it look like what it is not.
func Control(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// Markdown writes text as text: in one cell of a table, and without meaning.
// Angle brackets become entities, so that no text can be a marker of ours.
func Markdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case Control(r):
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_{}[]#|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
