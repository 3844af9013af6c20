package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
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
		Long: `Lock writes runbake.lock.hcl: for each base image the digest that its name stands
for, and those of its platforms. While there is a lock, generate pins the base
images in docker-bake.hcl, and builds take the same ones until the lock changes.

Registries are asked only for images that the lock lacks; what no version is
built from any more is dropped. With --update all are asked for, or those that
patterns name: node:24-slim, 'node:*', 'ghcr.io/*/*'. Names are short or in full.

With --check nothing is written: images that the definitions or the registries
have otherwise than the lock are shown, and the exit code is 3.`,
		Example: `  runbake lock && runbake generate               # after a change of definitions
  runbake lock --update && runbake generate      # take what is newest
  runbake lock --update 'node:*' 'debian:*'
  runbake lock --check                           # every night: has a base image moved?`,
		ValidArgsFunction: a.completeLockable,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.lock(cmd.Context(), patterns, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.update, "update", false, "ask for images that are locked already, too")
	cmd.Flags().BoolVar(&opts.check, "check", false, "change nothing; show what has changed and exit with 3")
	forceFlag(cmd, &opts.force)
	cmd.MarkFlagsMutuallyExclusive("update", "check")
	answerFlag(cmd, &opts.registry)
	formatFlag(cmd, &opts.format, "text", "json")
	return cmd
}

// lockChange is one image that the lock and the world disagree on.
type lockChange struct {
	Change  string `json:"change"` // added, moved, dropped, gone or lost
	Image   string `json:"image"`
	Locked  string `json:"locked,omitempty"`  // digest
	Current string `json:"current,omitempty"` // digest
}

func (a *app) lock(ctx context.Context, patterns []string, opts lockOptions) error {
	if err := errors.Join(checkFormat(opts.format, "text", "json"), checkSilence(opts.registry.Retry.Timeout)); err != nil {
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
		r.diags = slices.DeleteFunc(r.diags, func(d *hcl.Diagnostic) bool { return d.Subject != nil && d.Subject.Filename == lock.FileName })
	}
	if err := a.usable(r); err != nil {
		return err
	}
	opts.registry.Mirrors = true // base images are those of others
	client, err := a.client(opts.registry)
	if err != nil {
		return err
	}
	names := lockable(r)
	if opts.check {
		return a.checkLocked(ctx, client, r, names, opts.format)
	}
	asked, err := toAsk(r, names, patterns, opts.update)
	if err != nil {
		return err
	}
	return a.writeLock(ctx, client, r, names, asked, opts.format, opts.force)
}

// lockable are the names of base images that no definition pins.
func lockable(r *repository) []string {
	var names []string
	for _, b := range bases(r.catalogue) {
		if b.digest == "" {
			names = append(names, b.name)
		}
	}
	return names
}

// toAsk are the names that the registry is asked for.
func toAsk(r *repository, names, patterns []string, update bool) ([]string, error) {
	wanted := map[string]bool{}
	for _, n := range names {
		_, locked := before(r).Find(n)
		wanted[n] = !locked || update && len(patterns) == 0
	}
	var unknown []error
	for _, p := range patterns {
		found := false
		for _, n := range names {
			ok, err := matchesImage(p, n)
			if err != nil {
				return nil, fmt.Errorf("%q is no pattern: %w", p, err)
			}
			wanted[n], found = wanted[n] || ok, found || ok
		}
		if !found {
			unknown = append(unknown, noBase(p, names))
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !wanted[n] }), errors.Join(unknown...)
}

func before(r *repository) *lock.File {
	if r.lock == nil {
		return &lock.File{}
	}
	return r.lock
}

