package registry

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Size is how many bytes an image has in its registry: what is common to its
// platforms counts once, attestations do not count.
func (c *Client) Size(ctx context.Context, image string) (int64, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return 0, err
	}
	parts, err := c.parts(ctx, image, m)
	if err != nil {
		return 0, err
	}
	blobs := map[v1.Hash]int64{}
	for _, p := range parts {
		manifest, _, err := c.imageManifest(ctx, RepositoryOf(image)+"@"+p.image.Digest.String())
		if err != nil {
			return 0, err
		}
		for _, blob := range append(manifest.Layers, manifest.Config) {
			blobs[blob.Digest] = blob.Size
		}
	}
	var sum int64
	for _, size := range blobs {
		sum += size
	}
	return sum, nil
}

// size is how much an image of one platform is to pull: its manifest, its
// configuration and its layers.
func (c *Client) size(ctx context.Context, image string) (int64, error) {
	manifest, own, err := c.imageManifest(ctx, image)
	if err != nil {
		return 0, err
	}
	sum := own + manifest.Config.Size
	for _, l := range manifest.Layers {
		sum += l.Size
	}
	return sum, nil
}

// imageManifest is the manifest of an image of one platform, and its own size.
func (c *Client) imageManifest(ctx context.Context, image string) (manifest *v1.Manifest, own int64, err error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return nil, 0, err
	}
	img, err := m.Image()
	if err != nil {
		return nil, 0, c.explain(ctx, image, err)
	}
	if manifest, err = img.Manifest(); err != nil {
		return nil, 0, c.explain(ctx, image, err)
	}
	return manifest, m.Size, nil
}
