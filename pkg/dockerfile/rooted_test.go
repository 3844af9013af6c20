package dockerfile_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestFollow: links as they lead inside of the folder "app", which is all that
// BuildKit has of it.
func TestFollow(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	link := func(to string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
	}
	fsys := fstest.MapFS{
		"app/a": file("a"), "app/dir/b": file("b"), "app/common/x": file("in the folder"), "common/x": file("beside it"), "common/y": file("y"),
		"app/to-a": link("a"), "app/to-b": link("dir/../dir/b"), "app/dir/up": link("../a"), "app/to-dir": link("dir"),
		"app/out": link("../common/x"), "app/gone": link("../common/y"), "app/absolute": link("/a"), "app/dangling": link("nowhere"),
		"app/circle": link("circle2"), "app/circle2": link("circle"), "app/twice": link("to-dir/up"),
	}
	for name, want := range map[string]string{
		"a": "app/a", "/a": "app/a", "dir/b": "app/dir/b", "dir/../a": "app/a", "../a": "app/a", ".": "app",
		"to-a": "app/a", "to-b": "app/dir/b", "dir/up": "app/a", "to-dir/b": "app/dir/b", "twice": "app/a", "absolute": "app/a",
		"out":  "app/common/x", // not the one that it means
		"gone": "", "dangling": "", "circle": "", "missing": "", "a/b": "",
	} {
		got, err := dockerfile.Follow(fsys, "app", name)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s leads to %q, %v; want %q", name, got, err, want)
		}
	}
	if text, err := dockerfile.Read(fsys, "app/out"); string(text) != "in the folder" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := dockerfile.Read(fsys, "app/gone"); !errors.Is(err, fs.ErrNotExist) || err.Error() != "open app/gone: file does not exist" {
		t.Error(err)
	}
}