// matchesImage matches a pattern with a name in full, in short, or without its
// tag.
func matchesImage(pattern, name string) (bool, error) {
	familiar := lock.Familiar(name)
	untagged, _ := base{name: familiar}.repository()
	for _, n := range []string{name, familiar, untagged} {
		if ok, err := path.Match(pattern, n); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func noBase(pattern string, names []string) error {
	familiar := make([]string, len(names))
	for i, n := range names {
		familiar[i] = lock.Familiar(n)
	}
	if near := diag.Suggest(pattern, familiar); near != "" {
		return fmt.Errorf("no base image %q; did you mean %q?", pattern, near)
	}
	return fmt.Errorf("no base image %q; runbake bases --offline shows all", pattern)
}

// writeLock asks the registries and writes what they say. An image that cannot
// be asked for stays as it was.
func (a *app) writeLock(ctx context.Context, client *registry.Client, r *repository, names, asked []string, format string, force bool) error {
	found := make([]*registry.Image, len(asked))
	errs := each(ctx, len(asked), func(ctx context.Context, i int) (err error) {
		found[i], err = client.Resolve(ctx, asked[i])
		return err
	})
	after := before(r).Clone()
	after.Keep(func(name string) bool { return slices.Contains(names, name) })
	for i, image := range found {
		if image != nil {
			after.Set(lockedImage(asked[i], image))
		}
	}
	changes := []lockChange{}
	for _, c := range lock.Diff(before(r), after) {
		kind := "moved"
		if c.Old == "" {
			kind = "added"
		} else if c.New == "" {
			kind = "dropped"
		}
		changes = append(changes, lockChange{kind, c.Name, c.Old, c.New})
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	if r.lock == nil && len(after.Images) == 0 { // a lock of nothing would say that all is well
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
	return failed(errs, "what could not be asked for is as it was")
}

// hidesNoStage refuses a lock that would take stages away from builds.
func (a *app) hidesNoStage(r *repository, f *lock.File) error {
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	r.diags = nil // they were told
	r.hidden(fsys, f)
	return a.usable(r)
}

// tellMissing says which platforms a lock does not have that builds ask for; lint
// refuses them.
func (a *app) tellMissing(r *repository, after *lock.File) {
	for _, b := range bases(r.catalogue) {
		locked, found := after.Find(b.name)
		if !found || b.digest != "" {
			continue
		}
		has := make([]string, len(locked.Platforms))
		for i, p := range locked.Platforms {
			has[i] = p.Name
		}
		if missing := missingPlatforms(b.asked, has); len(missing) > 0 {
			fmt.Fprintf(a.env.Stderr, "%s has no image for %s, which %s wants: runbake lint\n",
				lock.Familiar(b.name), strings.Join(missing, ", "), b.versions[0].ID)
		}
	}
}

func lockedImage(name string, image *registry.Image) lock.Image {
	locked := lock.Image{Name: name, Digest: image.Digest}
	for _, p := range image.Platforms {
		locked.Platforms = append(locked.Platforms, lock.Platform{Name: p.Name, Digest: p.Digest})
	}
	return locked
}

// checkLocked compares the lock with definitions and registries.
func (a *app) checkLocked(ctx context.Context, client *registry.Client, r *repository, names []string, format string) error {
	if r.lock == nil {
		return &exitError{exitDrift, fmt.Sprintf("there is no %s; run runbake lock", lock.FileName)}
	}
	perName := make([][]lockChange, len(names))
	errs := each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		perName[i], err = checkImage(ctx, client, r.lock, names[i])
		return err
	})
	changes := slices.Concat(perName...)
	for _, i := range r.lock.Images {
		if !slices.Contains(names, i.Name) {
			changes = append(changes, lockChange{Change: "dropped", Image: i.Name, Locked: i.Digest})
		}
	}
	slices.SortStableFunc(changes, func(a, b lockChange) int { return cmp.Compare(a.Image, b.Image) })
	if err := writeChanges(a.env.Stdout, append([]lockChange{}, changes...), format); err != nil {
		return err
	}
	if err := failed(errs, "not everything could be checked"); err != nil || len(changes) == 0 {
		return err
	}
	mend := "runbake lock"
	if slices.ContainsFunc(changes, func(c lockChange) bool { return c.Change != "added" && c.Change != "dropped" }) {
		mend = "runbake lock --update"
	}
	return &exitError{exitDrift, fmt.Sprintf("%s is not what definitions and registries have; run %s", lock.FileName, mend)}
}

// checkImage compares the lock of one name with what the registry has.
func checkImage(ctx context.Context, client *registry.Client, f *lock.File, name string) ([]lockChange, error) {
	locked, found := f.Find(name)
	now, err := client.Head(ctx, name)
	gone := errors.Is(err, registry.ErrNotFound)
	switch {
	case err != nil && !gone:
		return nil, err
	case !found:
		return []lockChange{{Change: "added", Image: name, Current: now.Digest}}, nil
	case now.Digest == locked.Digest:
		return nil, nil
	}
	changes := []lockChange{{"moved", name, locked.Digest, now.Digest}}
	if gone {
		changes[0].Change = "gone"
	}
	repository, _ := base{name: name}.repository()
	if _, err := client.Head(ctx, repository+"@"+locked.Digest); errors.Is(err, registry.ErrNotFound) {
		changes = append(changes, lockChange{"lost", name, locked.Digest, ""})
	} else if err != nil {
		return changes, err
	}
	return changes, nil
}

func writeChanges(w io.Writer, changes []lockChange, format string) error {
	if format == "json" {
		return writeJSON(w, changes)
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
	for _, n := range lockable(r) {
		names = append(names, lock.Familiar(n))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
