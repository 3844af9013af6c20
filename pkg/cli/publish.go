package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/registry"
)

type publishOptions struct {
	metadata   []string
	suffixes   []string
	registries []string
	all        bool
	dryRun     bool
	force      bool
	digestFile string
	registry   registry.Options
	format     string
}

func newPublish(a *app) *cobra.Command {
	var opts publishOptions
	cmd := &cobra.Command{
		Use:   "publish [runtime…]",
		Short: "Join what several machines have built into one image, and tag it",
		Long: `Publish joins the images of all platforms into one index, with their attestations
and the annotations of the definition, and moves the tags to it: all tags of the
version, and after everything else of the image is there. A platform that is
missing or not in the definition, two images for one platform, and an image of
another repository are refused; nothing is written then.

What was built is found in the files that docker buildx bake --metadata-file
wrote, or under tags with a suffix for each machine. Without names it is every
image that the files have; with --from-suffix, or --all, all that is not
deprecated. With --all an image of which the files have nothing has failed, and is
shown with the others.

A tag never gets worse: publishing what would take a platform, an attestation or a
signature from one is refused without --force, with what it would take. With
--digest-file the images are taken to be signed afterwards.

REGISTRY, TAG_SUFFIX and REVISION mean what they mean to docker-bake.hcl. With
several registries, images are brought to those that lack them. Everything may be
repeated: what is there is not written again. When one image fails, the others
are published nevertheless, and the exit code is 1.`,
		Example: `  # on a machine for each platform
  PLATFORM=linux/amd64 TAG_SUFFIX=-amd64 docker buildx bake -f docker-bake.hcl --push --metadata-file amd64.json
  PLATFORM=linux/arm64 TAG_SUFFIX=-arm64 docker buildx bake -f docker-bake.hcl --push --metadata-file arm64.json

  # then, on one of them
  runbake publish --metadata amd64.json,arm64.json
  runbake publish --metadata amd64.json,arm64.json --registry docker.io/acme,ghcr.io/acme node-24

  # in a workflow
  runbake publish --all --metadata 'built/*/metadata.json' --digest-file published.txt --format markdown

  # the same without the files
  runbake publish --from-suffix=-amd64,-arm64`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.publish(cmd.Context(), patterns, opts)
		},
	}
	cmd.Flags().StringSliceVar(&opts.metadata, "metadata", nil, "metadata files of the builds, or patterns of them")
	cmd.Flags().StringSliceVar(&opts.suffixes, "from-suffix", nil, "what the builds had behind their tags")
	cmd.Flags().StringSliceVar(&opts.registries, "registry", nil, "registries and paths to publish to, instead of REGISTRY; the first is where tags with a suffix are")
	cmd.Flags().BoolVar(&opts.all, "all", false, "images of which there is nothing have failed: those that are named, or all that are not deprecated")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "check everything, write nothing")
	cmd.Flags().BoolVar(&opts.force, "force", false, "let tags lose platforms, attestations and signatures")
	cmd.MarkFlagsOneRequired("metadata", "from-suffix")
	cmd.MarkFlagsMutuallyExclusive("metadata", "from-suffix")
	cmd.Flags().StringVar(&opts.digestFile, "digest-file", "", "file for what is published, name@digest, one a line, for example to sign it")
	answerFlag(cmd, &opts.registry)
	formatFlag(cmd, &opts.format, "text", "json", "markdown")
	return cmd
}

// publishEntry is what became of one image.
type publishEntry struct {
	ID        string            `json:"id"`
	Target    string            `json:"target"`
	Tags      []string          `json:"tags"`
	Digest    string            `json:"digest,omitempty"`
	Platforms []publishPlatform `json:"platforms,omitempty"`
	Size      int64             `json:"size,omitempty"` // bytes to pull, of all platforms
	Before    *publishBefore    `json:"before,omitempty"`
	State     string            `json:"state"` // published, unchanged, planned or failed
	Error     string            `json:"error,omitempty"`

	repositories []string
}

// publishBefore is what the first tag meant before.
type publishBefore struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}

