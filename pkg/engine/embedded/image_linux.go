package embedded

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxProgram is how large a program of an image may be, in bytes.
const maxProgram = 1 << 30

// checksums has the names of programs and what they were when they came, in the
// format of sha256sum.
const checksums = "sha256sums"

// fetched is the folder of the programs that come from an image of BuildKit.
func (o *Options) fetched() string { return o.path("programs-" + o.Version) }

// kept reports whether the programs of the image are there as they came.
func (o *Options) kept() bool {
	list, err := os.Open(filepath.Join(o.fetched(), checksums))
	if err != nil {
		return false
	}
	defer list.Close()
	lines, has := bufio.NewScanner(list), map[string]bool{}
	for lines.Scan() {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		if got, err := sumOf(filepath.Join(o.fetched(), name)); err != nil || got != sum {
			return false
		}
		has[name] = true
	}
	lacks := func(p program) bool { return !has[p.link] }
	return lines.Err() == nil && !slices.ContainsFunc(o.needed(), lacks)
}

func sumOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// fetch takes the programs from the image, unless they are there. They are seen
// when all of them are right.
func (o *Options) fetch(ctx context.Context) (err error) {
	if o.kept() {
		return nil
	}
	if o.Files == nil {
		return errors.New("this program names no image of BuildKit")
	}
	o.Log("taking BuildKit from " + o.Image + " for the first build")
	part := o.fetched() + ".part"
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()
	if err := errors.Join(os.RemoveAll(part), os.Mkdir(part, 0o700)); err != nil {
		return err
	}
	sums := map[string]string{}
	digest, err := o.Files(ctx, func(name string, content io.Reader) error {
		if !o.wants(name) {
			return nil
		}
		sum, err := writeProgram(filepath.Join(part, path.Base(name)), content)
		sums[path.Base(name)] = sum
		return err
	})
	if err != nil {
		return fmt.Errorf("taking BuildKit from %s: %w", o.Image, err)
	}
	var list strings.Builder
	for _, p := range o.needed() {
		if sums[p.link] == "" {
			return fmt.Errorf("taking BuildKit from %s: it has no /usr/bin/%s", o.Image, p.link)
		}
	}
	for name, sum := range sums {
		fmt.Fprintf(&list, "%s  %s\n", sum, name)
	}
	err = errors.Join(os.WriteFile(filepath.Join(part, checksums), []byte(list.String()), 0o600),
		os.RemoveAll(o.fetched()), os.Rename(part, o.fetched()))
	if err == nil {
		o.Log("BuildKit is that of " + o.Image + "@" + digest)
	}
	return err
}

// wants reports whether a file of the image is wanted: what is needed, and what
// BuildKit emulates other platforms with.
func (o *Options) wants(name string) bool {
	dir, base := path.Split(name)
	is := func(p program) bool { return p.link == base }
	return dir == "usr/bin/" && (strings.HasPrefix(base, "buildkit-qemu-") || slices.ContainsFunc(o.needed(), is))
}

func writeProgram(name string, content io.Reader) (sum string, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o700) //nolint:gosec // a program is run
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(content, maxProgram+1))
	if err == nil && n > maxProgram {
		err = fmt.Errorf("%s has more than %d bytes", path.Base(name), maxProgram)
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

// linkEmulators puts what emulates other platforms where BuildKit looks for it.
func (o *Options) linkEmulators() error {
	programs, err := fs.Glob(os.DirFS(o.fetched()), "buildkit-qemu-*")
	if err != nil {
		return err
	}
	for _, name := range programs {
		if err := link(filepath.Join(o.fetched(), name), o.path("bin/"+name)); err != nil {
			return err
		}
	}
	return nil
}
