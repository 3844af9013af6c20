// Package repofs is a folder of somebody else as a file system: a repository is
// read, and written to, by nothing else. No path and no symbolic link leads out
// of the folder; what is neither a regular file nor a folder is refused before
// anything waits for it; and a file that is read as a whole has a limit.
package repofs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// MaxFile is how large a file may be that is read as a whole.
const MaxFile = 64 << 20

// ErrKind is about what is neither a regular file nor a folder.
var ErrKind = errors.New("it is neither a regular file nor a folder")

// ErrSize is about a file that is read as a whole, and larger than [MaxFile].
var ErrSize = fmt.Errorf("it is larger than %d MiB", MaxFile>>20)

// FS is a folder. Names are those of [fs.FS], but need not be UTF-8: those of
// files are bytes.
type FS struct{ root *os.Root }

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadLinkFS = (*FS)(nil)
)

// Open opens a folder. Close it.
func Open(dir string) (*FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &FS{root}, nil
}

// ReadFile reads a file by its path, which may be anywhere, with the limits of a
// folder.
func ReadFile(name string) ([]byte, error) {
	fsys, err := Open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer fsys.Close()
	data, err := fsys.ReadFile(filepath.Base(name))
	if failed, is := errors.AsType[*fs.PathError](err); is {
		return nil, &fs.PathError{Op: "open", Path: name, Err: failed.Err}
	}
	return data, err
}

// Close closes the folder.
func (f *FS) Close() error { return f.root.Close() }

// ValidPath is [fs.ValidPath] for names that need not be UTF-8.
func ValidPath(name string) bool { return fs.ValidPath(strings.ToValidUTF8(name, "?")) }

// check refuses names that [fs.FS] does not have.
func check(op, name string) error {
	if !ValidPath(name) || runtime.GOOS == "windows" && strings.ContainsAny(name, `\:`) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// Open implements [fs.FS]. It does not wait for whoever would write into a pipe.
func (f *FS) Open(name string) (fs.File, error) {
	file, _, err := f.open(name)
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (f *FS) open(name string) (*os.File, fs.FileInfo, error) {
	if err := check("open", name); err != nil {
		return nil, nil, err
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		if info, failed := f.root.Stat(name); failed == nil && !readable(info) { // a socket
			err = ErrKind
		}
		return nil, nil, about("open", name, err)
	}
	info, err := file.Stat()
	if err == nil && !readable(info) {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrKind}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// about names the operation and the file as [fs.FS] does: those of an error of
// the system are how it was done.
func about(op, name string, err error) error {
	if failed, is := errors.AsType[*fs.PathError](err); is {
		err = failed.Err
	}
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func readable(info fs.FileInfo) bool { return info.Mode().IsRegular() || info.IsDir() }

// ReadFile implements [fs.ReadFileFS].
func (f *FS) ReadFile(name string) ([]byte, error) {
	file, info, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Size() > MaxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrSize}
	}
	data := make([]byte, 0, info.Size()+1)
	for { // as [os.ReadFile] does
		n, err := file.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		case len(data) > MaxFile: // it has grown
			return nil, &fs.PathError{Op: "read", Path: name, Err: ErrSize}
		case len(data) == cap(data):
			data = slices.Grow(data, len(data))
		}
	}
}

// ReadDir implements [fs.ReadDirFS].
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	file, _, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	entries, err := file.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// Stat implements [fs.StatFS].
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	if err := check("stat", name); err != nil {
		return nil, err
	}
	info, err := f.root.Stat(name)
	return info, about("stat", name, err)
}

// Lstat implements [fs.ReadLinkFS].
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	if err := check("lstat", name); err != nil {
		return nil, err
	}
	info, err := f.root.Lstat(name)
	return info, about("lstat", name, err)
}

// ReadLink implements [fs.ReadLinkFS].
func (f *FS) ReadLink(name string) (string, error) {
	if err := check("readlink", name); err != nil {
		return "", err
	}
	link, err := f.root.Readlink(name)
	return link, about("readlink", name, err)
}

// Mkdir makes a folder that is not there.
func (f *FS) Mkdir(name string) error { return f.root.Mkdir(name, 0o755) }

// MkdirAll makes a folder and those around it, unless they are there.
func (f *FS) MkdirAll(name string) error { return f.root.MkdirAll(name, 0o755) }

// Remove removes a file, or a folder that is empty.
func (f *FS) Remove(name string) error { return f.root.Remove(name) }

// Create writes a file that is not there yet. Its mode is as it is said, whatever
// the umask says: it is committed. A file that cannot be written whole is removed.
func (f *FS) Create(name string, data []byte, mode fs.FileMode) error {
	return f.create(name, data, mode, func(*os.File) error { return nil })
}

func (f *FS) create(name string, data []byte, mode fs.FileMode, last func(*os.File) error) error {
	out, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	if err = errors.Join(err, out.Chmod(mode), last(out), out.Close()); err != nil {
		return errors.Join(err, f.root.Remove(name))
	}
	return nil
}

// Replace writes a file in one step: who reads it sees the old content or the
// new one, and an interrupted write leaves the old. A link is replaced itself.
func (f *FS) Replace(name string, data []byte, mode fs.FileMode) error {
	part := path.Join(path.Dir(name), fmt.Sprintf(".%s.%08x", path.Base(name), rand.Uint32()))
	if err := f.create(part, data, mode, (*os.File).Sync); err != nil {
		return err
	}
	if err := f.root.Rename(part, name); err != nil {
		return errors.Join(err, f.root.Remove(part))
	}
	return nil
}
