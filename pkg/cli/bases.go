package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/repository"
	"github.com/runbake/runbake/pkg/upstream"
)

type basesOptions struct {
	offline bool
	write   bool
	dryRun  bool
	format  string

	registry registry.Options
}

func newBases(a *app) *cobra.Command {
	var opts basesOptions
	cmd := &cobra.Command{
		Use:   "bases",
		Short: "Show the upstream images: age, newer tags, moved tags",
		Long: `Bases shows each upstream image: the versions that use it, its locked and its
current digest, the age of the image that builds use, newer tags of the same line,
missing platforms, and the end of life of the versions that use it.

Tags of the same line have the numbers of the version's name (24.21.0-slim for
Node.js 24: all of 24), or else all numbers but the last, and the same suffix. With
--offline no registry is queried.

With --write the newest of these tags that has all platforms is written into the
definitions and Dockerfiles that name the image; nothing else in them changes. Names
that contain variables are reported and left alone. Run runbake lock and runbake
generate afterwards.`,
		Example: `  runbake bases
  runbake bases --offline
  runbake bases --write --dry-run   # what would change, as a diff
  runbake bases --write && runbake lock && runbake generate
  runbake bases --format json | jq -r '.items[] | select(.newer) | .image + " -> " + .newer[-1]'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bases(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.offline, "offline", false, "query no registry; show what the definitions and the lock say")
	cmd.Flags().BoolVar(&opts.write, "write", false, "change the files")
	dryRunFlag(cmd, &opts.dryRun, "with --write, show what would be written")
	answerFlag(cmd, &opts.registry)
	formatFlag(cmd, &opts.format, "text", "json")
	return cmd
}

// check finds wrong flags, all at once.
func (o *basesOptions) check() error {
	var alone error
	if o.dryRun && !o.write {
		alone = errors.New("--dry-run goes with --write: without it nothing is changed")
	}
	return errors.Join(
		checkFormat(o.format, "text", "json"), checkSilence(o.registry.Retry.Timeout), alone,
		checkExclusive(map[string]bool{"offline": o.offline, "write": o.write}),
	)
}

func (a *app) bases(ctx context.Context, opts basesOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	r, err := a.load(ctx)
	if err != nil {
		return err
	}
	opts.registry.Mirrors = true // base images are those of others
	client, err := a.client(opts.registry)
	if err != nil {
		return err
	}
	all := lock.Bases(r.Catalogue)
	entries := make([]upstream.Entry, len(all))
	errs := registry.Each(ctx, len(all), func(ctx context.Context, i int) (err error) {
		entries[i], err = upstream.Ask(ctx, client, all[i], r.Lock, a.env.Now(), opts.offline)
		return err
	})
	if opts.write {
		return errors.Join(a.moveBases(ctx, r, client, all, entries, opts), failed(errs, "some registries could not be queried"))
	}
	if opts.format == "json" {
		err = envelope.Write(a.env.Stdout, "bases", entries)
	} else {
		err = writeBases(a.env.Stdout, entries)
	}
	if err != nil {
		return err
	}
	return failed(errs, "some registries could not be queried")
}

// moveBases writes newer tags into the files that name base images.
func (a *app) moveBases(ctx context.Context, r *repository.Repository, client *registry.Client,
	all []lock.Base, entries []upstream.Entry, opts basesOptions,
) error {
	newest := make([]string, len(all))
	errs := registry.Each(ctx, len(all), func(ctx context.Context, i int) (err error) {
		if len(entries[i].Newer) > 0 && all[i].Digest == "" {
			newest[i], err = upstream.Newest(ctx, client, all[i], entries[i])
		}
		return err
	})
	var moves []upstream.Move
	for i, tag := range newest {
		if tag != "" {
			moves = append(moves, upstream.Move{Image: all[i].Name, Tag: tag})
		}
	}
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	sources := map[string][]byte{}
	files, left := upstream.Rewrite(r.Catalogue, func(name string) []byte {
		if sources[name] == nil {
			sources[name], _ = readIfThere(fsys, name) // what cannot be read is left, and told
		}
		return sources[name]
	}, moves)
	for _, l := range left {
		a.log(fmt.Sprintf("%s: %s is to become %s: it is not written in one piece; change it by hand",
			diag.Place(l.Range), lock.Familiar(l.Image), l.Tag))
	}
	if len(files)+len(left) == 0 {
		a.log("no base image has a newer tag of its line for all platforms")
	}
	if err := a.writeMoved(files, opts.dryRun); err != nil {
		return err
	}
	return failed(errs, "some registries could not be queried")
}

// writeMoved writes files, or shows what would change.
func (a *app) writeMoved(files map[string][]byte, dryRun bool) error {
	var outputs []*output
	for _, name := range slices.Sorted(maps.Keys(files)) {
		o, err := newOutput(name, a.dir, name, files[name], "", func([]byte) bool { return true })
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if dryRun {
			if _, err := a.env.Stdout.Write(diff.Diff(name, unix(o.have), name, unix(o.want))); err != nil {
				return err
			}
		}
		outputs = append(outputs, o)
	}
	if dryRun {
		return nil
	}
	return a.write(outputs, true)
}

func writeBases(w io.Writer, entries []upstream.Entry) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BASE\tUSED BY\tLOCKED\tCURRENT\tAGE\tNEWER\tSTATE")
	for _, e := range entries {
		var users []string
		for _, u := range e.UsedBy {
			name := u.ID
			if u.Through != "" {
				if u.Deprecated == "" && u.EndOfLife == "" {
					continue // it changes with the image that it is built on
				}
				name += " on " + u.Through
			}
			switch {
			case u.Deprecated != "":
				name += " (deprecated " + u.Deprecated + ")"
			case u.EndOfLife != "":
				name += " (end of life " + u.EndOfLife + ")"
			}
			users = append(users, name)
		}
		age, newer := "-", "-"
		if e.AgeDays != nil {
			age = count(*e.AgeDays, "day")
		}
		if n := len(e.Newer); n > 0 {
			newer = e.Newer[n-1]
		}
		state := slices.Clone(e.State)
		for _, p := range e.Missing {
			state = append(state, "no "+p)
		}
		fmt.Fprintln(table, strings.Join([]string{
			lock.Familiar(e.Image), strings.Join(users, ", "), short(e.Locked), short(e.Current), age, newer, orDash(strings.Join(state, ", ")),
		}, "\t"))
	}
	return table.Flush()
}

// orDash writes a dash where there is nothing.
func orDash(s string) string {
	return cmp.Or(s, "-")
}
