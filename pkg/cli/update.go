package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/library"
	"github.com/runbake/runbake/pkg/repofs"
	"github.com/runbake/runbake/pkg/repository"
	"github.com/runbake/runbake/pkg/scaffold"
)

// openLibrary is the library that comes with this program.
func (a *app) openLibrary() (*scaffold.Library, error) {
	fsys, err := library.FS()
	if err != nil {
		return nil, err
	}
	r := repository.LoadDefinitions(fsys)
	return &scaffold.Library{
		Repository: scaffold.Repository{Set: r.Set, Catalogue: r.Catalogue, FS: fsys}, Version: versionsOf(a.env.Build).Runbake,
	}, nil
}

type updateOptions struct{ write, force bool }

func newUpdate(a *app) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:   "update [<key>…]",
		Short: "Show what has changed in the library of runtimes",
		Long: `Update compares the runtimes that ` + "`runbake new`" + ` has taken from the library with
the library of this program, and shows the changes since then as a patch for git
apply. Definitions are not changed, except for the comment at the top that records
the library version.

With --write the files are changed. Files that you have edited are only changed with
--force.`,
		Example: `  # what has changed since
  runbake update

  # take it, of one runtime
  runbake update node --write`,
		ValidArgsFunction: a.completeTaken,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.update(cmd.Context(), args, o)
		},
	}
	cmd.Flags().BoolVar(&o.write, "write", false, "change the files")
	forceFlag(cmd, &o.force, "with --write, change files that you have edited")
	return cmd
}

// update shows or writes what has changed in the library.
func (a *app) update(ctx context.Context, keys []string, o updateOptions) error {
	if o.force && !o.write {
		return errors.New("--force is about what --write changes: give both")
	}
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	updates, err := a.updates(ctx, fsys, keys)
	if err != nil {
		return err
	}
	var files []changeset.File
	var left []string
	for _, u := range updates {
		fmt.Fprintln(a.env.Stderr, u)
		if u.Edited && o.write && !o.force {
			left = append(left, u.Key)
			continue
		}
		files = append(files, u.Files...)
	}
	if len(updates) == 0 {
		fmt.Fprintln(a.env.Stderr, "nothing has changed in the library")
	}
	switch {
	case !o.write && a.env.Terminal:
		return changeset.WritePatch(a.env.Stdout, files)
	case !o.write:
		return changeset.WritePatch(a.exact, files)
	}
	if err := changeset.Write(ctx, fsys, files); err != nil {
		return fmt.Errorf("nothing is updated: %w", err)
	}
	for _, f := range files {
		if _, err := fmt.Fprintln(a.env.Stdout, f.Path); err != nil {
			return err
		}
	}
	if len(left) > 0 {
		return &exitError{exitFailed, fmt.Sprintf("%s: left alone, as its files were edited: look at the patch of "+
			"runbake update, or give --force", strings.Join(left, ", "))}
	}
	return nil
}

// updates are those of some runtimes; no key means all that are from the library.
func (a *app) updates(ctx context.Context, fsys *repofs.FS, keys []string) ([]scaffold.Update, error) {
	r, err := a.sound(ctx, fsys)
	if err != nil {
		return nil, err
	}
	lib, err := a.openLibrary()
	if err != nil {
		return nil, err
	}
	all, err := lib.Updates(scaffold.Repository{Set: r.Set, Catalogue: r.Catalogue, FS: fsys})
	if err != nil || len(keys) == 0 {
		return all, err
	}
	taken := scaffold.Taken(r.Set)
	for _, key := range keys {
		if !slices.Contains(taken, key) {
			return nil, fmt.Errorf("%s is not from the library; these are: %s", key, cmp.Or(strings.Join(taken, ", "), "none"))
		}
	}
	return slices.DeleteFunc(all, func(u scaffold.Update) bool { return !slices.Contains(keys, u.Key) }), nil
}

// completeTaken completes keys of runtimes that are from the library.
func (a *app) completeTaken(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	r, err := a.read(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return scaffold.Taken(r.Set), cobra.ShellCompDirectiveNoFileComp
}
