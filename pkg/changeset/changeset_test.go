package changeset

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/repofs"
)

// list names everything below a folder.
func list(t *testing.T, root *os.Root) string {
	t.Helper()
	var names []string
	err := fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	if err := root.MkdirAll("runtimes/node", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile("runtimes/node/runtime.hcl", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// open is the folder as commands have it.
func open(t *testing.T, root *os.Root) *repofs.FS {
	t.Helper()
	fsys, err := repofs.Open(root.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

// TestWriteAll: what fails half way leaves nothing behind, neither files nor
// folders, and what it has changed is as it was.
func TestWriteAll(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	first := File{Path: "runtimes/elixir/lib/a", Mode: 0o755, Content: []byte("a")}
	edit := File{Path: "runtimes/node/runtime.hcl", Mode: 0o644, Content: []byte("new"), Old: []byte("old")}
	for _, c := range []struct {
		name string
		ctx  context.Context
		last File
		want string
	}{
		{"a file that exists", t.Context(), File{Path: "runtimes/node/other", Mode: 0o644}, "file exists"},
		{"a file where a folder is needed", t.Context(), File{Path: "runtimes/node/other/b", Mode: 0o644}, "not a directory"},
		{"a path that leaves the repository", t.Context(), File{Path: "runtimes/out/b", Mode: 0o644}, "path escapes from parent"},
		{"a file that was changed", t.Context(), File{Path: "runtimes/node/other", Mode: 0o644, Old: []byte("not this")}, "was changed by somebody else"},
		{"an interrupt", interrupted, File{Path: "b", Mode: 0o644}, "interrupted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := openRoot(t)
			if err := root.WriteFile("runtimes/node/other", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := root.Symlink("../..", "runtimes/out"); err != nil {
				t.Fatal(err)
			}
			before := list(t, root)
			err := Write(c.ctx, open(t, root), []File{first, edit, c.last})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if after := list(t, root); after != before {
				t.Errorf("left behind:\n%s\nwas\n%s", after, before)
			}
			if text, err := root.ReadFile(edit.Path); err != nil || string(text) != "old" {
				t.Errorf("%s has %q, %v", edit.Path, text, err)
			}
		})
	}
	t.Run("a file that comes back", func(t *testing.T) {
		root := openRoot(t)
		before := list(t, root)
		remove := File{Path: edit.Path, Mode: 0o600, Old: []byte("old"), Remove: true}
		for _, last := range []File{{Path: "runtimes", Mode: 0o644}, {Path: "gone", Old: []byte("a"), Remove: true}, {Path: edit.Path, Old: []byte("a"), Remove: true}} {
			if err := Write(t.Context(), open(t, root), []File{remove, last}); err == nil {
				t.Errorf("%s was written", last.Path)
			}
			text, err := root.ReadFile(edit.Path)
			if after := list(t, root); err != nil || string(text) != "old" || after != before {
				t.Errorf("%s has %q, %v; there are %s", edit.Path, text, err, after)
			}
		}
		if err := Write(t.Context(), open(t, root), []File{remove}); err != nil {
			t.Fatal(err)
		}
		if got := list(t, root); got != ". runtimes runtimes/node" {
			t.Errorf("left are %s", got)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		root := openRoot(t)
		if err := Write(t.Context(), open(t, root), []File{first, edit}); err != nil {
			t.Fatal(err)
		}
		if got, want := list(t, root), ". runtimes runtimes/elixir runtimes/elixir/lib runtimes/elixir/lib/a runtimes/node runtimes/node/runtime.hcl"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if text, err := root.ReadFile(edit.Path); err != nil || string(text) != "new" {
			t.Errorf("%s has %q, %v", edit.Path, text, err)
		}
	})
}

// TestWritePatch: files that are empty, have no last newline, or are no text.
func TestWritePatch(t *testing.T) {
	var out bytes.Buffer
	err := WritePatch(&out, []File{
		{Path: "empty", Mode: 0o644}, {Path: "half", Mode: 0o755, Content: []byte("a\nb")}, {Path: "logo", Mode: 0o644, Content: []byte("a\x00")},
	})
	want := `diff --git a/empty b/empty
new file mode 100644
diff --git a/half b/half
new file mode 100755
--- /dev/null
+++ b/half
@@ -0,0 +1,2 @@
+a
+b
\ No newline at end of file
diff --git a/logo b/logo
new file mode 100644
Binary files /dev/null and b/logo differ
`
	if err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, &out, want)
	}
}

// TestRemoved: what goes is in the patch, and not in the repository as it will be.
func TestRemoved(t *testing.T) {
	files := []File{{Path: "a/gone", Mode: 0o644, Old: []byte("x\n"), Remove: true}}
	var out bytes.Buffer
	err := WritePatch(&out, files)
	want := "diff --git a/a/gone b/a/gone\ndeleted file mode 100644\n--- a/a/gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n"
	if err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, &out, want)
	}
	o := Over(fstest.MapFS{"a": {Mode: fs.ModeDir | 0o755}, "a/gone": {Data: []byte("x\n")}, "a/stays": {Data: []byte("y")}}, files)
	if err := fstest.TestFS(o, "a/stays"); err != nil {
		t.Error(err)
	}
	if entries, err := fs.ReadDir(o, "a"); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := fs.Stat(o, "a/gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestOverlay: the repository as it will be is a proper file system.
func TestOverlay(t *testing.T) {
	o := Over(
		fstest.MapFS{
			"runbake.hcl": {Data: []byte("a"), Mode: 0o644}, "runtimes/node/Dockerfile": {Data: []byte("FROM a"), Mode: 0o644},
			"runtimes/node/runtime.hcl": {Data: []byte("old"), Mode: 0o644},
		},
		[]File{
			{Path: "runtimes/node/runtime.hcl", Mode: 0o644, Content: []byte("new")},
			{Path: "runtimes/elixir/build.sh", Mode: 0o755, Content: []byte("b")},
			{Path: "tests/fixtures/elixir/main.exs", Mode: 0o644},
		})
	if err := fstest.TestFS(o, "runbake.hcl", "runtimes/node/Dockerfile", "runtimes/node/runtime.hcl", "runtimes/elixir/build.sh", "tests/fixtures/elixir/main.exs"); err != nil {
		t.Error(err)
	}
	if got, err := fs.ReadFile(o, "runtimes/node/runtime.hcl"); err != nil || string(got) != "new" {
		t.Errorf("got %q, %v", got, err)
	}
}
