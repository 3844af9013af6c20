package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/epoch"
	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/repofs"
	"github.com/runbake/runbake/pkg/site"
)

type siteOptions struct {
	out   string
	title string
	query bool
	force bool

	registry registry.Options
}

func newSite(a *app) *cobra.Command {
	var opts siteOptions
	cmd := &cobra.Command{
		Use:   "site --out folder",
		Short: "Write a static site of the images",
		Long: `Site writes a list of all images, which can be searched and filtered, and a page for
each image: tags, platforms, base images and their digests, the graph, versions and
their ends of life, and how to verify the image. The pages need no server: they work
from a folder, and from GitHub Pages.

They are made from the definitions and the lock. With --query-registry, registries
are queried for digests, sizes, signatures and SBOMs. If a registry cannot be
queried, the page says so and shows what the definitions say; the exit code is 1.

The same input gives the same bytes. Pages depend on the day only if
SOURCE_DATE_EPOCH is set; otherwise the browser works out which versions have
reached their end of life. Pages of removed images are removed. Files that runbake
site did not write are neither removed nor, without --force, replaced.`,
		Example: `  runbake site --out public
  runbake site --out public --query-registry
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) runbake site --out public --title 'Our runtimes'`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.site(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.out, "out", "", "folder to write the site to; it is created if missing")
	cmd.Flags().StringVar(&opts.title, "title", "", "title of the site (default: the registry's)")
	cmd.Flags().BoolVar(&opts.query, "query-registry", false, "query registries for digests, sizes, signatures and SBOMs")
	forceFlag(cmd, &opts.force, forceReplace)
	answerFlag(cmd, &opts.registry)
	if err := cmd.MarkFlagDirname("out"); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

func (a *app) site(ctx context.Context, opts siteOptions) error {
	day, err := a.siteDay()
	if err := errors.Join(err, checkSilence(opts.registry.Retry.Timeout)); err != nil {
		return err
	}
	if opts.out == "" {
		return errors.New("--out: give a folder for the site")
	}
	r, err := a.load(ctx)
	if err != nil {
		return err
	}
	model := site.New(r.Catalogue, r.Lock, site.Options{Title: opts.title, Now: day})
	var errs []error
	if opts.query {
		if errs, err = a.askSite(ctx, model, opts.registry); err != nil {
			return err
		}
	}
	pages, err := model.Files()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	if err := a.writeSite(ctx, opts.out, pages, opts.force); err != nil {
		return err
	}
	return failed(errs, "some registries could not be queried: those pages show what the definitions say")
}

// siteDay is the day that SOURCE_DATE_EPOCH gives; the zero time when it gives none.
func (a *app) siteDay() (time.Time, error) {
	value, _ := a.env.LookupEnv(epoch.Variable)
	if value == "" {
		return time.Time{}, nil
	}
	seconds, err := epoch.Parse(value)
	return time.Unix(seconds, 0).UTC(), err
}

// writeSite writes the pages that are not there yet, and removes those that are of
// no image any more: all of it or nothing.
func (a *app) writeSite(ctx context.Context, dir string, pages []site.File, force bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pages are read by everybody
		return err
	}
	fsys, err := repofs.Open(dir)
	if err != nil {
		return err
	}
	defer fsys.Close()
	files, err := changedPages(fsys, dir, pages, force)
	if err != nil {
		return err
	}
	gone, err := gonePages(fsys, pages)
	if err != nil {
		return err
	}
	if err := changeset.Write(ctx, fsys, append(files, gone...)); err != nil {
		return fmt.Errorf("the site is as it was: %w", err)
	}
	what := []string{count(len(pages), "page")}
	if len(files) > 0 {
		what = append(what, fmt.Sprintf("%d written", len(files)))
	}
	if len(gone) > 0 {
		what = append(what, fmt.Sprintf("%d removed", len(gone)))
	}
	if len(what) == 1 {
		what = append(what, "none of them changed")
	}
	_, err = fmt.Fprintf(a.env.Stderr, "%s: %s\n", filepath.Join(dir, "index.html"), strings.Join(what, ", "))
	return err
}

// changedPages are the pages that have to be written. Unless forced, they replace
// nothing that something else wrote.
func changedPages(fsys *repofs.FS, dir string, pages []site.File, force bool) ([]changeset.File, error) {
	var files []changeset.File
	var errs []error
	for _, p := range pages {
		o, err := newOutput(filepath.Join(dir, filepath.FromSlash(p.Path)), dir, p.Path, p.Content, "", site.Written)
		if err != nil {
			return nil, err
		}
		if o.clean() && !o.link {
			continue
		}
		if err := o.refused(forced); err != nil && !force {
			errs = append(errs, err)
		}
		file := changeset.File{Path: p.Path, Mode: committed, Content: p.Content, Old: o.have}
		if o.have != nil {
			info, err := fsys.Stat(p.Path)
			if err != nil {
				return nil, err
			}
			file.OldMode = info.Mode().Perm()
		}
		files = append(files, file)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &exitError{exitFailed, err.Error()}
	}
	return files, nil
}

// gonePages are pages that an earlier run wrote for images that are gone.
func gonePages(fsys *repofs.FS, pages []site.File) ([]changeset.File, error) {
	entries, err := fsys.ReadDir(site.ImageDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, p := range pages {
		wanted[p.Path] = true
	}
	var gone []changeset.File
	for _, e := range entries {
		name := path.Join(site.ImageDir, e.Name())
		if wanted[name] || !e.Type().IsRegular() || !strings.HasSuffix(name, ".html") {
			continue
		}
		have, err := fsys.ReadFile(name)
		if err != nil {
			return nil, err
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if site.Written(have) {
			gone = append(gone, changeset.File{Path: name, Mode: info.Mode().Perm(), Old: have, Remove: true})
		}
	}
	return gone, nil
}
