package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// timeoutError is an answer that did not come in time.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("no answer in %s", e.after) }

// watch ends a request when nothing has moved for too long, neither what is sent
// nor what is answered. However long a blob takes, it goes on while it moves.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	late   *timeoutError
}

func newWatch(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := &timeoutError{limit}
	return ctx, &watch{ctx, cancel, time.AfterFunc(limit, func() { cancel(late) }), late}
}

// explain is the error of a request, which says of one that was ended only that.
func (w *watch) explain(err error) error {
	if errors.Is(context.Cause(w.ctx), w.late) {
		return w.late
	}
	return err
}

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// watched is a body of which every piece shows that the request is alive.
type watched struct {
	io.ReadCloser
	watch *watch
}

// Read reads a piece.
func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.timer.Reset(b.watch.late.after)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.watch.explain(err)
	}
	return n, err
}

// ending ends the context of a request with its answer.
type ending struct {
	io.ReadCloser
	watch *watch
}

// Close ends both.
func (b *ending) Close() error {
	err := b.ReadCloser.Close()
	b.watch.end()
	return err
}
