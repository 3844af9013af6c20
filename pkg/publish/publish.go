// Package publish decides what is published: which images, under which names in
// each registry, and where the builds have left them. Package registry does it.
package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/registry"
)

// Options are what is asked for.
type Options struct {
	Files      []string // that say what was built, for messages
	Suffixes   []string // what the builds had behind their tags, instead of files
	From       string   // a registry whose images are published as they are, instead of files
	Registries []string // instead of REGISTRY
	Besides    []string // those of the project, where neither says another
	All        bool     // images of which there is nothing have failed
	Signed     bool     // what is published is signed afterwards
	Force      bool     // let tags lose what they have
	DryRun     bool
}

// Built is what a file says of a target.
type Built struct {
	registry.Built
	File string
}

// Unknown are the targets in files that no definition has, sorted.
func Unknown(c *catalogue.Catalogue, built map[string][]Built) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(built)), func(target string) bool {
		return slices.ContainsFunc(c.Versions(), func(v *catalogue.Version) bool { return v.Target == target })
	})
}

// Select narrows versions to those that there is something to publish of. A name
// of which the files have nothing is an error.
func Select(c *catalogue.Catalogue, versions []*catalogue.Version,
	patterns []string, built map[string][]Built, o Options,
) ([]*catalogue.Version, error) {
	absent := func(v *catalogue.Version) bool { return len(built[v.Target]) == 0 }
	if len(o.Suffixes) > 0 || o.From != "" || o.All {
		return slices.DeleteFunc(slices.Clone(versions), func(v *catalogue.Version) bool { return len(patterns) == 0 && v.Deprecated != "" }), nil
	}
	files := strings.Join(o.Files, ", ")
	var errs []error
	for _, p := range patterns {
		named, err := c.Select([]string{p})
		if err == nil && !slices.ContainsFunc(named, func(v *catalogue.Version) bool { return !absent(v) }) {
			err = fmt.Errorf("%s: no image of %s; was it built, and pushed?", files, p)
		}
		errs = append(errs, err)
	}
	chosen := slices.DeleteFunc(slices.Clone(versions), absent)
	if len(chosen) == 0 && len(patterns) == 0 {
		errs = append(errs, fmt.Errorf("%s: no image of this repository; was it built, and pushed?", files))
	}
	return chosen, errors.Join(errs...)
}

// Release is one image with all the names that it gets.
type Release struct {
	bake.Build
	Repositories []string // one in each registry
	Names        []string // in full
	Budget       catalogue.Budget
	fixed        []string // those that never move
	from         string   // the image that it is, where it is published as it is
}

// Releases are the images as each of the registries has them.
func Releases(f *bake.File, versions []*catalogue.Version, env bake.Lookup, o Options) ([]Release, error) {
	registries := o.Registries
	if len(registries) == 0 {
		if value, found := env("REGISTRY"); found {
			registries = []string{value}
		} else {
			registries = append([]string{f.Registry}, o.Besides...)
		}
	}
	var all []Release
	for n, name := range registries {
		values, err := valuesIn(f, name, env)
		if err != nil {
			return nil, err
		}
		for _, suffix := range o.Suffixes {
			machine := values
			machine.TagSuffix += suffix
			if err := f.CheckTags(machine); err != nil {
				return nil, fmt.Errorf("--from-suffix=%s: %w", suffix, err)
			}
		}
		for i, b := range f.Narrow(versions).Evaluate(values) {
			if n == 0 {
				all = append(all, Release{Build: b, Budget: budgetOf(versions, b.ID)})
			}
			all[i].add(b.Tags, values.Revision != "")
		}
	}
	return all, from(all, f, versions, env, o)
}

// valuesIn are the values of variables with which an image has its names in a
// registry.
func valuesIn(f *bake.File, registry string, env bake.Lookup) (bake.Values, error) {
	return f.ValuesFrom(func(key string) (string, bool) {
		switch key {
		case "REGISTRY":
			return registry, true
		case "TAG_SUFFIX", "REVISION":
			return env(key)
		}
		if f.Declares(key) {
			return env(key)
		}
		return "", false // an image is published for all its platforms
	}, "")
}

