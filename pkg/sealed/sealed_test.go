package sealed_test

import (
	"bytes"
	"testing"

	"github.com/runbake/runbake/pkg/sealed"
)

// TestOpen: what was sealed is opened, and nothing that differs from it in a byte
// or in length.
func TestOpen(t *testing.T) {
	for _, body := range []string{"", "a", "many bytes\x00"} {
		data := sealed.Seal("format 1\n", []byte(body))
		if got, ok := sealed.Open("format 1\n", data); !ok || string(got) != body {
			t.Errorf("%q was opened as %q, %t", body, got, ok)
		}
		if _, ok := sealed.Open("format 2\n", data); ok {
			t.Errorf("%q was opened as another format", body)
		}
		for i := range data {
			damaged := bytes.Clone(data)
			damaged[i] ^= 1
			for _, bad := range [][]byte{damaged, data[:i], append(bytes.Clone(data), data[i])} {
				if _, ok := sealed.Open("format 1\n", bad); ok {
					t.Errorf("%q was opened", bad)
				}
			}
		}
	}
}
