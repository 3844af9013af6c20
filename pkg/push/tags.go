package push

import (
	"context"
	"errors"
	"slices"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/registry"
)

// Keep refuses a push that would take something from tags: all that it would
// take is told.
func (w World) Keep(ctx context.Context, builds []bake.Build, decisions Decisions) error {
	client, err := w.Registry()
	if err != nil {
		return err
	}
	return errors.Join(registry.Each(ctx, len(builds), func(ctx context.Context, i int) error {
		return keep(ctx, client, builds[i], decisions[builds[i].Name])
	})...)
}

func keep(ctx context.Context, client Registry, b bake.Build, d *Decision) error {
	tags, after := b.Tags, pushed(b)
	switch {
	case d == nil:
	case d.Action == Skip:
		return nil
	case d.Action == Tag:
		there, err := client.Content(ctx, registry.RepositoryOf(b.Tags[0])+"@"+d.Digest)
		if err != nil {
			return err
		}
		tags, after = d.Missing, there
	}
	return client.Keeps(ctx, tags, after)
}

// pushed is what a tag stands for when an image is pushed: nothing signs it.
func pushed(b bake.Build) *registry.Content {
	c := &registry.Content{Platforms: b.Platforms, Attestations: map[string][]string{}}
	var kinds []string
	for _, a := range b.Attest {
		switch {
		case a["disabled"] == "true":
		case a["type"] == "sbom":
			kinds = append(kinds, registry.SBOM)
		case a["type"] == "provenance":
			kinds = append(kinds, registry.Provenance)
		}
	}
	slices.Sort(kinds)
	for _, p := range b.Platforms {
		c.Attestations[p] = kinds
	}
	return c
}

// Tag moves the tags of images that are there already. The errors are those of
// images, by target, nil for what went well.
func (w World) Tag(ctx context.Context, builds []bake.Build, decisions Decisions) (map[string]error, error) {
	there := slices.DeleteFunc(slices.Clone(builds), func(b bake.Build) bool { return decisions.Builds(b.Name) })
	if len(there) == 0 {
		return nil, nil
	}
	client, err := w.Registry()
	if err != nil {
		return nil, err
	}
	errs := registry.Each(ctx, len(there), func(ctx context.Context, i int) error {
		d := decisions[there[i].Name]
		return client.Tag(ctx, d.Digest, d.Missing)
	})
	tagged := make(map[string]error, len(there))
	for i, b := range there {
		tagged[b.Name] = errs[i]
	}
	return tagged, ctx.Err()
}
