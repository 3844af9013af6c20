package pipeline

import (
	"io"
	"strings"
)

// tooLong is why a text is unknown that would be longer than any that is kept. Functions
// stop there too: calls in one another would double it each time.
const tooLong = "it is too long"

// tooMuch is why a text is unknown that comes after more of them than are read.
const tooMuch = "the pipeline does too much"

// bounded is a text of at most maxValue bytes.
type bounded struct{ strings.Builder }

// Write adds bytes, if all of them fit.
func (b *bounded) Write(p []byte) (int, error) { return b.WriteString(string(p)) }

// WriteString adds a text, if all of it fits.
func (b *bounded) WriteString(s string) (int, error) {
	if b.Len()+len(s) > maxValue {
		return 0, io.ErrShortWrite
	}
	return b.Builder.WriteString(s)
}

// join is the texts of a list, with a separator between them.
func join(list []any, separator string) any {
	parts, size := make([]string, 0, len(list)), 0
	for _, v := range list {
		s, why := text(v)
		if why != "" {
			return unknown{why}
		}
		if size += len(s) + len(separator); size > maxValue {
			return unknown{tooLong}
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, separator)
}
