// Package site_test drives the pages of runbake site with Chromium: from a
// folder, as people look at them.
package site_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/runbake/runbake/tests/bench"
)

var pictures = flag.String("pictures", "", "`folder` for pictures of the pages, in both colour schemes and three widths")

var (
	widths  = []int64{375, 768, 1280}
	schemes = []string{"light", "dark"}
)

// shown are the titles in the list of images that can be seen.
const shown = `[...document.querySelectorAll('#images > li')].filter(e => e.checkVisibility()).map(e => e.querySelector('a').textContent)`

// TestPages looks at the pages of an example as people would.
func TestPages(t *testing.T) {
	b := openBrowser(t)
	dir := write(t, example())
	for _, width := range widths {
		t.Run(fmt.Sprintf("search at %d", width), func(t *testing.T) { search(t, b, dir, width) })
	}
	t.Run("filters", func(t *testing.T) { filters(t, b, dir) })
	t.Run("packages", func(t *testing.T) { searchPackages(t, b, dir) })
	t.Run("copy", func(t *testing.T) { copies(t, b, dir) })
	t.Run("keyboard", func(t *testing.T) { keyboard(t, b, dir) })
	t.Run("looks", func(t *testing.T) { looks(t, b, dir) })
	t.Run("hostile", func(t *testing.T) { hostile(t, b, dir) })
}

func search(t *testing.T, b *browser, dir string, width int64) {
	b.show(t, dir+"index.html", width, "light")
	if got := eval[[]string](t, b, shown); len(got) != 11 {
		t.Fatalf("%d images are shown: %q", len(got), got)
	}
	must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.ID("search"), "NODE 2 latest")))
	if got := eval[[]string](t, b, shown); !slices.Equal(got, []string{"Node.js 24"}) {
		t.Errorf("found %q", got)
	}
	if got := eval[string](t, b, `document.getElementById('found').textContent`); got != "1 of 11" {
		t.Errorf("it says %q", got)
	}
	must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.ID("search"), " nothing"), chromedp.WaitVisible(chromedp.ID("none")),
		chromedp.Click(chromedp.CSS("button[type=reset]")), chromedp.WaitNotVisible(chromedp.ID("none"))))
	if got := eval[[]string](t, b, shown); len(got) != 11 {
		t.Errorf("after the reset %q", got)
	}
}

func filters(t *testing.T, b *browser, dir string) {
	const choose = `(() => { for (const id of ['runtime', 'platform', 'state']) {
		const e = document.getElementById(id); e.value = choices[id] ?? ''; e.dispatchEvent(new Event('change', {bubbles: true})) } return ` + shown + `})()`
	b.show(t, dir+"index.html", 1280, "light")
	for choices, want := range map[string][]string{
		`{runtime: 'go'}`:                              {"Go 1.25", "Go 1.26"},
		`{state: 'old'}`:                               {"Node.js 18"},
		`{state: 'ended'}`:                             {"Node.js 20"},
		`{runtime: 'node', state: 'current'}`:          {"Node.js 22", "Node.js 24"},
		`{runtime: 'debian', platform: 'linux/arm64'}`: nil,
		`{runtime: 'debian'}`:                          {"Debian 12"},
	} {
		if got := eval[[]string](t, b, strings.Replace(choose, "choices", "("+choices+")", 1)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", choices, got, want)
		}
	}
}

func searchPackages(t *testing.T, b *browser, dir string) {
	b.show(t, dir+"images/node-24.html", 1280, "light")
	must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.ID("package"), "liba0")))
	const rows = `[...document.querySelectorAll('#rows > tbody > tr')].filter(e => e.checkVisibility()).map(e => e.innerText.replaceAll('\t', '|'))`
	want := []string{
		"liba0|0.0-0+amd64|deb|GPL-2.0-or-later AND LGPL-2.1-or-later|linux/amd64", "liba0|0.0-0+arm64|deb|GPL-2.0-or-later AND LGPL-2.1-or-later|linux/arm64",
	}
	if got := eval[[]string](t, b, rows); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// paste is what the clipboard has: it is pasted where one searches.
