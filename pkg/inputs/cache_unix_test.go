//go:build linux || darwin

package inputs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/inputs"
)

// later is when files that a test has written count as settled.
func later() time.Time { return time.Now().Add(time.Hour) }

// counting is a file system that counts what is read.
type counting struct {
	fs.FS
	opened int
}

func (c *counting) Open(name string) (fs.File, error) {
	c.opened++
	return c.FS.Open(name)
}

func (c *counting) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(c.FS, name) }
func (c *counting) ReadLink(name string) (string, error)   { return fs.ReadLink(c.FS, name) }
func (c *counting) hash(t *testing.T, cache *inputs.Cache, now func() time.Time) string {
	t.Helper()
	info, err := fs.Lstat(c.FS, "f")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := cache.Hash(c, now)("f", info)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestCache(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	write(t, name, "one")
	c := &counting{FS: os.DirFS(dir)}
	cache := inputs.ParseCache(nil)
	one := c.hash(t, cache, later)
	again := func(want string, opened int) {
		t.Helper()
		cache = inputs.ParseCache(cache.Encode())
		c.opened = 0
		if sum := c.hash(t, cache, later); sum != want || c.opened != opened {
			t.Errorf("%s after reading %d files, want %s after %d", sum, c.opened, want, opened)
		}
	}
	again(one, 0)

	// The same size, and the time of modification set back.
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, "two")
	if err := os.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	two, err := inputs.ReadHash(os.DirFS(dir))("f", nil)
	if err != nil || two == one {
		t.Fatal(two, err)
	}
	again(two, 1)
	again(two, 0)

	// Another file in its place.
	write(t, filepath.Join(dir, "g"), "one")
	if err := os.Rename(filepath.Join(dir, "g"), name); err != nil {
		t.Fatal(err)
	}
	again(one, 1)
	if !cache.Changed() {
		t.Error("a new digest is no change")
	}
}

// TestCacheLately: what changed a moment ago may change again unseen, and is not
// kept.
func TestCacheLately(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "one")
	c := &counting{FS: os.DirFS(dir)}
	cache := inputs.ParseCache(nil)
	for range 2 {
		c.opened = 0
		c.hash(t, cache, time.Now)
		if c.opened != 1 {
			t.Errorf("read %d times, want 1", c.opened)
		}
	}
	if cache.Changed() {
		t.Error("a digest was kept")
	}
}

// TestCacheWhileRead: what changes while it is read is not kept.
func TestCacheWhileRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "one")
	cache := inputs.ParseCache(nil)
	c := &counting{FS: os.DirFS(dir)}
	c.hash(t, cache, func() time.Time {
		write(t, filepath.Join(dir, "f"), "changed")
		return later()
	})
	if cache.Changed() {
		t.Error("a digest was kept")
	}
}

func TestCacheForget(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "one")
	cache := inputs.ParseCache(nil)
	(&counting{FS: os.DirFS(dir)}).hash(t, cache, later)
	full := cache.Encode()
	nothing := func(string) bool { return false }
	cache.Forget(nothing)
	if !bytes.Equal(cache.Encode(), full) {
		t.Error("what was used is forgotten")
	}
	cache = inputs.ParseCache(full)
	cache.Forget(func(string) bool { return true })
	if !bytes.Equal(cache.Encode(), full) {
		t.Error("what exists is forgotten")
	}
	cache.Forget(nothing)
	if bytes.Equal(cache.Encode(), full) {
		t.Error("what is gone is kept")
	}
}

// TestCacheDamaged: each bit counts.
func TestCacheDamaged(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "one")
	cache := inputs.ParseCache(nil)
	(&counting{FS: os.DirFS(dir)}).hash(t, cache, later)
	full, empty := cache.Encode(), inputs.ParseCache(nil).Encode()
	for i := range full {
		for name, damaged := range map[string][]byte{
			"cut": full[:i], "bit": append(append(bytes.Clone(full[:i]), full[i]^1), full[i+1:]...),
		} {
			if got := inputs.ParseCache(damaged).Encode(); !bytes.Equal(got, empty) {
				t.Fatalf("%s at %d: not empty", name, i)
			}
		}
	}
}

func FuzzParseCache(f *testing.F) {
	f.Add([]byte(""))
	f.Add(inputs.ParseCache(nil).Encode())
	f.Add([]byte("runbake file digests 1\n" + strings.Repeat("x", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		once := inputs.ParseCache(inputs.Sealed(data))
		encoded := once.Encode()
		if twice := inputs.ParseCache(encoded).Encode(); !bytes.Equal(twice, encoded) {
			t.Errorf("%q, read back %q", encoded, twice)
		}
		inputs.ParseCache(data)
	})
}
