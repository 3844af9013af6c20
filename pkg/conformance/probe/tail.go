package probe

import (
	"fmt"
	"strings"
	"sync"
)

// maxLog is how much of a log is kept, in bytes: enough for a stack trace,
// little enough for a server that floods it.
const maxLog = 4 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu      sync.Mutex
	kept    []byte
	written int64
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written += int64(len(p))
	t.kept = append(t.kept, p[max(0, len(p)-maxLog):]...)
	if cut := len(t.kept) - maxLog; cut > 0 {
		t.kept = append(t.kept[:0], t.kept[cut:]...)
	}
	return len(p), nil
}

// position is a mark for since.
func (t *tail) position() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written
}

// since is what was written after a mark, as far as it was kept.
func (t *tail) since(mark int64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := t.written - mark
	if lost := fresh - int64(len(t.kept)); lost > 0 {
		return fmt.Sprintf("… %d bytes left out …\n", lost) + strings.ToValidUTF8(string(t.kept), "�")
	}
	return strings.ToValidUTF8(string(t.kept[int64(len(t.kept))-fresh:]), "�")
}

func (t *tail) String() string { return t.since(0) }
