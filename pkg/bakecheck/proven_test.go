package bakecheck_test

import (
	"bytes"
	"testing"

	"github.com/runbake/runbake/pkg/bakecheck"
)

// TestProven: what was verified is not verified again, and everything else is:
// another text, another meaning, another program, what is read from a damaged
// cache.
func TestProven(t *testing.T) {
	f := example()
	good := f.Encode()
	first := bakecheck.ParseProven(nil, "a")
	if err := bakecheck.Verify(t.Context(), good, f, first); err != nil || !first.Changed() {
		t.Fatalf("%v, changed %v", err, first.Changed())
	}
	kept := first.Encode()

	again := bakecheck.ParseProven(kept, "a")
	if err := bakecheck.Verify(t.Context(), good, f, again); err != nil || again.Changed() {
		t.Errorf("the same once more: %v, changed %v", err, again.Changed())
	}
	for name, before := range map[string]*bakecheck.Proven{
		"another program": bakecheck.ParseProven(kept, "b"),
		"cut off":         bakecheck.ParseProven(kept[:len(kept)-1], "a"),
		"damaged":         bakecheck.ParseProven(bytes.Replace(kept, kept[40:50], kept[50:60], 1), "a"),
		"no cache":        bakecheck.ParseProven([]byte("something else"), "a"),
	} {
		if err := bakecheck.Verify(t.Context(), good, f, before); err != nil || !before.Changed() {
			t.Errorf("%s: %v, nothing was verified: %v", name, err, !before.Changed())
		}
	}

	broken := bytes.Replace(good, []byte(`"1.26", "latest"`), []byte(`"1.26", "stable"`), 1)
	for range 2 {
		before := bakecheck.ParseProven(kept, "a")
		if bakecheck.Verify(t.Context(), broken, f, before) == nil {
			t.Error("another text passes for the one that was verified")
		}
		kept = before.Encode() // no failure is remembered
	}
	f.Targets[0].Args = map[string]string{"A": "b"}
	if bakecheck.Verify(t.Context(), good, f, bakecheck.ParseProven(kept, "a")) == nil {
		t.Error("a text that says less than is meant now passes")
	}
}

// TestProvenForgets: what nobody asks for is not kept for ever.
func TestProvenForgets(t *testing.T) {
	f := example()
	p := bakecheck.ParseProven(nil, "a")
	if err := bakecheck.Verify(t.Context(), f.Encode(), f, p); err != nil {
		t.Fatal(err)
	}
	data := p.Encode()
	size := len(data)
	for range 30 {
		data = bakecheck.ParseProven(data, "a").Encode()
	}
	if len(data) >= size || len(data) != len(bakecheck.ParseProven(nil, "a").Encode()) {
		t.Errorf("%d bytes of %d are kept", len(data), size)
	}
}

// FuzzParseProven: whatever a cache holds, it is taken as written or not at all.
func FuzzParseProven(f *testing.F) {
	p := bakecheck.ParseProven(nil, "a")
	f.Add(p.Encode())
	f.Add([]byte("runbake verified texts 1\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text := bakecheck.ParseProven(data, "a").Encode()
		if again := bakecheck.ParseProven(text, "a").Encode(); len(again) > len(text) {
			t.Errorf("%q became %q", text, again)
		}
	})
}
