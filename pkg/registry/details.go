package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Details are what a name stands for, platform by platform.
type Details struct {
	Digest    string
	Signed    bool
	Platforms []PlatformDetails // sorted by name
}

// PlatformDetails are what a registry has of the image of one platform.
type PlatformDetails struct {
	Platform
	Size       int64    // bytes to pull: manifest, configuration and compressed layers
	Attested   []string // [SBOM], [Provenance]
	Statements [][]byte // SBOMs, as the in-toto statements that were attached
}

// Details reads what a name stands for, with sizes and SBOMs. Statements are held
// against their digests.
func (c *Client) Details(ctx context.Context, image string) (*Details, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return nil, err
	}
	parts, err := c.parts(ctx, image, m)
	if err != nil {
		return nil, err
	}
	repository := RepositoryOf(image)
	found := &Details{Digest: m.Digest.String()}
	for _, p := range parts {
		d, err := c.details(ctx, repository, p)
		if err != nil {
			return nil, err
		}
		found.Platforms = append(found.Platforms, d)
	}
	slices.SortStableFunc(found.Platforms, func(a, b PlatformDetails) int { return strings.Compare(a.Name, b.Name) })
	found.Signed, err = c.signed(ctx, repository, m.Digest)
	return found, err
}

func (c *Client) details(ctx context.Context, repository string, p part) (PlatformDetails, error) {
	d := PlatformDetails{Platform: Platform{Name: p.platform, Digest: p.image.Digest.String()}}
	var err error
	if d.Size, err = c.size(ctx, repository+"@"+d.Digest); err != nil {
		return d, err
	}
	if d.Attested, err = c.attested(ctx, repository, p.attestations); err != nil {
		return d, err
	}
	for _, a := range p.attestations {
		statements, err := c.statements(ctx, repository+"@"+a.Digest.String())
		if err != nil && !errors.Is(err, ErrNotFound) { // what is lost, nobody can read
			return d, err
		}
		d.Statements = append(d.Statements, statements...)
	}
	return d, nil
}

// statements are the SBOMs of a manifest of attestations.
func (c *Client) statements(ctx context.Context, image string) ([][]byte, error) {
	manifest, _, err := c.imageManifest(ctx, image)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for i, l := range manifest.Layers {
		if attestationKind(l) != SBOM {
			continue
		}
		statement, err := c.statement(ctx, image, i, l.Size)
		if err != nil {
			return nil, err
		}
		all = append(all, statement)
	}
	return all, nil
}
