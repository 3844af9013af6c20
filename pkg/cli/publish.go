package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/publish"
	"github.com/runbake/runbake/pkg/registry"
)

type publishOptions struct {
	metadata   []string
	suffixes   []string
	from       string
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
and the annotations of the definition, and moves all tags of the version to it once
everything has been uploaded. It refuses, and writes nothing, if a platform is
missing or is not in the definition, if there are two images for one platform, or
if an image belongs to another repository.

The images are found in the metadata files of docker buildx bake --metadata-file, or
under tags that have a suffix for each machine. Without arguments every image of the
metadata files is published; with --from-suffix or --all, every version that is not
deprecated. With --all, images missing from the files count as failed.

A tag never gets worse: publishing is refused without --force if it would remove a
platform, an attestation or a signature from a tag. With --digest-file the images
are assumed to be signed afterwards.

REGISTRY, TAG_SUFFIX and REVISION mean what they mean to docker-bake.hcl. With
several registries, from --registries or the project, images are copied to those
that do not have them. If REGISTRY is set, only that registry is used.

With --from-registry, images are promoted from another registry or from a staging
tag: the same index with the same digest, its attestations and signatures. Nothing
is rebuilt or joined. With REVISION the image of that revision is promoted, else the
one of the first tag.

Publishing may be repeated: existing content is not written again. If one image
fails, the others are published all the same, and the exit code is 1.`,
		Example: `  # on a machine for each platform
  PLATFORM=linux/amd64 TAG_SUFFIX=-amd64 docker buildx bake -f docker-bake.hcl --push --metadata-file amd64.json
  PLATFORM=linux/arm64 TAG_SUFFIX=-arm64 docker buildx bake -f docker-bake.hcl --push --metadata-file arm64.json

  # then, on one of them
  runbake publish --metadata amd64.json,arm64.json
  runbake publish --metadata amd64.json,arm64.json --registries docker.io/acme,ghcr.io/acme node-24

  # in a workflow
  runbake publish --all --metadata 'built/*/metadata.json' --digest-file published.txt --format markdown

  # the same without the files
  runbake publish --from-suffix=-amd64,-arm64

  # promote what was tested: from a staging registry, or from the tags 22-rc, 24-rc …
  REVISION=$(git rev-parse HEAD) runbake publish --from-registry ghcr.io/acme-staging --registries ghcr.io/acme
  runbake publish --from-registry ghcr.io/acme --from-suffix=-rc`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.publish(cmd.Context(), patterns, opts)
		},
	}
	opts.flags(cmd)
	return cmd
}

// flags declares the flags.
func (o *publishOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&o.metadata, "metadata", nil, "metadata files of the builds, or patterns of them")
	cmd.Flags().StringSliceVar(&o.suffixes, "from-suffix", nil, "suffixes that the builds have added to their tags")
	cmd.Flags().StringVar(&o.from, "from-registry", "", "registry and path to promote images from, unchanged and with their signatures")
	cmd.Flags().StringSliceVar(&o.registries, "registries", nil,
		"registries and paths to publish to, with commas between (default: REGISTRY, or those of the project); the first has the tags with a suffix")
	cmd.Flags().BoolVar(&o.all, "all", false, "fail for images that were not built: those that are named, or all that are not deprecated")
	dryRunFlag(cmd, &o.dryRun, "show what would be published")
	forceFlag(cmd, &o.force, "let tags lose platforms, attestations and signatures")
	cmd.Flags().StringVar(&o.digestFile, "digest-file", "", "file for the published digests, one name@digest per line, for example to sign them")
	answerFlag(cmd, &o.registry)
	formatFlag(cmd, &o.format, "text", "json", "markdown")
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

// check finds wrong flags, all at once.
func (o *publishOptions) check() error {
	var where error
	switch {
	case len(o.metadata)+len(o.suffixes) == 0 && o.from == "":
		where = errors.New("nothing says where the builds left the images: give --metadata, --from-suffix or --from-registry")
	case o.from != "" && len(o.suffixes) > 1:
		where = errors.New("--from-registry takes each image from one tag: give one --from-suffix")
	}
	return errors.Join(
		checkFormat(o.format, "text", "json", "markdown"), checkSilence(o.registry.Retry.Timeout), where,
		checkExclusive(map[string]bool{"metadata": len(o.metadata) > 0, "from-suffix": len(o.suffixes) > 0}),
		checkExclusive(map[string]bool{"metadata": len(o.metadata) > 0, "from-registry": o.from != ""}),
	)
}

func (a *app) publish(ctx context.Context, patterns []string, opts publishOptions) error {
	if err := opts.check(); err != nil {
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
	for _, target := range publish.Unknown(r.Catalogue, built) {
		a.log(fmt.Sprintf("%s has an image %q, which no definition has; it is left out", built[target][0].File, target))
	}
	o := publish.Options{
		Files: opts.metadata, Suffixes: opts.suffixes, From: opts.from, Registries: opts.registries, Besides: r.Catalogue.Project.Registries, All: opts.all,
		Signed: opts.digestFile != "", Force: opts.force, DryRun: opts.dryRun,
	}
	if versions, err = publish.Select(r.Catalogue, versions, patterns, built, o); err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	if err := a.refuseLacking(r, versions, nil); err != nil {
		return err
	}
	releases, err := publish.Releases(r.File(), versions, a.env.LookupEnv, o)
	if err != nil {
		return err
	}
	client, err := a.client(opts.registry)
	if err != nil {
		return err
	}
	entries := make([]publishEntry, len(releases))
	errs := registry.Each(ctx, len(releases), func(ctx context.Context, i int) error {
		release := releases[i]
		result, err := release.Publish(ctx, client, built[release.Name], o)
		entries[i] = newPublishEntry(release, result, err)
		if err != nil {
			return fmt.Errorf("%s: %w", release.ID, err)
		}
		return nil
	})
	return a.reportPublished(entries, errs, opts)
}

// newPublishEntry is what became of an image; the result is nil with an error.
func newPublishEntry(r publish.Release, result *registry.Result, err error) publishEntry {
	e := publishEntry{ID: r.ID, Target: r.Name, Tags: r.Names, State: "failed", repositories: r.Repositories}
	if err != nil {
		e.Error = err.Error()
		return e
	}
	e.State, e.Digest = string(result.State), result.Digest
	if b := result.Before; b != nil {
		e.Before = &publishBefore{b.Digest, b.Size}
	}
	for _, p := range result.Platforms {
		e.Platforms = append(e.Platforms, publishPlatform{p.Name, p.Digest, p.Size})
		e.Size += p.Size
	}
	return e
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
func readMetadata(names []string) (map[string][]publish.Built, error) {
	all := map[string][]publish.Built{}
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
			all[b.Target] = append(all[b.Target], publish.Built{Built: b, File: name})
		}
	}
	return all, nil
}
