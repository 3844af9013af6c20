package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Described is what a registry says of an image without sending its layers.
type Described struct {
	Digest   string    // of the index, or of the image when there is no index
	Variants []Variant // sorted by platform
}

// Variant is the image of one platform.
type Variant struct {
	Platform string
	Digest   string
	Size     int64 // bytes, the sum of the compressed layers
	Layers   int
	Config   ImageConfig
	Notes    map[string]string // annotations of the index and of the manifest, the latter first

	attestations []v1.Descriptor
}

// ImageConfig says how an image is run.
type ImageConfig struct {
	User, WorkingDir, StopSignal string
	Entrypoint, Cmd              []string
	Ports, Volumes               []string // sorted
	Env, Labels                  map[string]string
}

// Describe reads manifests and configurations of an image.
func (c *Client) Describe(ctx context.Context, image string) (*Described, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return nil, err
	}
	found := &Described{Digest: m.Digest.String()}
	notes := map[string]string{}
	if m.MediaType.IsIndex() {
		index, err := m.ImageIndex()
		if err != nil {
			return nil, c.explain(ctx, image, err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			return nil, c.explain(ctx, image, err)
		}
		notes = manifest.Annotations
	}
	parts, err := c.parts(ctx, image, m)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if slices.ContainsFunc(found.Variants, func(v Variant) bool { return v.Platform == p.platform }) {
			continue // who pulls it gets the first
		}
		v, err := c.variant(ctx, RepositoryOf(image), p)
		if err != nil {
			return nil, err
		}
		all := maps.Clone(notes)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, v.Notes)
		v.Notes = all
		found.Variants = append(found.Variants, v)
	}
	slices.SortFunc(found.Variants, func(a, b Variant) int { return strings.Compare(a.Platform, b.Platform) })
	return found, nil
}

func (c *Client) variant(ctx context.Context, repository string, p part) (Variant, error) {
	own := repository + "@" + p.image.Digest.String()
	manifest, _, err := c.imageManifest(ctx, own)
	if err != nil {
		return Variant{}, err
	}
	config, err := c.config(ctx, own)
	if err != nil {
		return Variant{}, err
	}
	v := Variant{
		Platform: p.platform, Digest: p.image.Digest.String(), Layers: len(manifest.Layers),
		Config: imageConfig(config.Config), Notes: manifest.Annotations, attestations: p.attestations,
	}
	for _, l := range manifest.Layers {
		v.Size += l.Size
	}
	return v, nil
}

func imageConfig(c v1.Config) ImageConfig {
	env := map[string]string{}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	return ImageConfig{
		User: c.User, WorkingDir: c.WorkingDir, StopSignal: c.StopSignal, Entrypoint: c.Entrypoint, Cmd: c.Cmd,
		Ports: slices.Sorted(maps.Keys(c.ExposedPorts)), Volumes: slices.Sorted(maps.Keys(c.Volumes)), Env: env, Labels: c.Labels,
	}
}

// Prefixes of the types of in-toto predicates.
const (
	PredicateSPDX       = "https://spdx.dev/Document"
	PredicateProvenance = "https://slsa.dev/provenance/"
)

// What an attestation may have at most.
const (
	maxStatements = 64
	maxStatement  = 64 << 20 // bytes
)

// Statement reads the first in-toto statement of a variant whose predicate has a type
// that starts so; nil when there is none.
func (c *Client) Statement(ctx context.Context, image string, v Variant, predicate string) ([]byte, error) {
	for _, a := range v.attestations {
		own := RepositoryOf(image) + "@" + a.Digest.String()
		manifest, _, err := c.imageManifest(ctx, own)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(manifest.Layers) > maxStatements {
			return nil, &Error{Image: own, Text: fmt.Sprintf("it has %d attestations; %d are read", len(manifest.Layers), maxStatements)}
		}
		for i, l := range manifest.Layers {
			if strings.HasPrefix(l.Annotations["in-toto.io/predicate-type"], predicate) {
				return c.statement(ctx, own, i, l.Size)
			}
		}
	}
	return nil, nil
}

func (c *Client) statement(ctx context.Context, image string, n int, size int64) (_ []byte, err error) {
	if size > maxStatement {
		return nil, &Error{Image: image, Text: fmt.Sprintf("an attestation has %d bytes; %d are read", size, maxStatement)}
	}
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
	content, err := layers[n].Compressed()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	text, err := io.ReadAll(content) // to its end, where size and digest are compared
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	return text, nil
}
