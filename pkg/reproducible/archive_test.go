package reproducible_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/reproducible"
)

// epoch is the time of files that do not say another.
var epoch = time.Unix(1_000_000_000, 0)

// entry is a file of an archive, and what it holds.
type entry struct {
	tar.Header
	text string
}

// file is a file that nothing is special about.
func file(name, text string, edits ...func(*tar.Header)) entry {
	e := entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, ModTime: epoch, Format: tar.FormatPAX}, text}
	for _, edit := range edits {
		edit(&e.Header)
	}
	return e
}

// archive writes files into a tar archive.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		e.Size = int64(len(e.text))
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCompareArchives: the first file that differs, and all that differs of it.
func TestCompareArchives(t *testing.T) {
	a, b, c := file("a", "1"), file("b", "2"), file("c", "3")
	long := strings.Repeat("x", 100_000)
	for _, test := range []struct {
		name          string
		first, second []entry
		path          string
		changes       []reproducible.Change
	}{
		{"nothing", []entry{a, b}, []entry{a, b}, "", nil},
		{"no files", nil, nil, "", nil},
		{
			"content",
			[]entry{a, b, c},
			[]entry{a, file("b", "9"), file("c", "9")},
			"b",
			[]reproducible.Change{{What: reproducible.WhatContent, Name: "byte 0", First: `"2"`, Second: `"9"`}},
		},
		{
			"longer content",
			[]entry{file("b", "one")},
			[]entry{file("b", "one two")},
			"b",
			[]reproducible.Change{{What: reproducible.WhatContent, Name: "byte 3", First: `"one", the end`, Second: `"one two"`}},
		},
		{
			"far inside of a file",
			[]entry{file("b", long+"built on Monday"+long)},
			[]entry{file("b", long+"built on Friday"+long)},
			"b",
			[]reproducible.Change{{
				What: reproducible.WhatContent, Name: "byte 100009",
				First: `"xxxxxxxbuilt on Monday` + long[:26] + `"`, Second: `"xxxxxxxbuilt on Friday` + long[:26] + `"`,
			}},
		},
		{
			"at the seam of what is read at a time",
			[]entry{file("b", long[:32<<10]+"1")},
			[]entry{file("b", long[:32<<10]+"2")},
			"b",
			[]reproducible.Change{{What: reproducible.WhatContent, Name: "byte 32768", First: `"` + long[:16] + `1"`, Second: `"` + long[:16] + `2"`}},
		},
		{
			"only in the first",
			[]entry{a, b, c},
			[]entry{a, c},
			"b",
			[]reproducible.Change{{What: reproducible.WhatPresence, First: "file, -rw-r--r--, 1 bytes"}},
		},
		{
			"only in the second",
			[]entry{a, c},
			[]entry{a, b, c},
			"b",
			[]reproducible.Change{{What: reproducible.WhatPresence, Second: "file, -rw-r--r--, 1 bytes"}},
		},
		{
			"only in the first, at its end",
			[]entry{a, b},
			[]entry{a},
			"b",
			[]reproducible.Change{{What: reproducible.WhatPresence, First: "file, -rw-r--r--, 1 bytes"}},
		},
		{
			"only in the second, at its end", nil,
			[]entry{file("d/", "", func(h *tar.Header) { h.Typeflag, h.Mode = tar.TypeDir, 0o755 })},
			"d/",
			[]reproducible.Change{{What: reproducible.WhatPresence, Second: "folder, drwxr-xr-x"}},
		},
		{
			"order",
			[]entry{a, b, c},
			[]entry{a, c, b},
			"b",
			[]reproducible.Change{{What: reproducible.WhatOrder, First: "b", Second: "c"}},
		},
		{
			"everything of a file",
			[]entry{file("b", "2", func(h *tar.Header) {
				h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "\x01", "SCHILY.xattr.user.a": "same"}
			})},
			[]entry{file("b", "2!", func(h *tar.Header) {
				h.Mode, h.Uid, h.Gid, h.Uname, h.ModTime = 0o4755, 7, 8, "seven", epoch.Add(1500*time.Millisecond)
				h.PAXRecords = map[string]string{"SCHILY.xattr.user.a": "same", "SCHILY.xattr.user.b": "new"}
			})},
			"b",
			[]reproducible.Change{
				{What: reproducible.WhatContent, Name: "byte 1", First: `"2", the end`, Second: `"2!"`},
				{What: reproducible.WhatMode, First: "0644", Second: "4755"},
				{What: reproducible.WhatOwner, First: "0:0", Second: "7:8 (seven:)"},
				{What: reproducible.WhatTime, First: "2001-09-09T01:46:40Z", Second: "2001-09-09T01:46:41.5Z"},
				{What: reproducible.WhatXattr, Name: "security.capability", First: `"\x01"`},
				{What: reproducible.WhatXattr, Name: "user.b", Second: `"new"`},
			},
		},
		{
			"type and link",
			[]entry{file("l", "", func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeSymlink, "a" })},
			[]entry{file("l", "", func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeLink, "b" })},
			"l",
			[]reproducible.Change{
				{What: reproducible.WhatType, First: "symbolic link", Second: "hard link"},
				{What: reproducible.WhatLink, First: "a", Second: "b"},
			},
		},
		{
			"device",
			[]entry{file("n", "", func(h *tar.Header) { h.Typeflag, h.Devmajor = tar.TypeChar, 1 })},
			[]entry{file("n", "", func(h *tar.Header) { h.Typeflag, h.Devminor = tar.TypeChar, 3 })},
			"n",
			[]reproducible.Change{{What: reproducible.WhatHeader, First: "device 1:0", Second: "device 0:3"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, changes, err := reproducible.CompareArchives(archive(t, test.first...), archive(t, test.second...))
			if err != nil {
				t.Fatal(err)
			}
			if path != test.path || !reflect.DeepEqual(changes, test.changes) {
				t.Errorf("got %q %+v\nwant %q %+v", path, changes, test.path, test.changes)
			}
		})
	}
}

