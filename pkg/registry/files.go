package registry

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Files reads the regular files of an image for a platform ("linux/amd64"), layer
// after layer: a file that two layers have comes twice, and the later one counts.
// Names have no leading slash, and are clean. What a registry sends is held against
// the digests of the image; only when Files has returned without an error, all of it
// was right. It returns the digest of what the name stands for.
func (c *Client) Files(ctx context.Context, image, platform string, take func(name string, content io.Reader) error) (digest string, err error) {
	found, err := c.Resolve(ctx, image)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(found.Platforms, func(p Platform) bool { return p.Name == platform })
	if at < 0 {
		return "", &Error{Image: image, Text: "there is no image for " + platform}
	}
	own := RepositoryOf(image) + "@" + found.Platforms[at].Digest
	m, err := c.manifest(ctx, own)
	if err != nil {
		return "", err
	}
	img, err := m.Image()
	if err != nil {
		return "", c.explain(ctx, own, err)
	}
	layers, err := img.Layers()
	if err != nil {
		return "", c.explain(ctx, own, err)
	}
	for _, layer := range layers {
		if err := layerFiles(layer, take); err != nil {
			return "", c.explain(ctx, own, err)
		}
	}
	return found.Digest, nil
}

// layerFiles reads a layer to its end, where its digest is compared.
func layerFiles(layer v1.Layer, take func(name string, content io.Reader) error) (err error) {
	content, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	archive := tar.NewReader(content)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading a layer: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := take(path.Clean("/" + header.Name)[1:], archive); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, content)
	return err
}
