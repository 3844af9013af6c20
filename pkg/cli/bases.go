package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/upstream"
)

type basesOptions struct {
	offline bool
	format  string

	registry registry.Options
}

func newBases(a *app) *cobra.Command {
	var opts basesOptions
	cmd := &cobra.Command{
		Use:   "bases",
		Short: "Show the base images: age, newer tags, what has moved",
		Long: `Bases shows every image of others that the runtimes are built from: which
versions use it, the digest that the lock has and the one that the registry has
now, how old the image is that builds take, newer tags of the same line, platforms
that it lacks, and when support of those versions ends, as their definitions say.

The line of a tag is what the name of the version says (24.21.0-slim for Node.js
24: all of 24), or else all its numbers but the last; the text behind the numbers
stays the same. With --offline no registry is asked.`,
		Example: `  runbake bases
  runbake bases --offline
  runbake bases --format json | jq -r '.items[] | select(.newer) | .image + " -> " + .newer[-1]'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bases(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.offline, "offline", false, "ask no registry; show what the definitions and the lock know")
	answerFlag(cmd, &opts.registry)
	formatFlag(cmd, &opts.format, "text", "json")
	return cmd
}

func (a *app) bases(ctx context.Context, opts basesOptions) error {
	if err := errors.Join(checkFormat(opts.format, "text", "json"), checkSilence(opts.registry.Retry.Timeout)); err != nil {
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
	if opts.format == "json" {
		err = envelope.Write(a.env.Stdout, "bases", entries)
	} else {
		err = writeBases(a.env.Stdout, entries)
	}
	if err != nil {
		return err
	}
	return failed(errs, "not everything could be asked for")
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
