package reproducible

import (
	"bytes"
	"io"
)

// CompareArchives compares two archives that are in memory.
func CompareArchives(before, after []byte) (string, []Change, error) {
	open := func(text []byte) opener {
		return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	}
	return compareArchives(open(before), open(after))
}
