package inputs

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Hash is the digest of a file's content. name is from the root of the
// repository. It is called by several goroutines at once, once for each file.
type Hash func(name string, info fs.FileInfo) (string, error)

// ReadHash reads files and hashes them with SHA-256.
func ReadHash(fsys fs.FS) Hash {
	buffers := sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}
	return func(name string, _ fs.FileInfo) (string, error) {
		f, err := fsys.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		h := sha256.New()
		buffer, _ := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		// Without more methods than Read the buffer is used.
		if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, *buffer); err != nil {
			return "", fmt.Errorf("reading %s: %w", name, err)
		}
		return digest(h.Sum(nil)), nil
	}
}

// list walks all folders and hashes all files, each once.
func list(ctx context.Context, fsys fs.FS, listings []*listing, hash Hash) error {
	group, walking := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, l := range listings {
		group.Go(func() error { return l.walk(walking, fsys) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	digests := map[string]*string{}
	group, hashing := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, l := range listings {
		for i, f := range l.files {
			name := path.Join(l.dir, f.Path)
			if !f.Mode.IsRegular() || digests[name] != nil {
				continue
			}
			into, info := new(string), l.infos[i]
			digests[name] = into
			if info.Mode()&fs.ModeSocket != 0 { // which BuildKit sends as an empty file
				*into = text("")
				continue
			}
			group.Go(func() (err error) {
				if err := hashing.Err(); err != nil {
					return err
				}
				*into, err = hash(name, info)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, l := range listings {
		for i, f := range l.files {
			if into := digests[path.Join(l.dir, f.Path)]; into != nil && f.Mode.IsRegular() {
				l.files[i].Digest = *into
			}
		}
		l.sum()
	}
	return nil
}
