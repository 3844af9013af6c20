package budget_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/budget"
)

// TestUntil: an interrupt ends the wait for what does not hear it.
func TestUntil(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	got, err := budget.Until(ctx, func() (int, error) { <-forever; return 1, nil })
	if got != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %d, %v", got, err)
	}
	failed := errors.New("failed")
	if got, err := budget.Until(t.Context(), func() (int, error) { return 2, failed }); got != 2 || !errors.Is(err, failed) {
		t.Errorf("got %d, %v", got, err)
	}
}
