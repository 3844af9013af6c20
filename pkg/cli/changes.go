package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changes"
	"github.com/runbake/runbake/pkg/describe"
	"github.com/runbake/runbake/pkg/publish"
	"github.com/runbake/runbake/pkg/registry"
)

type changesOptions struct {
	since    string
	until    string
	platform string
	format   string
	registry registry.Options
}

// changesFormats are the forms of a report, by the names that --format has for them.
func changesFormats() map[string]func(io.Writer, []changes.Item) error {
	return map[string]func(io.Writer, []changes.Item) error{
		"text": changes.WriteText, "json": changes.WriteJSON, "markdown": changes.WriteMarkdown,
	}
}

func newChanges(a *app) *cobra.Command {
	var opts changesOptions
	cmd := &cobra.Command{
		Use:   "changes --since REF [runtime…]",
		Short: "Show what has changed in images between two releases",
		Long: `Changes compares what two names of an image stand for in the registry, platform by
platform: packages that were added, removed, upgraded and downgraded, the base image,
the size to pull, layers, user, working directory, entrypoint and command, ports,
volumes, environment and labels. Without names it is all that is not deprecated.

REF is one of
  1.2.0           a revision: the tag that REVISION=1.2.0 gave the image (node:22-1.2.0);
                  where there is none, the tag 1.2.0 itself
  sha256:…        a digest, in the repository of the image
  acme/node:22    a reference in full, which names one image
Without --until it is what the first tag of the definition stands for now. REGISTRY
and TAG_SUFFIX mean what they mean to docker-bake.hcl.

Packages come from the SBOMs that BuildKit attests (SPDX). Where one of the two images has
none they are read from the databases of dpkg and apk in the layers, of both. Versions
are ordered by the rules of Debian and of Alpine, others as semantic versions; those
that have no order have changed. The base is named by labels, and its digest by the
provenance. Values of variables whose names look like those of secrets are not shown.

A difference is no failure: the exit code is 1 only when an image could not be compared.`,
		Example: `  runbake changes --since 1.2.0
  runbake changes node-22 --since 1.2.0 --until 1.3.0
  runbake changes node-22 --since sha256:6e1c… --platform linux/arm64

  # release notes
  runbake changes --since "$LAST_RELEASE" --format markdown >> "$GITHUB_STEP_SUMMARY"

  # all upgrades, one a line
  runbake changes --since 1.2.0 --format json |
    jq -r '.items[].platforms[].packages[]? | select(.change == "upgraded") | "\(.name) \(.before) \(.after)"'`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.changes(cmd.Context(), patterns, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.since, flagSince, "", sinceText+": revision, tag, digest or reference of an image")
	f.StringVar(&opts.until, flagUntil, "", untilText+": as --since (default: the first tag of the definition)")
	for _, name := range []string{flagSince, flagUntil} {
		if err := cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions); err != nil {
			panic(err) // the flag was defined above
		}
	}
	platformFlag(cmd, &opts.platform, "all")
	answerFlag(cmd, &opts.registry)
	formatFlag(cmd, &opts.format, "text", "markdown", "json")
	return cmd
}

// check finds wrong flags, all at once.
func (o *changesOptions) check() error {
	var missing error
	if o.since == "" {
		missing = errors.New("nothing says what to compare with: give --since, such as a revision, a tag or a digest")
	}
	return errors.Join(
		checkFormat(o.format, "text", "markdown", "json"), checkSilence(o.registry.Retry.Timeout), missing,
		checkReference(flagSince, o.since), checkReference(flagUntil, o.until),
	)
}

func (a *app) changes(ctx context.Context, patterns []string, opts changesOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	r, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	if len(patterns) == 0 {
		versions = slices.DeleteFunc(slices.Clone(versions), func(v *catalogue.Version) bool { return v.Deprecated != "" })
	}
	if err := opts.one(len(versions)); err != nil {
		return err
	}
	builds, err := released(r.File(), versions, a.env.LookupEnv)
	if err != nil {
		return err
	}
	client, err := a.client(opts.registry)
	if err != nil {
		return err
	}
	if opts.platform == "all" {
		opts.platform = ""
	}
	items := make([]changes.Item, len(builds))
	errs := registry.Each(ctx, len(builds), func(ctx context.Context, i int) error {
		item, err := compareRelease(ctx, client, builds[i], opts)
		item.ID = builds[i].ID
		if err != nil {
			item.Error = err.Error()
			err = fmt.Errorf("%s: %w", item.ID, err)
		}
		items[i] = item
		return err
	})
	if err := changesFormats()[opts.format](a.env.Stdout, items); err != nil {
		return err
	}
	return failed(errs, "not every image could be compared")
}

// one refuses references that name one image when there are several.
func (o *changesOptions) one(images int) error {
	for _, flag := range [][2]string{{flagSince, o.since}, {flagUntil, o.until}} {
		if images > 1 && strings.ContainsAny(flag[1], ":/@") {
			return fmt.Errorf("--%s=%s names one image, and there are %d: name one runtime, or give a revision", flag[0], flag[1], images)
		}
	}
	return nil
}

// released are the images with the names that they are released under: those of all
// their platforms, without a revision.
func released(f *bake.File, versions []*catalogue.Version, env bake.Lookup) ([]publish.Release, error) {
	return publish.Releases(f, versions, func(key string) (string, bool) {
		if key == "REVISION" {
			return "", false
		}
		return env(key)
	}, publish.Options{})
}

var (
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// checkReference checks the value of --since or --until.
func checkReference(flag, ref string) error {
	switch {
	case ref == "", tagForm.MatchString(ref), digestForm.MatchString(ref):
		return nil
	case strings.HasPrefix(ref, "sha256:"):
		return fmt.Errorf("--%s=%s: a digest is sha256: and 64 hexadecimal digits", flag, ref)
	case strings.ContainsAny(ref, ":/@"):
		return nil // which the registry client parses
	}
	return fmt.Errorf("--%s=%s: give a revision, a tag, a digest or a reference of an image", flag, ref)
}

// compareRelease compares an image between two references.
func compareRelease(ctx context.Context, client *registry.Client, r publish.Release, o changesOptions) (changes.Item, error) {
	before, err := existing(ctx, client, r, o.since)
	if err != nil {
		return changes.Item{}, err
	}
	after, err := existing(ctx, client, r, o.until)
	if err != nil {
		return changes.Item{Before: changes.Named{Image: before}}, err
	}
	return describe.Compare(ctx, client, before, after, o.platform)
}

// existing is the name that a reference means for an image: the first of the possible
// ones that the registry has.
func existing(ctx context.Context, client *registry.Client, r publish.Release, ref string) (string, error) {
	names := referenced(r.Names[0], ref)
	for _, name := range names {
		_, err := client.Head(ctx, name)
		if err == nil {
			return name, nil
		}
		if len(names) == 1 || !errors.Is(err, registry.ErrNotFound) {
			return "", err
		}
	}
	return "", fmt.Errorf("the registry has neither %s nor %s; check the name, or push it first", names[0], names[1])
}

// referenced are the names that a reference can mean for an image, the likelier first.
func referenced(tag, ref string) []string {
	repository := registry.RepositoryOf(tag)
	switch {
	case ref == "":
		return []string{tag}
	case digestForm.MatchString(ref):
		return []string{repository + "@" + ref}
	case strings.ContainsAny(ref, ":/@"):
		return []string{ref}
	}
	return []string{tag + "-" + ref, repository + ":" + ref}
}
