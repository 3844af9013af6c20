package inputs_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/inputs"
)

// TestWildcardThroughLink: a wildcard that goes through a link to a file finds
// nothing there, and is no error: BuildKit sends the folder.
func TestWildcardThroughLink(t *testing.T) {
	fsys := fstest.MapFS{
		"app/Dockerfile": file("FROM scratch\nCOPY --parents **/*.txt /x/\n"), "app/a.txt": file("a"), "app/dir/b.txt": file("b"),
		"app/link": &fstest.MapFile{Data: []byte("a.txt"), Mode: fs.ModeSymlink | 0o777},
	}
	b := bake.Build{Target: &bake.Target{Name: "app", Context: "app"}}
	if got := paths(of(t, fsys, inputs.Options{}, b)["app"]); got != "Dockerfile a.txt dir dir/b.txt link" {
		t.Errorf("got %q", got)
	}
}
