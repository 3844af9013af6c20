package e2e_test

import (
	"testing"

	"github.com/runbake/runbake/tests/bench"
)

// TestConformance runs the tests of the emitted file with plain buildx, on all
// images and both platforms: a rule that is broken fails the build.
func TestConformance(t *testing.T) {
	s := newStack(t, "warm", bench.StandIns()...)
	s.bake(t, nil, "test")
}
