package php

import (
	"strings"
)

// kind is what a token of PHP is.
type kind int

const (
	phpEnd      kind = iota
	phpVariable      // $x
	phpName          // a word, with its namespace
	phpString        // a string, or text with variables in it
	phpNumber
	phpSign // anything else: an operator, a bracket
)

// token is one token of PHP.
type token struct {
	kind     kind
	text     string // of a string: its value
	from, to int    // bytes
	parts    []part // of text with variables
}

// part is a piece of a string in double quotes: text, or the name of a variable
// or a property; bad if it is more than that.
type part struct {
	text     string
	variable bool
	property bool // of $this
	bad      bool
}

// phpSigns are the operators of more than one character that matter here, the
// longer ones first.
var phpSigns = []string{
	"?->", "===", "!==", "??=", "...", "<=>", "**=", "->", "::", "=>", "==", "!=", "??", ".=", "+=", "-=", "*=", "/=",
	"|=", "&=", "&&", "||", "<=", ">=", "++", "--",
}

// phpTokens takes a file of PHP apart. It knows no wrong file: what cannot be
// PHP becomes signs.
func phpTokens(src string) []token {
	t := &tokenizer{src: src}
	t.html()
	for t.at < len(src) {
		t.next()
	}
	return t.tokens
}

type tokenizer struct {
	src    string
	at     int
	tokens []token
}

func (t *tokenizer) rest() string { return t.src[t.at:] }

func (t *tokenizer) add(k kind, text string, length int) {
	length = min(max(length, 1), len(t.src)-t.at)
	t.tokens = append(t.tokens, token{kind: k, text: text, from: t.at, to: t.at + length})
	t.at += length
}

// html skips what is not PHP.
func (t *tokenizer) html() {
	at := strings.Index(t.rest(), "<?php")
	if at < 0 {
		t.at = len(t.src)
		return
	}
	t.at += at + len("<?php")
}

func (t *tokenizer) next() {
	rest := t.rest()
	c := rest[0]
	switch {
	case strings.ContainsRune(" \t\r\n\v\f\x00", rune(c)):
		t.at++
	case strings.HasPrefix(rest, "?>"):
		t.add(phpSign, ";", 2)
		t.html()
	case strings.HasPrefix(rest, "/*"):
		t.skipTo("*/")
	case strings.HasPrefix(rest, "//"), c == '#' && !strings.HasPrefix(rest, "#["):
		t.at += len(rest)
		if end := strings.IndexAny(rest, "\r\n"); end >= 0 {
			t.at += end - len(rest)
		}
	case strings.HasPrefix(rest, "<<<"):
		t.heredoc()
	case c == '\'' || c == '"' || c == '`':
		t.quoted(c)
	case c == '$' && len(rest) > 1 && isNameStart(rest[1]):
		n := nameLength(rest[1:])
		t.add(phpVariable, rest[1:1+n], 1+n)
	case isNameStart(c) || c == '\\':
		n := 1 + nameLength(rest[1:])
		for n < len(rest)-1 && rest[n] == '\\' && isNameStart(rest[n+1]) {
			n += 1 + nameLength(rest[n+1:])
		}
		t.add(phpName, rest[:n], n)
	case '0' <= c && c <= '9':
		n := 1
		for n < len(rest) && (rest[n] == '.' || rest[n] == '_' || isNameStart(rest[n]) ||
			'0' <= rest[n] && rest[n] <= '9') {
			n++
		}
		t.add(phpNumber, rest[:n], n)
	default:
		t.sign(rest)
	}
}

func (t *tokenizer) sign(rest string) {
	for _, s := range phpSigns {
		if strings.HasPrefix(rest, s) {
			t.add(phpSign, s, len(s))
			return
		}
	}
	t.add(phpSign, rest[:1], 1)
}

func (t *tokenizer) skipTo(end string) {
	at := strings.Index(t.rest()[2:], end)
	if at < 0 {
		t.at = len(t.src)
		return
	}
	t.at += 2 + at + len(end)
}

