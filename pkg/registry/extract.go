package registry

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds are what is read of the layers of an image at most. An image with more is
// refused: it is made to keep us busy, or nothing that anybody runs.
type Bounds struct {
	Unpacked int64 // bytes of all layers, uncompressed
	Entries  int   // of all layers
	File     int64 // bytes of a file that is kept
	Kept     int64 // bytes of all files that are kept
	Near     int   // entries at and below the places that are read
}

// Extract reads files of an image of one platform, which is named by its digest, as
// they are when all layers lie on one another: those at and below places ("var/lib/dpkg/status.d"). Layers
// are read as they come, and not kept. A link is no file, and leads nowhere.
func (c *Client) Extract(ctx context.Context, image string, places []string, b Bounds) (map[string][]byte, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return nil, err
	}
	img, err := m.Image()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	e := &extraction{ctx: ctx, places: places, left: b, limits: b, files: map[string][]byte{}}
	for _, layer := range layers {
		if err := e.layer(layer); err != nil {
			if tooMuch, ok := errors.AsType[*boundError](err); ok {
				return nil, &Error{Image: image, Text: tooMuch.text}
			}
			return nil, c.explain(ctx, image, err)
		}
	}
	return e.files, nil
}

// boundError is what ends reading an image that has too much of something.
type boundError struct{ text string }

func (e *boundError) Error() string { return e.text }

// extraction is the state of [Client.Extract].
type extraction struct {
	ctx          context.Context
	places       []string
	left, limits Bounds
	files        map[string][]byte
}

// Names of the entries of layers that take away what layers below have:
// https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// layer lays one layer over what there is. What it takes away is taken from the
// layers below it only, wherever in it that is said.
func (e *extraction) layer(layer v1.Layer) (err error) {
	packed, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, packed.Close()) }()
	content := &bounded{e, packed}
	archive := tar.NewReader(content)
	own := map[string][]byte{}
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading a layer: %w", err)
		}
		if e.left.Entries--; e.left.Entries < 0 {
			return &boundError{fmt.Sprintf("its layers have more than %d files", e.limits.Entries)}
		}
		if err := e.entry(header, archive, own); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, content); err != nil { // to its end, where its digest is compared
		return err
	}
	maps.Copy(e.files, own)
	return nil
}

// entry takes an entry of a layer into account.
func (e *extraction) entry(header *tar.Header, content io.Reader, own map[string][]byte) error {
	name := path.Clean("/" + header.Name)[1:]
	if !e.near(name) {
		return nil
	}
	if e.left.Near--; e.left.Near < 0 {
		return &boundError{fmt.Sprintf("its layers have more than %d files of package databases", e.limits.Near)}
	}
	folder, base := path.Split(name)
	switch {
	case base == opaque:
		below(e.files, strings.TrimSuffix(folder, "/"))
	case strings.HasPrefix(base, whiteout):
		takeAway(e.files, folder+strings.TrimPrefix(base, whiteout))
	case header.Typeflag == tar.TypeDir:
		delete(own, name) // a folder in the place of a file
		delete(e.files, name)
	default:
		takeAway(e.files, name)
		takeAway(own, name)
		if header.Typeflag == tar.TypeReg && e.at(name) {
			return e.keep(name, header.Size, content, own)
		}
	}
	return nil
}

func (e *extraction) keep(name string, size int64, content io.Reader, own map[string][]byte) error {
	if size > e.left.File {
		return &boundError{fmt.Sprintf("%q has %d bytes; %d are read", name, size, e.limits.File)}
	}
	if e.left.Kept -= size; e.left.Kept < 0 {
		return &boundError{fmt.Sprintf("what is read of it has more than %d bytes", e.limits.Kept)}
	}
	text, err := io.ReadAll(io.LimitReader(content, size))
	if err != nil {
		return fmt.Errorf("reading a layer: %w", err)
	}
	own[name] = text
	return nil
}

// near reports whether an entry can matter: it is at or below one of the places, or
// above one, where what it is decides of what is below.
func (e *extraction) near(name string) bool {
	folder, base := path.Split(name)
	if base == opaque {
		name = strings.TrimSuffix(folder, "/")
	} else if rest, found := strings.CutPrefix(base, whiteout); found {
		name = folder + rest
	}
	return name == "" || e.at(name) || slices.ContainsFunc(e.places, func(p string) bool { return strings.HasPrefix(p, name+"/") })
}

// at reports whether a file is one of the places, or below one.
func (e *extraction) at(name string) bool {
	return slices.ContainsFunc(e.places, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") })
}

// takeAway removes a file, or a folder with all that is below it.
func takeAway(files map[string][]byte, name string) {
	delete(files, name)
	below(files, name)
}

// below removes what is below a folder; "" is the root.
func below(files map[string][]byte, folder string) {
	maps.DeleteFunc(files, func(have string, _ []byte) bool { return folder == "" || strings.HasPrefix(have, folder+"/") })
}

// bounded reads a layer up to a number of bytes, and to the end of a context: a small
// blob, which is in memory, can unpack for a long time.
type bounded struct {
	e     *extraction
	inner io.Reader
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if err := context.Cause(b.e.ctx); err != nil {
		return 0, err
	}
	n, err := b.inner.Read(p)
	if b.e.left.Unpacked -= int64(n); b.e.left.Unpacked < 0 {
		return n, &boundError{fmt.Sprintf("its layers unpack to more than %d bytes", b.e.limits.Unpacked)}
	}
	return n, err
}
