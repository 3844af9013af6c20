// Package sealed tells files that were written whole from those that were cut off
// or damaged: caches, whose loss costs time and whose damage must cost no more.
package sealed

import (
	"bytes"
	"crypto/sha256"
)

// Seal is a body between the name of its format and the digest of both.
func Seal(format string, body []byte) []byte {
	data := append([]byte(format), body...)
	sum := sha256.Sum256(data)
	return append(data, sum[:]...)
}

// Open returns the body of what [Seal] made for a format. It is not ok if
// something else made it, or it is not as it was.
func Open(format string, data []byte) (body []byte, ok bool) {
	end := len(data) - sha256.Size
	if end < len(format) || !bytes.HasPrefix(data, []byte(format)) {
		return nil, false
	}
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return nil, false
	}
	return data[len(format):end], true
}
