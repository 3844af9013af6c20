package changeset

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// overlay is a file system with files laid over it.
type overlay struct {
	under fs.FS
	files map[string]File
}

// Over is a file system with files laid over it: the repository as it will be.
func Over(under fs.FS, files []File) fs.FS {
	o := overlay{under, make(map[string]File, len(files))}
	for _, f := range files {
		o.files[f.Path] = f
	}
	return o
}

// Open opens a file, of the overlay first.
func (o overlay) Open(name string) (fs.File, error) {
	if f, ours := o.files[name]; ours {
		if f.Remove {
			return nil, gone("open", name)
		}
		return fileEntry(f), nil
	}
	if !fs.ValidPath(name) || !o.isFolder(name) {
		return o.under.Open(name)
	}
	entries, err := o.ReadDir(name)
	return folderEntry(path.Base(name), entries), err
}

func gone(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

// ReadFile reads a file; one below with the limits that it has there.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if f, ours := o.files[name]; ours {
		if f.Remove {
			return nil, gone("open", name)
		}
		return bytes.Clone(f.Content), nil
	}
	return fs.ReadFile(o.under, name)
}

// Stat describes a file or a folder.
func (o overlay) Stat(name string) (fs.FileInfo, error) {
	if f, ours := o.files[name]; ours {
		if f.Remove {
			return nil, gone("stat", name)
		}
		return fileEntry(f), nil
	}
	if !fs.ValidPath(name) || !o.isFolder(name) {
		return fs.Stat(o.under, name)
	}
	entries, err := o.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return folderEntry(path.Base(name), entries), nil
}

// ReadDir lists a folder, with what is laid over it.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.under, name)
	if !o.isFolder(name) {
		return entries, err
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for full, f := range o.files {
		rest, below := strings.CutPrefix(full, name+"/")
		if name == "." {
			rest, below = full, true
		}
		if !below {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		if f.Remove && deeper {
			continue // the folder stays
		}
		info := fileEntry(f)
		if deeper {
			info = folderEntry(first, nil)
		}
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == first })
		if !f.Remove {
			entries = append(entries, fs.FileInfoToDirEntry(info))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// isFolder says whether one of our files is below a folder.
func (o overlay) isFolder(name string) bool {
	for full := range o.files {
		if name == "." || strings.HasPrefix(full, name+"/") {
			return true
		}
	}
	return false
}

// entry is a file or a folder of the overlay, opened, listed or asked about.
type entry struct {
	*bytes.Reader // of a file; nil for a folder
	name          string
	mode          fs.FileMode
	entries       []fs.DirEntry // of an opened folder
}

func fileEntry(f File) *entry {
	return &entry{Reader: bytes.NewReader(f.Content), name: path.Base(f.Path), mode: f.Mode}
}

func folderEntry(name string, entries []fs.DirEntry) *entry {
	return &entry{name: name, mode: fs.ModeDir | 0o755, entries: entries}
}

// Name is the last part of the path.
func (e *entry) Name() string { return e.name }

// Mode is the mode of the file.
func (e *entry) Mode() fs.FileMode { return e.mode }

// ModTime is not known.
func (e *entry) ModTime() time.Time { return time.Time{} }

// IsDir says whether it is a folder.
func (e *entry) IsDir() bool { return e.mode.IsDir() }

// Sys is nothing.
func (e *entry) Sys() any { return nil }

// Size is the length of a file.
func (e *entry) Size() int64 {
	if e.IsDir() {
		return 0
	}
	return e.Reader.Size()
}

// Stat is the entry itself.
func (e *entry) Stat() (fs.FileInfo, error) { return e, nil }

// Close does nothing.
func (e *entry) Close() error { return nil }

// Read reads a file.
func (e *entry) Read(p []byte) (int, error) {
	if e.IsDir() {
		return 0, &fs.PathError{Op: "read", Path: e.name, Err: errors.New("is a folder")}
	}
	return e.Reader.Read(p)
}

// ReadDir lists the next n entries of a folder, or all that are left for n ≤ 0.
func (e *entry) ReadDir(n int) ([]fs.DirEntry, error) {
	if !e.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: e.name, Err: errors.New("is no folder")}
	}
	if n > 0 && len(e.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(e.entries) {
		n = len(e.entries)
	}
	list := e.entries[:n:n]
	e.entries = e.entries[n:]
	return list, nil
}