// from says which images the releases are, where they are published as they are:
// those of a revision when one is named, since its tag never moves, or else those
// that the first tag stands for.
func from(all []Release, f *bake.File, versions []*catalogue.Version, env bake.Lookup, o Options) error {
	if o.From == "" {
		return nil
	}
	values, err := valuesIn(f, o.From, env)
	if err != nil {
		return fmt.Errorf("--from-registry=%s: %w", o.From, err)
	}
	suffix := strings.Join(o.Suffixes, "")
	moves := len(all) == 0
	for i, b := range f.Narrow(versions).Evaluate(values) {
		r, revision := &all[i], values.Revision != "" && suffix == ""
		r.from = b.Tags[0] + suffix
		if revision {
			r.from = b.Tags[len(b.Tags)-1]
		}
		if slices.Contains(r.Names, r.from) && !revision {
			r.Names = []string{r.from} // the image has a registry of its own, and is there
			continue
		}
		moves = true
	}
	if !moves {
		return fmt.Errorf("--from-registry=%s: images are published there already; name other registries by --registries, "+
			"the tag of a revision by REVISION, or staging tags by --from-suffix", o.From)
	}
	return nil
}

func budgetOf(versions []*catalogue.Version, id string) catalogue.Budget {
	i := slices.IndexFunc(versions, func(v *catalogue.Version) bool { return v.ID == id })
	if i < 0 {
		return catalogue.Budget{}
	}
	return versions[i].Budget
}

// within refuses images that are above the budget of their definition.
func (r *Release) within(platforms []registry.PublishedPlatform) error {
	var errs []error
	for _, p := range platforms {
		errs = append(errs, r.Budget.Check(p.Name, p.Compressed, p.Layers))
	}
	return errors.Join(errs...)
}

// add adds the names in one registry.
func (r *Release) add(tags []string, revision bool) {
	if repository := registry.RepositoryOf(tags[0]); !slices.Contains(r.Repositories, repository) {
		r.Repositories = append(r.Repositories, repository) // one of its own is there once
	}
	for i, tag := range tags {
		if slices.Contains(r.Names, tag) { // a registry that was given twice
			continue
		}
		r.Names = append(r.Names, tag)
		if revision && i == len(tags)-1 {
			r.fixed = append(r.fixed, tag)
		}
	}
}

// Sources are the places where the builds have left an image.
func (r *Release) Sources(built []Built, suffixes []string) ([]registry.Source, error) {
	var sources []registry.Source
	for _, suffix := range suffixes {
		tag := r.Names[0] + suffix
		sources = append(sources, registry.Source{Image: tag, From: tag, Optional: true})
	}
	for _, b := range built {
		pushed := b.Repositories()
		i := slices.IndexFunc(r.Repositories, func(own string) bool {
			return slices.ContainsFunc(pushed, func(name string) bool { return registry.SameRepository(own, name) })
		})
		switch {
		case len(pushed) == 0:
			return nil, fmt.Errorf("%s: it does not say where the image was pushed to; build with --push", b.File)
		case i < 0:
			return nil, fmt.Errorf("%s: the image was pushed to %s, not to %s; set REGISTRY as for the build, or give --registries",
				b.File, strings.Join(pushed, ", "), strings.Join(r.Repositories, ", "))
		}
		sources = append(sources, registry.Source{Image: r.Repositories[i] + "@" + b.Digest, From: b.File})
	}
	return sources, nil
}

// Publish publishes an image, or checks that it could.
func (r *Release) Publish(ctx context.Context, client *registry.Client, built []Built, o Options) (*registry.Result, error) {
	p := registry.Publication{
		Platforms: r.Platforms, From: r.from, Annotations: r.Annotated, Tags: r.Names, Fixed: r.fixed,
		Signed: o.Signed, Force: o.Force, Accept: r.within,
	}
	if r.from == "" {
		var err error
		if p.Sources, err = r.Sources(built, o.Suffixes); err != nil {
			return nil, err
		}
	}
	return client.Publish(ctx, p, o.DryRun)
}
