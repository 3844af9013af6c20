package timing_test

import (
	"testing"

	"github.com/runbake/runbake/tests/timing"
)

// TestShares: what runs alone has all of it, what runs beside others its part, and
// what waits nothing.
func TestShares(t *testing.T) {
	var s timing.Shares
	s.Begin("a", 100)
	s.Begin("b", 110) // a: 10
	s.Pause("b", 130) // 10 each
	s.Begin("c", 140) // a: 10
	s.Begin("b", 150) // a, c: 5 each
	for i, c := range []struct {
		name string
		at   float64
		want float64
	}{
		{"a", 180, 45}, // and 10 of 30
		{"c", 200, 25}, // 5, 10, 10
		{"b", 210, 40}, // 10, 10, 10, 10
		{"d", 220, 0},
	} {
		if got := s.End(c.name, c.at); got != c.want {
			t.Errorf("%d: %s took %v, want %v", i, c.name, got, c.want)
		}
	}
}
