package probe

import (
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	var log tail
	write := func(s string) {
		if n, err := log.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if log.String() != "" {
		t.Errorf("an empty log is %q", log.String())
	}
	write("before\n")
	mark := log.position()
	if got := log.since(mark); got != "" {
		t.Errorf("nothing was written, got %q", got)
	}
	write("after \xff\n")
	if got, want := log.since(mark), "after �\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := log.String(), "before\nafter �\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 1000 {
		write(strings.Repeat("flood\n", 1000))
	}
	got := log.since(mark)
	first, rest, _ := strings.Cut(got, "\n")
	if want := "… 5995912 bytes left out …"; first != want || len(rest) != maxLog {
		t.Errorf("got %q and %d bytes, want %q and %d", first, len(rest), want, maxLog)
	}
	if cap(log.kept) > 4*maxLog+6000 {
		t.Errorf("%d bytes are held", cap(log.kept))
	}
}
