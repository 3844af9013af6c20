package inputs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// listing is what a build takes from one folder. Builds that take the same
// share it.
type listing struct {
	dir    string   // from the root of the repository
	ignore []string // patterns of a .dockerignore
	paths  []string // what is taken, as package dockerfile gives it

	files  []File
	infos  []fs.FileInfo // of files
	digest string
}

// key tells listings apart.
func (l *listing) key() string {
	return fmt.Sprintf("%q %q %q", l.dir, l.ignore, l.paths)
}

// ignored reads the patterns of the first of some files that BuildKit finds: a
// link out of the folder is none.
func ignored(fsys fs.FS, names ...string) ([]string, error) {
	for _, name := range names {
		src, err := dockerfile.Read(fsys, name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(src))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, p := range patterns {
			if _, err := patternmatcher.New([]string{p}); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", name, p, err)
			}
		}
		return patterns, nil
	}
	return nil, nil
}

// walk lists what BuildKit would send, by the code that BuildKit uses.
func (l *listing) walk(ctx context.Context, fsys fs.FS) error {
	if _, err := fs.Stat(fsys, l.dir); err != nil {
		return err
	}
	source := &folder{fsys: fsys, dir: l.dir, infos: map[string]fs.FileInfo{}}
	filter := &fsutil.FilterOpt{ExcludePatterns: l.ignore}
	if !slices.Contains(l.paths, ".") {
		for _, p := range l.paths {
			filter.FollowPaths = append(filter.FollowPaths, filepath.FromSlash(p))
		}
	}
	filtered, err := fsutil.NewFilterFS(source, filter)
	if err != nil {
		return fmt.Errorf("%s: %w", l.dir, err)
	}
	err = filtered.Walk(ctx, "", func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*types.Stat)
		if !ok {
			return fmt.Errorf("%s: no status", entry.Name())
		}
		name := filepath.ToSlash(stat.Path)
		l.files = append(l.files, File{Path: name, Mode: fs.FileMode(stat.Mode), Link: stat.Linkname})
		l.infos = append(l.infos, source.infos[name])
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", l.dir, err)
	}
	return nil
}

// sum hashes the files, whose digests are known by now.
func (l *listing) sum() {
	l.infos = nil
	slices.SortFunc(l.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	h := sha256.New()
	for i := range l.files {
		f := &l.files[i]
		fmt.Fprintf(h, "%q %o %s %q\n", f.Path, uint32(f.Mode), f.Digest, f.Link)
	}
	l.digest = digest(h.Sum(nil))
}

// folder shows a folder of a file system to BuildKit's filter. It is no [fs.Sub],
// which takes no names that are not UTF-8.
type folder struct {
	fsys  fs.FS
	dir   string
	infos map[string]fs.FileInfo // of all entries that were asked for, by path
}

var _ fsutil.FS = (*folder)(nil)

// Open implements [fsutil.FS]; nothing that only lists calls it.
func (f *folder) Open(name string) (io.ReadCloser, error) {
	return f.fsys.Open(f.full(filepath.ToSlash(name)))
}

// full is a name from the root of the file system.
func (f *folder) full(name string) string { return path.Join(f.dir, name) }

// Walk implements [fsutil.FS]: names are relative, in the form of the system.
// What is not there is skipped, also when it is the callback that misses it.
func (f *folder) Walk(ctx context.Context, target string, visit fs.WalkDirFunc) error {
	fn := func(name string, d fs.DirEntry, err error) error {
		err = visit(name, d, err)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return fs.SkipDir
		}
		return err
	}
	start := path.Clean(strings.TrimLeft(filepath.ToSlash(target), "/"))
	if start != "." {
		// The walk would follow a symbolic link that it starts with.
		info, err := fs.Lstat(f.fsys, f.full(start))
		if errors.Is(err, syscall.ENOTDIR) {
			return fs.ErrNotExist // to the filter they are the same
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			err := fn(filepath.FromSlash(start), &entry{DirEntry: fs.FileInfoToDirEntry(info), folder: f, path: start}, nil)
			if errors.Is(err, fs.SkipDir) || errors.Is(err, fs.SkipAll) {
				return nil
			}
			return err
		}
	}
	return fs.WalkDir(f.fsys, f.full(start), func(name string, d fs.DirEntry, err error) error {
		if f.dir != "." {
			name = cmp.Or(strings.TrimPrefix(strings.TrimPrefix(name, f.dir), "/"), ".")
		}
		if name == "." && err == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d != nil {
			d = &entry{DirEntry: d, folder: f, path: name}
		}
		return fn(filepath.FromSlash(name), d, err)
	})
}

// entry is a directory entry that knows what BuildKit asks of it.
type entry struct {
	fs.DirEntry
	folder *folder
	path   string
}

// Info gives what BuildKit transfers of the mode, and no time and no owner.
func (e *entry) Info() (fs.FileInfo, error) {
	info, err := e.DirEntry.Info()
	if err != nil {
		return nil, err
	}
	e.folder.infos[e.path] = info
	mode := info.Mode() &^ fs.ModeSocket
	if runtime.GOOS == "windows" { // which has no such bits: BuildKit makes all files executable
		mode = mode.Type() | (mode.Perm()|0o111)&0o755
	}
	stat := &types.Stat{Path: filepath.FromSlash(e.path), Mode: uint32(mode)}
	if mode&fs.ModeSymlink != 0 {
		stat.Mode = uint32(fs.ModeSymlink | fs.ModePerm) // systems differ, and it means nothing
		link, err := fs.ReadLink(e.folder.fsys, e.folder.full(e.path))
		if err != nil {
			return nil, err
		}
		stat.Linkname = filepath.ToSlash(link)
	}
	return &fsutil.StatInfo{Stat: stat}, nil
}
