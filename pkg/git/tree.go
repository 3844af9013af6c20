package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/runbake/runbake/pkg/repofs"
)

// Tree is a folder of a commit as a file system. Like git it knows of modes
// only whether a file is executable, and of times nothing.
type Tree struct {
	nodes      map[string]*node // by path; "." is the root
	submodules map[string]string
	objects    *objects
}

// node is a file, a folder or a symbolic link.
type node struct {
	name    string
	mode    fs.FileMode
	object  string
	entries []fs.DirEntry // of a folder, sorted
}

// Tree opens the folder of the repository in a state: a commit, or what
// WorkingTree returned. A folder that the state does not have is empty.
func (r *Repo) Tree(ctx context.Context, state string) (*Tree, error) {
	kind, err := r.line(ctx, "cat-file", "-t", state)
	if err != nil {
		return nil, err
	}
	object := state
	if kind == "commit" && r.prefix != "" {
		object = state + ":" + strings.TrimSuffix(r.prefix, "/")
		if _, err := r.line(ctx, "cat-file", "-e", object); err != nil {
			return newTree(nil, nil)
		}
	}
	listing, err := r.run(ctx, "ls-tree", "-r", "-z", "--full-tree", object)
	if err != nil {
		return nil, err
	}
	return newTree(listing, &objects{command: r.command(ctx, "cat-file", "--batch")})
}

// newTree reads what ls-tree prints.
func newTree(listing []byte, objects *objects) (*Tree, error) {
	t := &Tree{
		nodes:      map[string]*node{".": {name: ".", mode: fs.ModeDir | 0o755}},
		submodules: map[string]string{}, objects: objects,
	}
	children := map[string][]*node{}
	for record := range bytes.SplitSeq(bytes.TrimSuffix(listing, []byte{0}), []byte{0}) {
		if len(record) == 0 {
			continue
		}
		head, name, found := strings.Cut(string(record), "\t")
		fields := strings.Fields(head)
		if !found || len(fields) != 3 || !repofs.ValidPath(name) {
			return nil, fmt.Errorf("git ls-tree printed %q", record)
		}
		mode := fs.FileMode(0o644)
		switch fields[0] {
		case "100755":
			mode = 0o755
		case "120000":
			mode = fs.ModeSymlink | 0o777
		case "160000":
			t.submodules[name] = fields[2]
			continue
		}
		if !t.add(name, &node{name: path.Base(name), mode: mode, object: fields[2]}, children) {
			return nil, fmt.Errorf("git ls-tree printed %q, which cannot be there", name)
		}
	}
	for dir, list := range children {
		slices.SortFunc(list, func(a, b *node) int { return strings.Compare(a.name, b.name) })
		entries := make([]fs.DirEntry, len(list))
		for i, n := range list {
			entries[i] = fs.FileInfoToDirEntry(n)
		}
		t.nodes[dir].entries = entries
	}
	return t, nil
}

// add puts a node into its folder, which it makes when it is the first there.
// It is false when there is something else.
func (t *Tree) add(name string, n *node, children map[string][]*node) bool {
	if t.nodes[name] != nil {
		return false
	}
	t.nodes[name] = n
	dir := path.Dir(name)
	if t.nodes[dir] == nil && !t.add(dir, &node{name: path.Base(dir), mode: fs.ModeDir | 0o755}, children) {
		return false
	}
	children[dir] = append(children[dir], n)
	return t.nodes[dir].mode.IsDir()
}

// Submodules are the commits of submodules by path. What is in them is not in
// the tree.
func (t *Tree) Submodules() map[string]string {
	return maps.Clone(t.submodules)
}

// Files are the paths of all files and symbolic links with git's hash of what
// they hold, and whether they are executable.
func (t *Tree) Files() map[string]string {
	files := make(map[string]string, len(t.nodes))
	for name, n := range t.nodes {
		if !n.mode.IsDir() {
			files[name] = n.mode.String() + " " + n.object
		}
	}
	return files
}

// Hash is git's hash of a file, which needs no reading.
func (*Tree) Hash(name string, info fs.FileInfo) (string, error) {
	n, ok := info.(*node)
	if !ok {
		return "", fmt.Errorf("%s is not a file of a commit", name)
	}
	return n.object, nil
}