type publishPlatform struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Size     int64  `json:"size"`
}

func (a *app) publish(ctx context.Context, patterns []string, opts publishOptions) error {
	if err := errors.Join(checkFormat(opts.format, "text", "json", "markdown"), checkSilence(opts.registry.Retry.Timeout)); err != nil {
		return err
	}
	if err := replaceable(opts.digestFile, areDigests); err != nil {
		return err
	}
	r, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	if opts.metadata, err = expand(opts.metadata, opts.all); err != nil {
		return err
	}
	built, err := readMetadata(opts.metadata)
	if err != nil {
		return err
	}
	a.tellUnknown(r.catalogue, built)
	if versions, err = published(r.catalogue, versions, patterns, built, opts); err != nil {
		return err
	}
	if err := a.refuseLacking(r, versions, nil); err != nil {
		return err
	}
	releases, err := a.releases(r.file(), versions, opts)
	if err != nil {
		return err
	}
	client, err := a.client(opts.registry)
	if err != nil {
		return err
	}
	entries := make([]publishEntry, len(releases))
	errs := each(ctx, len(releases), func(ctx context.Context, i int) (err error) {
		entries[i], err = publishOne(ctx, client, releases[i], built, opts)
		return err
	})
	return a.reportPublished(entries, errs, opts)
}

// published narrows versions to those that there is something to publish of. A
// name of which the files have nothing is an error.
func published(c *catalogue.Catalogue, versions []*catalogue.Version, patterns []string, built map[string][]builtIn, opts publishOptions) ([]*catalogue.Version, error) {
	absent := func(v *catalogue.Version) bool { return len(built[v.Target]) == 0 }
	if len(opts.suffixes) > 0 || opts.all {
		return slices.DeleteFunc(versions, func(v *catalogue.Version) bool { return len(patterns) == 0 && v.Deprecated != "" }), nil
	}
	files := strings.Join(opts.metadata, ", ")
	var errs []error
	for _, p := range patterns {
		named, err := c.Select([]string{p})
		if err == nil && !slices.ContainsFunc(named, func(v *catalogue.Version) bool { return !absent(v) }) {
			err = fmt.Errorf("%s: no image of %s; was it built, and pushed?", files, p)
		}
		errs = append(errs, err)
	}
	versions = slices.DeleteFunc(versions, absent)
	if len(versions) == 0 && len(patterns) == 0 {
		errs = append(errs, fmt.Errorf("%s: no image of this repository; was it built, and pushed?", files))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &exitError{exitFailed, err.Error()}
	}
	return versions, nil
}

// release is one image with all the names that it gets.
type release struct {
	bake.Build
	repositories []string // one in each registry
	tags         []string // full names
	fixed        []string // those that never move
}

// releases are the images as each of the registries has them.
func (a *app) releases(f *bake.File, versions []*catalogue.Version, opts publishOptions) ([]release, error) {
	registries := opts.registries
	if len(registries) == 0 {
		value, found := a.env.LookupEnv("REGISTRY")
		if !found {
			value = f.Registry
		}
		registries = []string{value}
	}
	var all []release
	for n, name := range registries {
		values, err := f.ValuesFrom(func(key string) (string, bool) {
			switch key {
			case "REGISTRY":
				return name, true
			case "TAG_SUFFIX", "REVISION":
				return a.env.LookupEnv(key)
			}
			if f.Declares(key) {
				return a.env.LookupEnv(key)
			}
			return "", false // an image is published for all its platforms
		}, "")
		if err != nil {
			return nil, err
		}
		for _, suffix := range opts.suffixes {
			machine := values
			machine.TagSuffix += suffix
			if err := f.CheckTags(machine); err != nil {
				return nil, fmt.Errorf("--from-suffix=%s: %w", suffix, err)
			}
		}
		for i, b := range chosen(f, versions).Evaluate(values) {
			if n == 0 {
				all = append(all, release{Build: b})
			}
			all[i].add(b.Tags, values.Revision != "")
		}
	}
	return all, nil
}