// heredoc is text between <<<NAME and NAME. What it says is not read.
func (t *tokenizer) heredoc() {
	rest := t.rest()
	name := strings.Trim(strings.TrimSpace(rest[3:min(len(rest), 3+lineLength(rest[3:]))]), `'"`)
	end := len(rest)
	if name != "" {
		at := 0
		for line := range strings.Lines(rest) {
			if at > 0 && strings.HasPrefix(strings.TrimLeft(line, " \t"), name) {
				end = at + strings.Index(line, name) + len(name)
				break
			}
			at += len(line)
		}
	}
	t.add(phpString, "", end)
	t.tokens[len(t.tokens)-1].parts = []part{{bad: true}}
}

func lineLength(s string) int {
	if at := strings.IndexByte(s, '\n'); at >= 0 {
		return at
	}
	return len(s)
}

// quoted reads a string. In single quotes only \\ and \' mean something.
func (t *tokenizer) quoted(quote byte) {
	rest := t.rest()
	var value strings.Builder
	var parts []part
	flush := func() {
		if value.Len() > 0 {
			parts = append(parts, part{text: value.String()})
			value.Reset()
		}
	}
	n := 1
	for n < len(rest) && rest[n] != quote {
		c := rest[n]
		switch {
		case c == '\\' && n+1 < len(rest):
			value.WriteString(unescape(rest[n:n+2], quote))
			n += 2
		case quote == '"' && (c == '$' || c == '{' && strings.HasPrefix(rest[n:], "{$")):
			p, length := interpolation(rest[n:])
			if length == 0 {
				value.WriteByte(c)
				n++
				continue
			}
			flush()
			parts = append(parts, p)
			n += length
		default:
			value.WriteByte(c)
			n++
		}
	}
	if parts != nil || quote == '`' {
		flush()
	}
	if quote == '`' {
		parts = []part{{bad: true}} // a command
	}
	t.add(phpString, value.String(), n+1)
	t.tokens[len(t.tokens)-1].parts = parts
}

func unescape(pair string, quote byte) string {
	switch {
	case pair[1] == quote || pair[1] == '\\':
		return pair[1:]
	case quote == '\'':
		return pair
	}
	switch pair[1] {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '$':
		return "$"
	}
	return pair
}

// interpolation reads $x, ${x} and {$x}.
func interpolation(s string) (part, int) {
	var open, inner, closing string
	switch {
	case strings.HasPrefix(s, "{$"):
		open, inner, closing = "{$", s[2:], "}"
	case strings.HasPrefix(s, "${"):
		open, inner, closing = "${", s[2:], "}"
	default:
		open, inner = "$", s[1:]
	}
	n := 0
	if inner != "" && isNameStart(inner[0]) {
		n = nameLength(inner)
	}
	after := inner[n:]
	if name, ok := strings.CutPrefix(after, "->"); ok && inner[:n] == "this" && !strings.HasPrefix(open, "${") {
		if length := nameLength(name); length > 0 && strings.HasPrefix(name[length:], closing) {
			return part{text: name[:length], property: true}, len(open) + n + len("->") + length + len(closing)
		}
	}
	switch {
	case n == 0 && closing == "":
		return part{}, 0
	case closing == "" && (strings.HasPrefix(after, "[") || strings.HasPrefix(after, "->")):
		return part{bad: true}, len(open) + n
	case closing != "" && !strings.HasPrefix(after, closing):
		end := strings.IndexAny(after, `}"`)
		if end < 0 || after[end] == '"' {
			return part{bad: true}, len(open) + n
		}
		return part{bad: true}, len(open) + n + end + 1
	}
	return part{text: inner[:n], variable: true}, len(open) + n + len(closing)
}

func isNameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

func nameLength(s string) int {
	n := 0
	for n < len(s) && (isNameStart(s[n]) || '0' <= s[n] && s[n] <= '9') {
		n++
	}
	return n
}
