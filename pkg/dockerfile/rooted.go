package dockerfile

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// maxLinks ends circles of symbolic links.
const maxLinks = 255

// Follow finds what a path of a folder leads to, as BuildKit does: the folder is
// the root of all there is, so that no symbolic link leads out of it. What a
// link names above it is looked for in the folder. The result is from the root
// of the file system, and has no links below the folder.
func Follow(fsys fs.FS, folder, name string) (string, error) {
	todo := strings.Split(path.Join("/", name), "/")[1:]
	at, links := "", 0
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		if part == "" {
			continue
		}
		if part == ".." {
			at = strings.TrimPrefix(path.Dir("/"+at), "/")
			continue
		}
		next := path.Join(at, part)
		info, err := fs.Lstat(fsys, path.Join(folder, next))
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "follow", Path: path.Join(folder, name), Err: errors.New("too many symbolic links")}
		}
		link, err := fs.ReadLink(fsys, path.Join(folder, next))
		if err != nil {
			return "", err
		}
		link = strings.ReplaceAll(link, `\`, "/") // as they are on Windows
		if path.IsAbs(link) {
			at = ""
		}
		todo = append(strings.Split(link, "/"), todo...)
	}
	return path.Join(folder, at), nil
}

// Read reads a Dockerfile, or the ignore file beside one, as BuildKit does: from
// its folder alone.
func Read(fsys fs.FS, name string) ([]byte, error) {
	found, err := Follow(fsys, path.Dir(name), path.Base(name))
	if failed, is := errors.AsType[*fs.PathError](err); is {
		return nil, &fs.PathError{Op: "open", Path: name, Err: failed.Err}
	}
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(fsys, found)
}