// add adds the names in one registry.
func (r *release) add(tags []string, revision bool) {
	r.repositories = append(r.repositories, tags[0][:strings.LastIndexByte(tags[0], ':')])
	for i, tag := range tags {
		if slices.Contains(r.tags, tag) { // a registry that was given twice
			continue
		}
		r.tags = append(r.tags, tag)
		if revision && i == len(tags)-1 {
			r.fixed = append(r.fixed, tag)
		}
	}
}

// builtIn is what a metadata file says of a target.
type builtIn struct {
	registry.Built
	file string
}

// expand finds the files that patterns name. One that names none is taken for
// the name of a file, unless there may be none.
func expand(patterns []string, none bool) ([]string, error) {
	var names []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		if len(found) == 0 && !none {
			found = []string{p}
		}
		names = append(names, found...)
	}
	return names, nil
}

// readMetadata reads what machines have built, by target.
func readMetadata(names []string) (map[string][]builtIn, error) {
	all := map[string][]builtIn{}
	for _, name := range names {
		src, err := readGiven(name)
		if err != nil {
			return nil, fmt.Errorf("reading what was built: %w", err)
		}
		built, err := registry.ParseMetadata(src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, b := range built {
			all[b.Target] = append(all[b.Target], builtIn{b, name})
		}
	}
	return all, nil
}

// tellUnknown tells of images in the files that no definition has.
func (a *app) tellUnknown(c *catalogue.Catalogue, built map[string][]builtIn) {
	for _, target := range slices.Sorted(maps.Keys(built)) {
		if !slices.ContainsFunc(c.Versions(), func(v *catalogue.Version) bool { return v.Target == target }) {
			fmt.Fprintf(a.env.Stderr, "%s has an image %q, which no definition has; it is left out\n", built[target][0].file, target)
		}
	}
}

// sources are the places where the builds have left an image.
func (r *release) sources(built []builtIn, suffixes []string) ([]registry.Source, error) {
	var sources []registry.Source
	for _, suffix := range suffixes {
		tag := r.tags[0] + suffix
		sources = append(sources, registry.Source{Image: tag, From: tag, Optional: true})
	}
	for _, b := range built {
		pushed := b.Repositories()
		i := slices.IndexFunc(r.repositories, func(own string) bool {
			return slices.ContainsFunc(pushed, func(name string) bool { return registry.SameRepository(own, name) })
		})
		switch {
		case len(pushed) == 0:
			return nil, fmt.Errorf("%s: it does not say where the image was pushed to; build with --push", b.file)
		case i < 0:
			return nil, fmt.Errorf("%s: the image was pushed to %s, not to %s; set REGISTRY as for the build, or give --registry",
				b.file, strings.Join(pushed, ", "), strings.Join(r.repositories, ", "))
		}
		sources = append(sources, registry.Source{Image: r.repositories[i] + "@" + b.Digest, From: b.file})
	}
	return sources, nil
}

func publishOne(ctx context.Context, client *registry.Client, r release, built map[string][]builtIn, opts publishOptions) (publishEntry, error) {
	e := publishEntry{ID: r.ID, Target: r.Name, Tags: r.tags, State: "failed", repositories: r.repositories}
	sources, err := r.sources(built[r.Name], opts.suffixes)
	var result *registry.Result
	if err == nil {
		result, err = client.Publish(ctx, registry.Publication{
			Platforms: r.Platforms, Sources: sources, Annotations: r.Annotated, Tags: r.tags, Fixed: r.fixed,
			Signed: opts.digestFile != "", Force: opts.force,
		}, opts.dryRun)
	}
	if err != nil {
		e.Error = err.Error()
		return e, fmt.Errorf("%s: %w", r.ID, err)
	}
	e.State, e.Digest = string(result.State), result.Digest
	if b := result.Before; b != nil {
		e.Before = &publishBefore{b.Digest, b.Size}
	}
	for _, p := range result.Platforms {
		e.Platforms = append(e.Platforms, publishPlatform{p.Name, p.Digest, p.Size})
		e.Size += p.Size
	}
	return e, nil
}