// TestCompareArchivesCut: an archive that ends in a file is an error, not a
// shorter file.
func TestCompareArchivesCut(t *testing.T) {
	whole := archive(t, file("a", strings.Repeat("x", 2000)))
	for _, sides := range [][2][]byte{{whole, whole[:1000]}, {whole[:1000], whole}, {whole[:1000], whole[:1000]}} {
		if _, _, err := reproducible.CompareArchives(sides[0], sides[1]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	}
}

// FuzzCompareArchives: whatever the archives are, comparing them ends, one is the
// same as itself, and which is first does not matter.
func FuzzCompareArchives(f *testing.F) {
	one := archive(f, file("a", "1"), file("b", strings.Repeat("2", 600)))
	f.Add(one, archive(f, file("a", "1"), file("c", "2")))
	f.Add(one, one[:700])
	f.Add(one, []byte{})
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if huge(before) || huge(after) {
			t.Skip("a hole of exabytes reads as zeros, for years")
		}
		path, changes, err := reproducible.CompareArchives(before, after)
		_, swapped, swappedErr := reproducible.CompareArchives(after, before)
		if err == nil && swappedErr == nil && len(changes) != len(swapped) {
			t.Errorf("%q: %+v, and swapped %+v", path, changes, swapped)
		}
		if _, changes, err := reproducible.CompareArchives(before, before); err == nil && len(changes) > 0 {
			t.Errorf("not the same as itself: %+v", changes)
		}
	})
}

// huge reports whether a file of an archive is longer than anything that is
// written in a test.
func huge(text []byte) bool {
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		header, err := r.Next()
		if err != nil {
			return false
		}
		if header.Size > 1<<20 {
			return true
		}
	}
}

// BenchmarkCompareArchives compares archives of 64 MiB in 1,024 files.
func BenchmarkCompareArchives(b *testing.B) {
	text := strings.Repeat("0123456789abcdef", 4096)
	entries := make([]entry, 1024)
	for i := range entries {
		entries[i] = file(strings.Repeat("d/", i%8)+"file", text)
	}
	one := archive(b, entries...)
	other := bytes.Clone(one)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	for b.Loop() {
		if _, changes, err := reproducible.CompareArchives(one, other); err != nil || changes != nil {
			b.Fatal(changes, err)
		}
	}
}