func paste(t *testing.T, b *browser) string {
	t.Helper()
	must(t, chromedp.Do(b, chromedp.Focus(chromedp.CSS("input")), chromedp.KeyEvent("v", func(p *input.DispatchKeyEventParams) {
		p.Modifiers, p.Commands, p.Text = int64(chromedp.ModifierCtrl), []string{"selectAll", "paste"}, ""
	})))
	return eval[string](t, b, `document.querySelector('input').value`)
}

func copies(t *testing.T, b *browser, dir string) {
	b.show(t, dir+"index.html", 1280, "light")
	must(t, chromedp.Do(b, chromedp.Click(chromedp.CSS(`button[value="ghcr.io/acme/node-runtime:22"]`)), chromedp.WaitVisible(chromedp.CSS(".copied"))))
	if got := paste(t, b); got != "ghcr.io/acme/node-runtime:22" {
		t.Errorf("the clipboard has %q", got)
	}
	if got := eval[string](t, b, `document.getElementById('said').textContent`); got != "Copied ghcr.io/acme/node-runtime:22" {
		t.Errorf("it says %q", got)
	}
	b.show(t, dir+"images/node-24.html", 1280, "light")
	must(t, chromedp.Do(b, chromedp.Click(chromedp.CSS(`header .copy`)), chromedp.WaitVisible(chromedp.CSS(".copied"))))
	if got := paste(t, b); got != "docker pull ghcr.io/acme/node-runtime:24" {
		t.Errorf("the clipboard has %q", got)
	}
}

// keyboard goes through the page by Tab alone: every control is reached, in the
// order of the page, and it can be seen where one is.
func keyboard(t *testing.T, b *browser, dir string) {
	for _, page := range []string{"index.html", "images/node-24.html"} {
		b.show(t, dir+page, 1280, "light")
		controls := eval[int](t, b, `(() => { window.controls = [...document.querySelectorAll('a, button, input, select, [tabindex]')]; return controls.length })()`)
		last := -1
		for n := range controls {
			must(t, chromedp.Do(b, chromedp.KeyEvent("\t")))
			at := eval[struct {
				Index int
				Seen  bool
			}](t, b, `(() => { const e = document.activeElement, r = e.getBoundingClientRect();
				return {Index: controls.indexOf(e), Seen: r.width > 1 && r.height > 1 && r.bottom > 0 && r.top < innerHeight &&
					parseFloat(getComputedStyle(e).outlineWidth) >= 2} })()`)
			if at.Index != last+1 || !at.Seen {
				t.Fatalf("%s: after %d times Tab: control %d after %d of %d, seen: %v", page, n+1, at.Index, last, controls, at.Seen)
			}
			last = at.Index
		}
	}
	b.show(t, dir+"index.html", 1280, "light")
	must(t, chromedp.Do(b, chromedp.Focus(chromedp.CSS(`button[value="ghcr.io/acme/go-runtime:1.26"]`)), chromedp.KeyEvent(" "), chromedp.WaitVisible(chromedp.CSS(".copied"))))
	if got := paste(t, b); got != "ghcr.io/acme/go-runtime:1.26" {
		t.Errorf("the clipboard has %q", got)
	}
}

// looks holds the pages against axe's rules, and against the width of the window.
func looks(t *testing.T, b *browser, dir string) {
	axe, err := bench.Axe(t.Context())
	must(t, err)
	for _, page := range []string{"index", "images/node-24", "images/go-1.26", "images/evil-1"} {
		for _, scheme := range schemes {
			for _, width := range widths {
				name := fmt.Sprintf("%s %s %d", page, scheme, width)
				b.show(t, dir+page+".html", width, scheme)
				if wide := eval[int](t, b, `document.documentElement.scrollWidth`); wide > int(width) {
					t.Errorf("%s is %d wide", name, wide)
				}
				picture(t, b, strings.ReplaceAll(strings.TrimPrefix(name, "images/"), " ", "-"))
				eval[bool](t, b, axe+"; true")
				found := eval[string](t, b, `axe.run({resultTypes: ['violations'], preload: false}).then(r =>
					JSON.stringify(r.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary)])))`)
				var violations []json.RawMessage
				must(t, json.Unmarshal([]byte(found), &violations))
				for _, v := range violations {
					t.Errorf("%s: %s", name, v)
				}
				if told := b.told(); len(told) > 0 {
					t.Errorf("%s: the console says %q", name, told)
				}
			}
		}
	}
}

