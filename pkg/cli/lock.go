package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/repository"
	"github.com/runbake/runbake/pkg/upstream"
)

type lockOptions struct {
	update bool
	check  bool
	force  bool
	format string

	registry registry.Options
}

func newLock(a *app) *cobra.Command {
	var opts lockOptions
	cmd := &cobra.Command{
		Use:   "lock [--check | --update [image…]]",
		Short: "Pin base images by digest",
		Long: `Lock writes runbake.lock.hcl: the digest of each upstream image, and the digests of
its platforms. As long as there is a lock, generate pins these images in
docker-bake.hcl, and builds use them until the lock changes.

Registries are only queried for images that are not locked yet; images that no
version uses any more are removed. With --update all images are queried, or those
that match the patterns: node:24-slim, 'node:*', 'ghcr.io/*/*'. Names may be short
or fully qualified.

With --check nothing is written: differences between the lock, the definitions and
the registries are shown, and the exit code is 3.`,
		Example: `  runbake lock && runbake generate               # after a change of definitions
  runbake lock --update && runbake generate      # take what is newest
  runbake lock --update 'node:*' 'debian:*'
  runbake lock --check                           # every night: has a base image moved?`,
		ValidArgsFunction: a.completeLockable,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.lock(cmd.Context(), patterns, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.update, "update", false, "query images that are locked already, too")
	checkFlag(cmd, &opts.check)
	forceFlag(cmd, &opts.force, forceReplace)
	answerFlag(cmd, &opts.registry)
	formatFlag(cmd, &opts.format, "text", "json")
	return cmd
}

func (a *app) lock(ctx context.Context, patterns []string, opts lockOptions) error {
	if err := errors.Join(
		checkFormat(opts.format, "text", "json"), checkSilence(opts.registry.Retry.Timeout),
		checkExclusive(map[string]bool{"update": opts.update, "check": opts.check}),
	); err != nil {
		return err
	}
	if len(patterns) > 0 && !opts.update {
		return errors.New("images are named with --update only")
	}
	r, err := a.read(ctx)
	if err != nil {
		return err
	}
	if opts.update && len(patterns) == 0 { // a broken lock is written anew
		r.Diagnostics = slices.DeleteFunc(r.Diagnostics,
			func(d *hcl.Diagnostic) bool { return d.Subject != nil && d.Subject.Filename == lock.FileName })
	}
	if err := a.usable(r); err != nil {
		return err
	}
	opts.registry.Mirrors = true // base images are those of others
	client, err := a.client(opts.registry)
	if err != nil {
		return err
	}
	names := lock.Lockable(r.Catalogue)
	if opts.check {
		return a.checkLocked(ctx, client, r, names, opts.format)
	}
	asked, err := upstream.Select(lockOf(r), names, patterns, opts.update)
	if err != nil {
		return err
	}
	return a.writeLock(ctx, client, r, names, asked, opts.format, opts.force)
}

// lockOf is the lock, or one of nothing.
func lockOf(r *repository.Repository) *lock.File {
	if r.Lock == nil {
		return &lock.File{}
	}
	return r.Lock
}

// writeLock asks the registries and writes what they say. An image that cannot
// be asked for stays as it was.
func (a *app) writeLock(ctx context.Context, client *registry.Client, r *repository.Repository,
	names, asked []string, format string, force bool,
) error {
	after, changes, errs := upstream.Lock(ctx, client, lockOf(r), names, asked)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	if r.Lock == nil && len(after.Images) == 0 { // a lock of nothing would say that all is well
		if err := failed(errs, fmt.Sprintf("no %s was written: nothing could be asked for", lock.FileName)); err != nil {
			return err
		}
		_, err := fmt.Fprintf(a.env.Stderr, "there is nothing to lock, and no %s was written: "+
			"no version is built from an image of others without a digest\n", lock.FileName)
		return err
	}
	if err := a.hidesNoStage(r, after); err != nil {
		return err
	}
	file, err := a.output(lock.FileName, after.Encode(), count(len(after.Images), "image")+"; run runbake generate")
	if err != nil {
		return err
	}
	if err := a.write([]*output{file}, force); err != nil {
		return err
	}
	if file.clean() && errors.Join(errs...) == nil {
		what := "registries have what it says"
		if len(asked) == 0 {
			what = "no registry was asked, as it lacks no image"
		}
		fmt.Fprintf(a.env.Stderr, "%s is up to date: %s; %s\n", file.file(), count(len(after.Images), "image"), what)
	}
	if err := writeChanges(a.env.Stdout, changes, format); err != nil {
		return err
	}
	a.tellMissing(r, after)
	return failed(errs, "images that could not be queried keep their lock")
}

// hidesNoStage refuses a lock that would take stages away from builds.
func (a *app) hidesNoStage(r *repository.Repository, f *lock.File) error {
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	r.Diagnostics = nil // they were told
	r.CheckStages(fsys, f)
	return a.usable(r)
}

// tellMissing says which platforms a lock does not have that builds ask for; lint
// refuses them.
func (a *app) tellMissing(r *repository.Repository, after *lock.File) {
	for _, b := range lock.Bases(r.Catalogue) {
		locked, found := after.Find(b.Name)
		if !found || b.Digest != "" {
			continue
		}
		if missing := lock.Missing(b.Platforms, locked.PlatformNames()); len(missing) > 0 {
			fmt.Fprintf(a.env.Stderr, "%s has no image for %s, which %s wants: runbake lint\n",
				lock.Familiar(b.Name), strings.Join(missing, ", "), b.Versions[0].ID)
		}
	}
}

// checkLocked compares the lock with definitions and registries.
func (a *app) checkLocked(ctx context.Context, client *registry.Client, r *repository.Repository, names []string, format string) error {
	if r.Lock == nil {
		return &exitError{exitDrift, fmt.Sprintf("there is no %s; run runbake lock", lock.FileName)}
	}
	changes, errs := upstream.Compare(ctx, client, r.Lock, names)
	if err := writeChanges(a.env.Stdout, changes, format); err != nil {
		return err
	}
	if err := failed(errs, "not everything could be checked"); err != nil || len(changes) == 0 {
		return err
	}
	mend := "runbake lock"
	if slices.ContainsFunc(changes, func(c upstream.Change) bool { return !c.Definitions() }) {
		mend = "runbake lock --update"
	}
	return &exitError{exitDrift, fmt.Sprintf("%s is not what definitions and registries have; run %s", lock.FileName, mend)}
}

func writeChanges(w io.Writer, changes []upstream.Change, format string) error {
	if format == "json" {
		return envelope.Write(w, "lock", changes)
	}
	if len(changes) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHANGE\tIMAGE\tLOCKED\tCURRENT")
	for _, c := range changes {
		fmt.Fprintln(table, strings.Join([]string{c.Change, c.Image, short(c.Locked), short(c.Current)}, "\t"))
	}
	return table.Flush()
}

// completeLockable completes names of base images.
func (a *app) completeLockable(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	r, err := a.read(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, n := range lock.Lockable(r.Catalogue) {
		names = append(names, lock.Familiar(n))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
