package reproducible

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// compareLayer finds the first file that differs; no changes when the blobs are
// the same.
func compareLayer(ctx context.Context, before, after v1.Layer) (string, []Change, error) {
	first, second, err := pair(before, after, v1.Layer.Digest)
	if err != nil || first == second {
		return "", nil, err
	}
	open := func(l v1.Layer) opener {
		return func() (io.ReadCloser, error) {
			r, err := l.Uncompressed()
			if err != nil {
				return nil, err
			}
			return &interruptible{r, ctx}, nil
		}
	}
	path, changes, err := compareArchives(open(before), open(after))
	if err != nil || len(changes) > 0 {
		return path, changes, err
	}
	if one, other, err := pair(before, after, v1.Layer.DiffID); err != nil || one != other {
		return "", []Change{{WhatArchive, "", one.String(), other.String()}}, err
	}
	return "", []Change{{WhatCompression, "", first.String(), second.String()}}, nil
}

// pair asks two layers the same.
func pair(a, b v1.Layer, ask func(v1.Layer) (v1.Hash, error)) (first, second v1.Hash, err error) {
	if first, err = ask(a); err == nil {
		second, err = ask(b)
	}
	return first, second, err
}

// interruptible is a stream that ends with its context.
type interruptible struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // it is that of the one call that reads
}

// Read implements [io.Reader].
func (r *interruptible) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

// opener opens an archive from its beginning.
type opener func() (io.ReadCloser, error)

// compareArchives reads two tar archives side by side up to the first entry
// that differs.
func compareArchives(before, after opener) (string, []Change, error) {
	first, err := before()
	if err != nil {
		return "", nil, err
	}
	defer first.Close()
	second, err := after()
	if err != nil {
		return "", nil, err
	}
	defer second.Close()
	a, b := tar.NewReader(first), tar.NewReader(second)
	contents := newBuffers()
	for {
		one, err := next(a)
		if err != nil {
			return "", nil, err
		}
		other, err := next(b)
		switch {
		case err != nil:
			return "", nil, err
		case one == nil && other == nil:
			return "", nil, nil
		case one == nil:
			return other.Name, []Change{{What: WhatPresence, Second: describe(other)}}, nil
		case other == nil:
			return one.Name, []Change{{What: WhatPresence, First: describe(one)}}, nil
		case one.Name != other.Name:
			return misplaced(a, b, one, other)
		}
		changes := compareHeaders(one, other)
		content, err := contents.compare(a, b)
		if err != nil {
			return "", nil, err
		}
		if content != nil {
			changes = append([]Change{*content}, changes...)
		}
		if len(changes) > 0 {
			return one.Name, changes, nil
		}
	}
}

// next is the header of the next entry; nil at the end.
func next(r *tar.Reader) (*tar.Header, error) {
	header, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // the end of an archive is no error, and has no header
	}
	return header, err
}

// misplaced says what it means that two archives go on with entries of
// different names: one of them is only there, or both come in another order.
func misplaced(a, b *tar.Reader, one, other *tar.Header) (string, []Change, error) {
	found, err := comes(b, one.Name)
	if err != nil {
		return "", nil, err
	}
	if !found {
		return one.Name, []Change{{What: WhatPresence, First: describe(one)}}, nil
	}
	if found, err = comes(a, other.Name); err != nil {
		return "", nil, err
	}
	if !found {
		return other.Name, []Change{{What: WhatPresence, Second: describe(other)}}, nil
	}
	return one.Name, []Change{{WhatOrder, "", one.Name, other.Name}}, nil
}

// comes reports whether an archive has an entry further on.
func comes(r *tar.Reader, name string) (bool, error) {
	for {
		header, err := next(r)
		if err != nil || header == nil {
			return false, err
		}
		if header.Name == name {
			return true, nil
		}
	}
}

// describe is an entry that has none to be compared with.
func describe(h *tar.Header) string {
	text := fmt.Sprintf("%s, %s", kindOf(h.Typeflag), h.FileInfo().Mode())
	if h.Typeflag == tar.TypeReg {
		text += fmt.Sprintf(", %d bytes", h.Size)
	}
	return text
}

// kindOf names the type of an entry.
func kindOf(flag byte) string {
	names := map[byte]string{
		tar.TypeReg: "file", tar.TypeLink: "hard link", tar.TypeSymlink: "symbolic link", tar.TypeChar: "character device",
		tar.TypeBlock: "block device", tar.TypeDir: "folder", tar.TypeFifo: "pipe",
	}
	if name := names[flag]; name != "" {
		return name
	}
	return fmt.Sprintf("type %q", flag)
}

// xattr is how archives name extended attributes.
const xattr = "SCHILY.xattr."

// compareHeaders compares all that an archive says of an entry, the content
// aside.
func compareHeaders(a, b *tar.Header) []Change {
	var changes []Change
	add := func(what What, name, first, second string) {
		if first != second {
			changes = append(changes, Change{what, name, first, second})
		}
	}
	both := func(what What, text func(h *tar.Header) string) { add(what, "", text(a), text(b)) }
	both(WhatType, func(h *tar.Header) string { return kindOf(h.Typeflag) })
	both(WhatMode, func(h *tar.Header) string { return fmt.Sprintf("%04o", h.Mode) })
	both(WhatOwner, owner)
	both(WhatLink, func(h *tar.Header) string { return h.Linkname })
	both(WhatTime, func(h *tar.Header) string { return stamp(h.ModTime) })
	records := maps.Clone(a.PAXRecords)
	if records == nil {
		records = map[string]string{}
	}
	maps.Copy(records, b.PAXRecords)
	for _, key := range slices.Sorted(maps.Keys(records)) {
		if name, found := strings.CutPrefix(key, xattr); found {
			add(WhatXattr, name, record(a, key), record(b, key))
		}
	}
	both(WhatHeader, func(h *tar.Header) string {
		if h.Devmajor == 0 && h.Devminor == 0 {
			return ""
		}
		return fmt.Sprintf("device %d:%d", h.Devmajor, h.Devminor)
	})
	return changes
}

// record is a record of an entry; "" when it has none of that name.
func record(h *tar.Header, key string) string {
	if value, found := h.PAXRecords[key]; found {
		return quoteSome(value)
	}
	return ""
}

// owner is the owner of an entry, with names where the archive has them.
func owner(h *tar.Header) string {
	text := fmt.Sprintf("%d:%d", h.Uid, h.Gid)
	if h.Uname != "" || h.Gname != "" {
		text += fmt.Sprintf(" (%s:%s)", h.Uname, h.Gname)
	}
	return text
}

// stamp is a time as exact as archives have it.
func stamp(t time.Time) string {
	return t.UTC().Format(time.RFC3339Nano)
}