func picture(t *testing.T, b *browser, name string) {
	t.Helper()
	if *pictures == "" {
		return
	}
	png, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	must(t, err, os.MkdirAll(*pictures, 0o755), os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o600))
}

// hostile: nothing that a definition says has become an element or has run.
func hostile(t *testing.T, b *browser, dir string) {
	for _, page := range []string{"index.html", "images/evil-1.html"} {
		b.show(t, dir+page, 1280, "light")
		if title := eval[string](t, b, `document.title`); title == "broken" || eval[int](t, b, `document.querySelectorAll('img').length`) > 0 {
			t.Errorf("%s: %q", page, title)
		}
		if got := eval[int](t, b, `document.scripts.length`); got != 1 {
			t.Errorf("%s has %d scripts", page, got)
		}
		// The policy holds when a page is broken all the same.
		ran := eval[bool](t, b, `(() => { const e = document.createElement('script'); try { e.text = 'window.ran = true' } catch { return false }; document.body.append(e); return !!window.ran })()`)
		if told := b.told(); ran || len(told) == 0 {
			t.Errorf("%s: a script was added, and ran: %v; the console says %q", page, ran, told)
		}
	}
}

// TestThousand: a thousand images are there at once, and filtering does not lag.
// The bounds are far above what is measured, for slow machines.
func TestThousand(t *testing.T) {
	b := openBrowser(t)
	dir := write(t, large(1000))
	index := strings.TrimPrefix(dir, "file://") + "index.html"
	info, err := os.Stat(index)
	must(t, err)
	if info.Size() > 1_500_000 {
		t.Errorf("the page has %d bytes", info.Size())
	}
	events := b.trace(t, func() { b.show(t, dir+"index.html", 1280, "light") })
	start, paint := when(events, "navigationStart"), when(events, "firstContentfulPaint")
	if start == 0 || paint == 0 {
		t.Fatalf("the trace of %d events has no first paint", len(events))
	}
	events = b.trace(t, func() {
		must(t, chromedp.Do(b, chromedp.SendKeys(chromedp.ID("search"), "0")), chromedp.Do(b, chromedp.SendKeys(chromedp.ID("search"), "7")))
		eval[bool](t, b, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0, true))))`)
	})
	slowest := 0.0
	inputs := 0
	for i, e := range events {
		if e.Name != "EventDispatch" || e.Args.Data.Type != "input" {
			continue
		}
		inputs++
		at := slices.IndexFunc(events[i:], func(p traceEvent) bool {
			return p.Process == e.Process && p.Thread == e.Thread && p.Name == "Paint"
		})
		if at < 0 {
			t.Fatal("nothing was painted after an input")
		}
		painted := events[i+at]
		slowest = max(slowest, painted.Time+painted.Duration-e.Time)
	}
	if inputs != 2 {
		t.Fatalf("the trace has %d inputs", inputs)
	}
	t.Logf("1,000 images: %d bytes; first paint after %.0f ms; filtered and painted within %.0f ms", info.Size(), (paint-start)/1e3, slowest/1e3)
	if (paint-start)/1e3 > 3000 || slowest/1e3 > 1000 {
		t.Errorf("that is too slow")
	}
}

// when is the time of the last event of a name; 0 if there is none.
func when(events []traceEvent, name string) float64 {
	for _, e := range slices.Backward(events) {
		if e.Name == name {
			return e.Time
		}
	}
	return 0
}
