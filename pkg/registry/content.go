package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Kinds of attestations.
const (
	SBOM       = "SBOM"
	Provenance = "provenance"
)

// Content is what somebody who pulls a name gets, as far as the registry has it.
type Content struct {
	Digest       string
	Platforms    []string            // sorted
	Attestations map[string][]string // platform → [SBOM], [Provenance]
	Signed       bool
}

// Content finds out what a name stands for. What it names and the registry has
// lost is not in it: nobody can pull it.
func (c *Client) Content(ctx context.Context, image string) (*Content, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return nil, err
	}
	found := &Content{Digest: m.Digest.String(), Attestations: map[string][]string{}}
	parts, err := c.parts(ctx, image, m)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	for _, p := range parts {
		found.Platforms = append(found.Platforms, p.platform)
		kinds, err := c.attested(ctx, RepositoryOf(image), p.attestations)
		if err != nil {
			return nil, err
		}
		found.Attestations[p.platform] = kinds
	}
	slices.Sort(found.Platforms)
	found.Signed, err = c.signed(ctx, RepositoryOf(image), m.Digest)
	return found, err
}

// attested are the kinds of attestations: what the layers of their manifests are
// marked with.
func (c *Client) attested(ctx context.Context, repository string, attestations []v1.Descriptor) ([]string, error) {
	var kinds []string
	for _, a := range attestations {
		image := repository + "@" + a.Digest.String()
		m, err := c.manifest(ctx, image)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		img, err := m.Image()
		if err != nil {
			return nil, c.explain(ctx, image, err)
		}
		manifest, err := img.Manifest()
		if err != nil {
			return nil, c.explain(ctx, image, err)
		}
		for _, l := range manifest.Layers {
			if kind := attestationKind(l); kind != "" {
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), nil
}

// attestationKind is what a layer of attestations holds, by what it is marked with;
// "" for what is neither SBOM nor provenance.
func attestationKind(layer v1.Descriptor) string {
	switch predicate := layer.Annotations["in-toto.io/predicate-type"]; {
	case strings.HasPrefix(predicate, "https://slsa.dev/provenance/"):
		return Provenance
	case strings.HasPrefix(predicate, "https://spdx.dev/"), strings.HasPrefix(predicate, "https://cyclonedx.org/"):
		return SBOM
	}
	return ""
}

// Losses are what somebody who pulls a name would no longer get if it stood for
// something else.
func Losses(before, after *Content) []string {
	if before.Digest != "" && before.Digest == after.Digest {
		return nil
	}
	var lost []string
	byKind := map[string][]string{}
	for _, p := range before.Platforms {
		if !slices.Contains(after.Platforms, p) {
			lost = append(lost, p)
			continue
		}
		for _, kind := range before.Attestations[p] {
			if !slices.Contains(after.Attestations[p], kind) {
				byKind[kind] = append(byKind[kind], p)
			}
		}
	}
	for _, kind := range []string{Provenance, SBOM} {
		if of := byKind[kind]; len(of) > 0 {
			lost = append(lost, fmt.Sprintf("the %s of %s", kind, strings.Join(of, " and ")))
		}
	}
	if before.Signed && !after.Signed {
		lost = append(lost, "its signature")
	}
	return lost
}

// Worse is the error for names that would stand for less than before.
type Worse struct {
	Tag    string
	Losses []string
}

func (e *Worse) Error() string {
	return fmt.Sprintf("%s would lose %s; give --force to let it", e.Tag, strings.Join(e.Losses, ", "))
}

// Keeps refuses tags that would lose something. Tags that are not there, and what
// is no image, have nothing to lose.
func (c *Client) Keeps(ctx context.Context, tags []string, after *Content) error {
	var errs []error
	for _, tag := range tags {
		if _, err := c.manifest(ctx, tag); errors.Is(err, ErrNotFound) {
			continue
		} else if err != nil {
			return err // who knows what it has
		}
		before, err := c.Content(ctx, tag)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			continue // it is no image
		}
		if lost := Losses(before, after); len(lost) > 0 {
			errs = append(errs, &Worse{tag, lost})
		}
	}
	return errors.Join(errs...)
}
