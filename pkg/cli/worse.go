package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
)

// keeps refuses a push that would take something from tags, unless it is forced:
// all that it would take is told, and nothing is built.
func (j *buildJob) keeps(ctx context.Context, e *engine.Engine) error {
	if j.options.force || j.values.ByDigest {
		return nil
	}
	client, err := j.app.builderClient(e, j.options.builder)
	if err != nil {
		return err
	}
	return errors.Join(registry.Each(ctx, len(j.builds), func(ctx context.Context, i int) error {
		return j.keepsTags(ctx, client, j.builds[i])
	})...)
}

func (j *buildJob) keepsTags(ctx context.Context, client *registry.Client, b bake.Build) error {
	tags, after := b.Tags, pushed(b)
	switch s := j.stands[b.Name]; {
	case s == nil:
	case s.action == actionSkip:
		return nil
	case s.action == actionTag:
		repository, _ := lock.Split(b.Tags[0])
		there, err := client.Content(ctx, repository+"@"+s.digest)
		if err != nil {
			return err
		}
		tags, after = s.missing, there
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
