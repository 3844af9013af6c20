package reproducible

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// chunk is how much of two files is compared at a time.
const chunk = 32 << 10

// excerpt is how much of a file is shown, and lead how much of it comes before
// the first byte that differs.
const (
	excerpt = 48
	lead    = 16
)

// buffers are what is compared at the moment.
type buffers struct{ one, other []byte }

func newBuffers() *buffers { return &buffers{make([]byte, chunk), make([]byte, chunk)} }

// compare reads two files side by side to the end, or to the first byte that
// differs. It is nil when there is none.
func (c *buffers) compare(a, b io.Reader) (*Change, error) {
	one, other := c.one, c.other
	var before []byte // the end of what was the same
	for offset := 0; ; {
		n, err := fill(a, one)
		if err != nil {
			return nil, err
		}
		m, err := fill(b, other)
		if err != nil {
			return nil, err
		}
		if at := parting(one[:n], other[:m]); at >= 0 {
			return &Change{What: WhatContent, Name: fmt.Sprintf("byte %d", offset+at), First: around(before, one[:n], at), Second: around(before, other[:m], at)}, nil
		}
		if n < chunk {
			return nil, nil //nolint:nilnil // two files that are the same have no difference
		}
		before = append(before[:0], one[n-lead:n]...)
		offset += n
	}
}

// fill reads until the buffer is full, or to the end. io.ReadFull would hide that
// an archive is cut off.
func fill(r io.Reader, into []byte) (int, error) {
	for n := 0; ; {
		if n == len(into) {
			return n, nil
		}
		m, err := r.Read(into[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// parting is where two texts part; -1 when they are the same.
func parting(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// around is what stands at a place of a text and before it.
func around(before, text []byte, at int) string {
	start := max(0, at-lead)
	shown := text[start:min(len(text), start+excerpt)]
	if missing := lead - (at - start); missing > 0 {
		shown = append(bytes.Clone(before[max(0, len(before)-missing):]), shown...)
	}
	if at == len(text) {
		return fmt.Sprintf("%q, the end", shown)
	}
	return fmt.Sprintf("%q", shown)
}

// quoteSome quotes the beginning of a text.
func quoteSome(text string) string {
	if len(text) > excerpt {
		return fmt.Sprintf("%q…", text[:excerpt])
	}
	return fmt.Sprintf("%q", text)
}
