package repofs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/runbake/runbake/pkg/repofs"
)

func open(t *testing.T, dir string) *repofs.FS {
	t.Helper()
	fsys, err := repofs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestFS: to everything that reads file systems it is one.
func TestFS(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o700), os.WriteFile(filepath.Join(dir, "a/b/c"), []byte("c"), 0o600),
		os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600), os.Symlink("a/b/c", filepath.Join(dir, "link")))
	if err := fstest.TestFS(open(t, dir), "a/b/c", "empty", "link"); err != nil {
		t.Error(err)
	}
}

// TestRefused: what is no file of the repository is refused at once, by whatever
// reads it.
func TestRefused(t *testing.T) {
	outside := t.TempDir()
	dir, err := os.MkdirTemp("", "repofs") //nolint:usetesting // the path of a socket is short
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600), os.Mkdir(filepath.Join(dir, "in"), 0o700),
		os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "absolute")), os.Symlink("../../"+filepath.Base(outside)+"/secret", filepath.Join(dir, "in/relative")),
		os.Symlink(outside, filepath.Join(dir, "folder")), os.Symlink(os.DevNull, filepath.Join(dir, "device")), os.Symlink("loop", filepath.Join(dir, "loop")))
	names := []string{"absolute", "in/relative", "folder/secret", "device", "loop", "../x", "/etc/passwd", "in/../x", ""}
	if runtime.GOOS != "windows" {
		must(t, mkfifo(filepath.Join(dir, "fifo")), os.Symlink("fifo", filepath.Join(dir, "to-fifo")))
		listener, err := net.Listen("unix", filepath.Join(dir, "socket")) //nolint:noctx // it listens for nobody
		must(t, err)
		t.Cleanup(func() { _ = listener.Close() })
		names = append(names, "fifo", "to-fifo", "socket")
	}
	large, err := os.Create(filepath.Join(dir, "large"))
	must(t, err, large.Truncate(repofs.MaxFile+1), large.Close())
	fsys := open(t, dir)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range names {
			if data, err := fsys.ReadFile(name); err == nil {
				t.Errorf("%q was read: %q", name, data)
			}
			if f, err := fsys.Open(name); err == nil {
				t.Errorf("%q was opened: %v", name, f)
			}
			if entries, err := fsys.ReadDir(name); err == nil {
				t.Errorf("%q was listed: %v", name, entries)
			}
		}
		if _, err := fsys.ReadFile("large"); !errors.Is(err, repofs.ErrSize) {
			t.Errorf("a large file: %v", err)
		}
		if _, err := fsys.Open("large"); err != nil {
			t.Errorf("a large file, which a context may have: %v", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("something is waited for")
	}
	for _, name := range []string{"folder/new", "absolute/new", "../new"} {
		if err := errors.Join(fsys.MkdirAll("folder/deep")); err == nil {
			t.Error("a folder was made outside")
		}
		if fsys.Create(name, nil, 0o600) == nil || fsys.Replace(name, nil, 0o600) == nil {
			t.Errorf("%q was written", name)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("outside there are %v, %v", entries, err)
	}
}

// TestNames: names are bytes.
func TestNames(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("their file systems have no such names")
	}
	dir := t.TempDir()
	fsys := open(t, dir)
	for _, name := range []string{"caf\xe9", "\xff/\xfe", "a\tb", "a\nb", "\"'", "-x", "a\\b", "ä"} {
		must(t, fsys.MkdirAll(filepath.ToSlash(filepath.Dir(name))), fsys.Replace(name, []byte(name), 0o600))
		if got, err := fs.ReadFile(fsys, name); err != nil || string(got) != name {
			t.Errorf("%q has %q, %v", name, got, err)
		}
	}
	seen := ""
	must(t, fs.WalkDir(fsys, ".", func(name string, _ fs.DirEntry, err error) error { seen += name + "|"; return err }))
	if !strings.Contains(seen, "|caf\xe9|") || !strings.Contains(seen, "|\xff/\xfe|") {
		t.Errorf("the walk finds %q", seen)
	}
}

// TestReplace: links are replaced themselves, the mode is as it is said, and
// nothing else is left.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	fsys := open(t, dir)
	must(t, os.WriteFile(filepath.Join(dir, "other"), []byte("other"), 0o600), os.Symlink("other", filepath.Join(dir, "a")))
	must(t, fsys.Replace("a", []byte("new"), 0o644))
	info, err := fsys.Lstat("a")
	must(t, err)
	data, err := fsys.ReadFile("a")
	must(t, err)
	other, err := fsys.ReadFile("other")
	must(t, err)
	entries, err := fsys.ReadDir(".")
	must(t, err)
	if !info.Mode().IsRegular() || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 || !bytes.Equal(data, []byte("new")) || string(other) != "other" || len(entries) != 2 {
		t.Errorf("%v, %q, %q, %v", info.Mode(), data, other, entries)
	}
	if err := fsys.Create("a", nil, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there was created: %v", err)
	}
}
