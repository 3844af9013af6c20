package git_test

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/git"
)

// FuzzSplitLog: what git log prints is taken apart without loss, however it
// comes in.
func FuzzSplitLog(f *testing.F) {
	f.Add("\x01abc 17\na.txt\x00sub/ä b.txt\x00\x00\x01def 18\nc.txt\x00")
	f.Add("\x01abc 17\x00\x00")
	f.Add("a")
	f.Fuzz(func(t *testing.T, text string) {
		lines := bufio.NewScanner(&slow{strings.NewReader(text)})
		lines.Split(git.SplitLog)
		var got bytes.Buffer
		for lines.Scan() {
			got.Write(lines.Bytes())
		}
		if err := lines.Err(); err != nil {
			return // a name of 64 KiB
		}
		if want := strings.NewReplacer("\x00", "", "\n", "").Replace(text); strings.ReplaceAll(got.String(), "\n", "") != want {
			t.Errorf("%q became %q", text, got.String())
		}
	})
}

// slow gives one byte at a time.
type slow struct{ r *strings.Reader }

func (s *slow) Read(p []byte) (int, error) { return s.r.Read(p[:min(1, len(p))]) }