// Close ends the program that reads objects.
func (t *Tree) Close() error {
	if t.objects == nil {
		return nil
	}
	return t.objects.close()
}

var (
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
)

// maxLinks is how many symbolic links may be followed, as in Linux.
const maxLinks = 40

// find follows symbolic links, none of which leads out of the tree. The last
// element is not followed unless asked for.
func (t *Tree) find(op, name string, follow bool) (*node, error) {
	fail := func(err error) (*node, error) { return nil, &fs.PathError{Op: op, Path: name, Err: err} }
	if !repofs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	at, todo := ".", strings.Split(name, "/")
	for links := 0; len(todo) > 0; {
		first, rest := todo[0], todo[1:]
		todo = rest
		switch {
		case first == "" || first == ".":
			continue
		case first == ".." && at == ".":
			return fail(errors.New("path escapes from the repository"))
		case first == "..":
			at = path.Dir(at)
			continue
		}
		n := t.nodes[path.Join(at, first)]
		if n == nil || !t.nodes[at].mode.IsDir() {
			return fail(fs.ErrNotExist)
		}
		if n.mode&fs.ModeSymlink == 0 || !follow && len(rest) == 0 {
			at = path.Join(at, first)
			continue
		}
		target, err := t.objects.read(n.object)
		if err != nil {
			return fail(err)
		}
		if links++; links > maxLinks {
			return fail(errors.New("too many symbolic links"))
		}
		if path.IsAbs(string(target)) {
			return fail(errors.New("path escapes from the repository"))
		}
		todo = append(strings.Split(string(target), "/"), rest...)
	}
	return t.nodes[at], nil
}

// Open implements [fs.FS].
func (t *Tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.mode.IsDir() {
		return &openFolder{node: n}, nil
	}
	data, err := t.objects.read(n.object)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{node: n, Reader: bytes.NewReader(data)}, nil
}

// ReadFile implements [fs.ReadFileFS].
func (t *Tree) ReadFile(name string) ([]byte, error) {
	n, err := t.find("read", name, true)
	if err != nil {
		return nil, err
	}
	if n.mode.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	data, err := t.objects.read(n.object)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ReadDir implements [fs.ReadDirFS].
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !n.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return slices.Clone(n.entries), nil
}

// Stat implements [fs.StatFS].
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name, true)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Lstat implements [fs.ReadLinkFS].
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	n, err := t.find("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadLink implements [fs.ReadLinkFS].
func (t *Tree) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.mode&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := t.objects.read(n.object)
	return string(target), err
}

// Name implements [fs.FileInfo].
func (n *node) Name() string { return n.name }

// Size implements [fs.FileInfo]: it would have to be asked for.
func (*node) Size() int64 { return 0 }

// Mode implements [fs.FileInfo].
func (n *node) Mode() fs.FileMode { return n.mode }

// ModTime implements [fs.FileInfo].
func (*node) ModTime() time.Time { return time.Time{} }

// IsDir implements [fs.FileInfo].
func (n *node) IsDir() bool { return n.mode.IsDir() }

// Sys implements [fs.FileInfo].
func (*node) Sys() any { return nil }

type openFile struct {
	*node
	*bytes.Reader
}

// Size is that of the content.
func (f *openFile) Size() int64 { return f.Reader.Size() }

// Stat implements [fs.File].
func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }

// Close implements [fs.File].
func (*openFile) Close() error { return nil }

type openFolder struct {
	*node
	read int
}

// Stat implements [fs.File].
func (f *openFolder) Stat() (fs.FileInfo, error) { return f.node, nil }

// Read implements [fs.File].
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: errors.New("is a directory")}
}

// Close implements [fs.File].
func (*openFolder) Close() error { return nil }

// ReadDir implements [fs.ReadDirFile].
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := f.entries[f.read:]
	if n > 0 {
		if len(rest) == 0 {
			return nil, io.EOF
		}
		rest = rest[:min(n, len(rest))]
	}
	f.read += len(rest)
	return slices.Clone(rest), nil
}
