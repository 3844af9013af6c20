package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/sbom"
	"github.com/runbake/runbake/pkg/site"
)

// askSite asks registries for what they have of the images, and for the digests of
// base images that nothing else knows. An error of the result is about one image.
func (a *app) askSite(ctx context.Context, s *site.Site, o registry.Options) (errs []error, err error) {
	own, err := a.client(o)
	if err != nil {
		return nil, err
	}
	o.Mirrors = true // base images are those of others
	others, err := a.client(o)
	if err != nil {
		return nil, err
	}
	errs = registry.Each(ctx, len(s.Images), func(ctx context.Context, i int) error {
		image := &s.Images[i]
		var problem error
		image.Published, problem = published(ctx, own, image.Ref())
		return errors.Join(problem, askBases(ctx, others, image))
	})
	return errs, nil
}

// published is what a registry has of an image. What it does not have is no
// error: it was not published yet.
func published(ctx context.Context, client *registry.Client, ref string) (*site.Published, error) {
	found, err := client.Details(ctx, ref)
	if err != nil {
		p := &site.Published{Problem: err.Error()}
		if errors.Is(err, registry.ErrNotFound) {
			err = nil
		}
		return p, err
	}
	p := &site.Published{Digest: found.Digest, Signed: found.Signed}
	var errs []error
	for _, d := range found.Platforms {
		platform := site.Platform{
			Name: d.Name, Digest: d.Digest, Size: d.Size,
			SBOM: slices.Contains(d.Attested, registry.SBOM), Provenance: slices.Contains(d.Attested, registry.Provenance),
		}
		for _, statement := range d.Statements {
			packages, err := sbom.Parse(statement)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: the SBOM for %s: %w", ref, d.Name, err))
			}
			platform.Packages = append(platform.Packages, packages...)
		}
		p.Platforms = append(p.Platforms, platform)
	}
	return p, errors.Join(errs...)
}

// askBases asks for the digests of base images that neither a definition nor the
// lock has.
func askBases(ctx context.Context, client *registry.Client, image *site.Image) error {
	var errs []error
	for i := range image.Bases {
		b := &image.Bases[i]
		if b.Digest != "" {
			continue
		}
		found, err := client.Head(ctx, b.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b.Digest, b.Source = found.Digest, "registry"
	}
	return errors.Join(errs...)
}
