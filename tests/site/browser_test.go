package site_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"

	"github.com/runbake/runbake/pkg/site"
	"github.com/runbake/runbake/tests/bench"
)

// browser is a tab of Chromium.
type browser struct {
	context.Context //nolint:containedctx // it is what chromedp calls a tab

	mu       sync.Mutex
	problems []string // that the console told
	events   []traceEvent
	traced   chan struct{} // has one when a trace is complete
}

// openBrowser starts Chromium, which ends with the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(bench.Browser(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx)
	b := &browser{Context: ctx, traced: make(chan struct{}, 1)}
	must(t, chromedp.Do(ctx))
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // before its folder goes
	must(t, chromedp.Listen(ctx, b.hear))
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: day})
	must(t, err)
	return b
}

// day makes it the same one whenever pages are looked at: their states change.
const day = `{ const D = Date; Date = class extends D { constructor(...given) { given.length ? super(...given) : super(2026, 11, 1) } } }`

// hear takes an event of the tab.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		b.problems = append(b.problems, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, e.ExceptionDetails.Text)
	case *tracing.EventDataCollected:
		for _, value := range e.Value {
			var event traceEvent
			if json.Unmarshal(value, &event) == nil { // others have arguments of other types
				b.events = append(b.events, event)
			}
		}
	case *tracing.EventTracingComplete:
		b.traced <- struct{}{}
	}
}

// told are the problems that the console has told since it was asked last.
func (b *browser) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	told := b.problems
	b.problems = nil
	return told
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// show opens a page at a width, in light or dark colours.
func (b *browser) show(t *testing.T, url string, width int64, scheme string) {
	t.Helper()
	_, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	must(t, err, chromedp.Do(b, chromedp.EmulateViewport(width, 900), chromedp.Navigate(url)))
}

// eval is what an expression comes to in the page.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	must(t, err)
	return value
}

// write writes a site, and is the address of its folder.
func write(t *testing.T, s *site.Site) string {
	t.Helper()
	dir := t.TempDir()
	files, err := s.Files()
	must(t, err, os.Mkdir(filepath.Join(dir, site.ImageDir), 0o700))
	for _, f := range files {
		must(t, os.WriteFile(filepath.Join(dir, f.Path), f.Content, 0o600))
	}
	return "file://" + dir + "/"
}

// traceEvent is one of those that https://www.chromium.org/developers/how-tos/trace-event-profiling-tool/
// shows.
type traceEvent struct {
	Name     string
	Time     float64 `json:"ts"`  // µs
	Duration float64 `json:"dur"` // µs
	Process  int     `json:"pid"`
	Thread   int     `json:"tid"`
	Args     struct {
		Data struct{ Type string }
	}
}

// trace records what the browser does meanwhile, in the order of time.
func (b *browser) trace(t *testing.T, do func()) []traceEvent {
	t.Helper()
	b.events = nil
	_, err := chromedp.Call(b, tracing.Start, tracing.StartParams{
		TraceConfig: &tracing.TraceConfig{IncludedCategories: []string{"loading", "devtools.timeline", "blink.user_timing"}},
	})
	must(t, err)
	do()
	_, err = chromedp.Call(b, tracing.End, cdp.Empty{})
	must(t, err)
	select {
	case <-b.traced:
	case <-time.After(time.Minute):
		t.Fatal("the trace does not come to an end")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.SortStableFunc(b.events, func(x, y traceEvent) int { return cmp.Compare(x.Time, y.Time) })
	return b.events
}
