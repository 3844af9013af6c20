package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Source is an image that a build has pushed, of one platform or several.
type Source struct {
	Image    string // repository@digest, or repository:tag
	From     string // who says so, for errors: the name of a file
	Optional bool   // it may not be there
}

// joined is the index that an image is published as.
type joined struct {
	index     raw
	digest    v1.Hash
	platforms []PublishedPlatform
	children  []child
	followers []follower
	attested  map[string][]string // platform → kinds of attestations
	signed    bool                // where it was taken from
}

// content is what a tag of the index stands for.
func (j *joined) content(p Publication) *Content {
	return &Content{Digest: j.digest.String(), Platforms: p.Platforms, Attestations: j.attested, Signed: p.Signed || j.signed}
}

// PublishedPlatform is one platform of what is published.
type PublishedPlatform struct {
	Platform
	Size       int64 // to pull
	Compressed int64 // of that, the layers
	Layers     int
}

// child is a manifest that the index names, and where it is.
type child struct {
	v1.Descriptor
	repository string
}

// source is what a publication is made of.
func (c *Client) source(ctx context.Context, p Publication) (*joined, error) {
	if p.From != "" {
		return c.whole(ctx, p)
	}
	return c.join(ctx, p)
}

// whole takes an image as it is, byte for byte, so that its signatures hold.
func (c *Client) whole(ctx context.Context, p Publication) (*joined, error) {
	m, err := c.manifest(ctx, p.From)
	if err != nil {
		return nil, err
	}
	parts, err := c.parts(ctx, p.From, m)
	if err != nil {
		return nil, err
	}
	found := map[string]foundPart{}
	for _, part := range parts {
		if err := c.add(ctx, found, p, Source{Image: p.From, From: p.From}, part); err != nil {
			return nil, err
		}
	}
	if missing := lackingPlatforms(p, found); len(missing) > 0 {
		return nil, fmt.Errorf("%s: it has no image for %s", p.From, strings.Join(missing, ", "))
	}
	repository := RepositoryOf(p.From)
	j := &joined{index: raw{m.Manifest, m.MediaType}, digest: m.Digest, attested: map[string][]string{}}
	if err := c.describe(ctx, j, p, found); err != nil {
		return nil, err
	}
	if j.children, err = c.named(ctx, p.From, m); err != nil {
		return nil, err
	}
	digests := []v1.Hash{m.Digest}
	for _, name := range p.Platforms {
		if d := found[name].image.Digest; d != m.Digest {
			digests = append(digests, d)
		}
	}
	if j.followers, err = c.followers(ctx, repository, digests); err != nil {
		return nil, err
	}
	j.signed, err = c.signed(ctx, repository, m.Digest)
	return j, err
}

// named are all manifests that an index names, or the image itself.
func (c *Client) named(ctx context.Context, image string, m *remote.Descriptor) ([]child, error) {
	repository := RepositoryOf(image)
	if !m.MediaType.IsIndex() {
		return []child{{m.Descriptor, repository}}, nil
	}
	index, err := m.ImageIndex()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	var all []child
	for _, d := range manifest.Manifests {
		all = append(all, child{d, repository})
	}
	return all, nil
}

// join collects the platforms of an image from what builds have pushed, each
// with its attestations, in the order of the definition.
func (c *Client) join(ctx context.Context, p Publication) (*joined, error) {
	found := map[string]foundPart{}
	for _, s := range p.Sources {
		m, err := c.manifest(ctx, s.Image)
		if s.Optional && errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		parts, err := c.parts(ctx, s.Image, m)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			if err := c.add(ctx, found, p, s, part); err != nil {
				return nil, err
			}
		}
	}
	if missing := lackingPlatforms(p, found); len(missing) > 0 {
		return nil, fmt.Errorf("no image for %s; build it, and give what that build wrote as well", strings.Join(missing, ", "))
	}
	return c.index(ctx, p, found)
}

// lackingPlatforms are those of a publication that nothing was found for.
func lackingPlatforms(p Publication, found map[string]foundPart) []string {
	return slices.DeleteFunc(slices.Clone(p.Platforms), func(name string) bool {
		_, ok := found[name]
		return ok
	})
}

type foundPart struct {
	part
	source Source
}

// add takes the image of one platform, and refuses what does not belong.
func (c *Client) add(ctx context.Context, found map[string]foundPart, p Publication, s Source, part part) error {
	repository := RepositoryOf(s.Image)
	config, err := c.config(ctx, repository+"@"+part.image.Digest.String())
	if err != nil {
		return err
	}
	if inside := platformName(config.Platform()); inside != part.platform {
		return fmt.Errorf("%s: the image that it has for %s is one for %s", s.From, part.platform, inside)
	}
	if !slices.Contains(p.Platforms, part.platform) {
		return fmt.Errorf("%s: it has an image for %s, but the definition lists %s", s.From, part.platform, strings.Join(p.Platforms, ", "))
	}
	have, known := found[part.platform]
	if !known {
		found[part.platform] = foundPart{part, s}
		return nil
	}
	if have.image.Digest != part.image.Digest {
		return fmt.Errorf("two images for %s: %s of %s and %s of %s; give what one build wrote", part.platform, have.image.Digest, have.source.From, part.image.Digest, s.From)
	}
	return nil
}

// index writes the index: the images, then their attestations, as BuildKit does.
func (c *Client) index(ctx context.Context, p Publication, found map[string]foundPart) (*joined, error) {
	j := &joined{attested: map[string][]string{}}
	if err := c.describe(ctx, j, p, found); err != nil {
		return nil, err
	}
	var attestations []child
	for _, name := range p.Platforms {
		part := found[name]
		repository := RepositoryOf(part.source.Image)
		j.children = append(j.children, child{part.image, repository})
		for _, a := range part.attestations {
			attestations = append(attestations, child{a, repository})
		}
	}
	j.children = append(j.children, attestations...)
	manifest := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: p.Annotations}
	for _, d := range j.children {
		manifest.Manifests = append(manifest.Manifests, d.Descriptor)
	}
	data, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return nil, err
	}
	j.index = raw{data, types.OCIImageIndex}
	j.digest, _, err = v1.SHA256(strings.NewReader(string(data)))
	return j, err
}

// describe fills in the platforms, with what they are attested.
func (c *Client) describe(ctx context.Context, j *joined, p Publication, found map[string]foundPart) error {
	for _, name := range p.Platforms {
		part := found[name]
		repository := RepositoryOf(part.source.Image)
		published, err := c.published(ctx, repository, Platform{name, part.image.Digest.String()})
		if err != nil {
			return err
		}
		j.platforms = append(j.platforms, published)
		if j.attested[name], err = c.attested(ctx, repository, part.attestations); err != nil {
			return err
		}
	}
	return nil
}

// published is what is known of an image of one platform.
func (c *Client) published(ctx context.Context, repository string, p Platform) (PublishedPlatform, error) {
	manifest, own, err := c.imageManifest(ctx, repository+"@"+p.Digest)
	if err != nil {
		return PublishedPlatform{}, err
	}
	published := PublishedPlatform{Platform: p, Layers: len(manifest.Layers)}
	for _, l := range manifest.Layers {
		published.Compressed += l.Size
	}
	published.Size = own + manifest.Config.Size + published.Compressed
	return published, nil
}
