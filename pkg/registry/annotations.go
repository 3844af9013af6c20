package registry

import (
	"context"
	"maps"
	"slices"
)

// Annotated is what a name stands for, and what is written on it.
type Annotated struct {
	Digest      string
	Annotations map[string]string // of the index; of the image where there is none, or one only
}

// Annotations reads what is written on an image.
func (c *Client) Annotations(ctx context.Context, image string) (*Annotated, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return nil, err
	}
	found := &Annotated{Digest: m.Digest.String(), Annotations: map[string]string{}}
	if !m.MediaType.IsIndex() {
		return found, c.annotationsOf(ctx, image, found.Annotations)
	}
	index, err := m.ImageIndex()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	parts, err := c.parts(ctx, image, m)
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 { // an index that is there for the attestations
		if err := c.annotationsOf(ctx, RepositoryOf(image)+"@"+parts[0].image.Digest.String(), found.Annotations); err != nil {
			return nil, err
		}
	}
	maps.Copy(found.Annotations, manifest.Annotations)
	return found, nil
}

func (c *Client) annotationsOf(ctx context.Context, image string, into map[string]string) error {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return err
	}
	img, err := m.Image()
	if err != nil {
		return c.explain(ctx, image, err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		return c.explain(ctx, image, err)
	}
	maps.Copy(into, manifest.Annotations)
	return nil
}

// Tag points tags to an image that is there, in the repository of the tags.
// Nothing else is written.
func (c *Client) Tag(ctx context.Context, digest string, tags []string) error {
	for _, tag := range slices.Sorted(slices.Values(tags)) {
		image := RepositoryOf(tag) + "@" + digest
		m, err := c.manifest(ctx, image)
		if err != nil {
			return err
		}
		if err := c.put(ctx, tag, raw{data: m.Manifest, mediaType: m.MediaType}); err != nil {
			return err
		}
	}
	return nil
}
