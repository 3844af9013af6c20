package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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
	attested  map[string][]string // platform → kinds of attestations
}

// content is what a tag of the index stands for.
func (j *joined) content(p Publication) *Content {
	return &Content{Digest: j.digest.String(), Platforms: p.Platforms, Attestations: j.attested, Signed: p.Signed}
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
	var missing []string
	for _, name := range p.Platforms {
		if _, ok := found[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("no image for %s; build it, and give what that build wrote as well", strings.Join(missing, ", "))
	}
	return c.index(ctx, p, found)
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
	manifest := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: p.Annotations}
	var attestations []child
	for _, name := range p.Platforms {
		part := found[name]
		repository := RepositoryOf(part.source.Image)
		published, err := c.published(ctx, repository, Platform{name, part.image.Digest.String()})
		if err != nil {
			return nil, err
		}
		j.platforms = append(j.platforms, published)
		j.children = append(j.children, child{part.image, repository})
		for _, a := range part.attestations {
			attestations = append(attestations, child{a, repository})
		}
		if j.attested[name], err = c.attested(ctx, repository, part.attestations); err != nil {
			return nil, err
		}
	}
	j.children = append(j.children, attestations...)
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
