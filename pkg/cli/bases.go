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
	"time"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
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
  runbake bases --format json | jq -r '.[] | select(.newer) | .image + " -> " + .newer[-1]'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bases(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.offline, "offline", false, "ask no registry; show what the definitions and the lock know")
	answerFlag(cmd, &opts.registry)
	formatFlag(cmd, &opts.format, "text", "json")
	return cmd
}

// baseUser is a version that is built from a base image.
type baseUser struct {
	ID         string `json:"id"`
	Deprecated string `json:"deprecated,omitempty"` // since when
	EndOfLife  string `json:"endOfLife,omitempty"`  // when its makers end its support
	Through    string `json:"through,omitempty"`    // image of this repository that it is built on, or run by
}

// baseEntry is what is known of one base image.
type baseEntry struct {
	Image   string     `json:"image"`
	UsedBy  []baseUser `json:"usedBy"`
	Locked  string     `json:"locked,omitempty"`  // digest, of the lock or of the definition
	Current string     `json:"current,omitempty"` // digest that the registry has now
	Created string     `json:"created,omitempty"` // of the image that builds take
	AgeDays *int       `json:"ageDays,omitempty"`
	Newer   []string   `json:"newer,omitempty"` // tags of the same line, the newest last
	Missing []string   `json:"missing,omitempty"`
	State   []string   `json:"state,omitempty"` // not locked, moved, gone, lost, unknown, deprecated, end of life
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
	all := bases(r.catalogue)
	entries := make([]baseEntry, len(all))
	errs := each(ctx, len(all), func(ctx context.Context, i int) error {
		q := &baseQuery{base: all[i], client: client, now: a.env.Now()}
		if r.lock != nil {
			q.locked, q.inLock = r.lock.Find(all[i].name)
		}
		err := q.answer(ctx, opts.offline, r.lock != nil)
		entries[i] = q.entry
		return err
	})
	if opts.format == "json" {
		err = writeJSON(a.env.Stdout, entries)
	} else {
		err = writeBases(a.env.Stdout, entries)
	}
	if err != nil {
		return err
	}
	return failed(errs, "not everything could be asked for")
}

// baseQuery finds out about one base image.
type baseQuery struct {
	base
	client *registry.Client
	now    time.Time
	locked lock.Image
	inLock bool
	entry  baseEntry
}

func (q *baseQuery) state(s string) { q.entry.State = append(q.entry.State, s) }

// answer fills in the entry, as far as it can.
func (q *baseQuery) answer(ctx context.Context, offline, hasLock bool) error {
	q.entry = baseEntry{Image: q.name, Locked: q.digest}
	deprecated, ended := true, false
	for _, v := range q.versions {
		q.entry.UsedBy = append(q.entry.UsedBy, baseUser{v.ID, v.Deprecated, v.EndOfLife, ""})
		deprecated = deprecated && v.Deprecated != ""
		ended = ended || v.Ended(q.now)
	}
	for _, u := range q.through {
		q.entry.UsedBy = append(q.entry.UsedBy, baseUser{u.version.ID, u.version.Deprecated, u.version.EndOfLife, u.on.ID})
		ended = ended || u.version.Ended(q.now)
	}
	if q.digest == "" {
		q.entry.Locked = q.locked.Digest
		if hasLock && !q.inLock {
			q.state("not locked")
		}
	}
	var err error
	if offline {
		if q.digest == "" && q.inLock {
			q.lacks(q.lockedImage())
		}
	} else if err = q.ask(ctx); err != nil {
		q.state("unknown")
	}
	if deprecated {
		q.state("deprecated")
	}
	if ended {
		q.state("end of life")
	}
	return err
}

// lockedImage is what the lock has, as a registry would say it.
func (q *baseQuery) lockedImage() *registry.Image {
	image := &registry.Image{Digest: q.locked.Digest}
	for _, p := range q.locked.Platforms {
		image.Platforms = append(image.Platforms, registry.Platform{Name: p.Name, Digest: p.Digest})
	}
	return image
}

// lacks notes the platforms that versions need and an image does not have.
func (q *baseQuery) lacks(image *registry.Image) {
	q.entry.Missing = missingPlatforms(q.asked, platformNames(image))
}

// platformNames are the platforms that an image is for.
func platformNames(image *registry.Image) []string {
	names := make([]string, len(image.Platforms))
	for i, p := range image.Platforms {
		names[i] = p.Name
	}
	return names
}

// ask asks the registry: for the digest that the tag has now, for the image that
// builds take, and for the tags.
func (q *baseQuery) ask(ctx context.Context) error {
	repository, tag := q.repository()
	if tag != "" {
		head, err := q.client.Head(ctx, q.name)
		switch {
		case errors.Is(err, registry.ErrNotFound):
			q.state("gone")
		case err != nil:
			return err
		default:
			q.entry.Current = head.Digest
			if q.entry.Locked != "" && q.entry.Locked != head.Digest {
				q.state("moved")
			}
		}
	}
	if err := q.askImage(ctx, repository); err != nil {
		return err
	}
	if !lock.Versioned(tag) {
		return nil // there can be no newer one
	}
	return q.askTags(ctx, repository, tag)
}

// askImage finds the platforms and the age of the image that builds take: the
// locked one, or else the current one.
func (q *baseQuery) askImage(ctx context.Context, repository string) error {
	var image *registry.Image
	var err error
	switch {
	case q.digest == "" && q.inLock:
		image = q.lockedImage()
	case q.entry.Locked != "":
		image, err = q.client.Resolve(ctx, repository+"@"+q.entry.Locked)
	case q.entry.Current != "":
		image, err = q.client.Resolve(ctx, q.name)
	default:
		return nil
	}
	if errors.Is(err, registry.ErrNotFound) {
		q.state("lost")
		return nil
	}
	if err != nil {
		return err
	}
	q.lacks(image)
	return q.askAge(ctx, repository, image)
}

func (q *baseQuery) askAge(ctx context.Context, repository string, image *registry.Image) error {
	i := slices.IndexFunc(image.Platforms, func(p registry.Platform) bool { return slices.Contains(q.asked, p.Name) })
	if i < 0 && len(image.Platforms) == 0 {
		return nil
	}
	i = max(i, 0) // that of another platform tells the age as well
	created, err := q.client.Created(ctx, repository, image.Platforms[i].Digest)
	if errors.Is(err, registry.ErrNotFound) {
		q.state("lost")
		return nil
	}
	if err != nil || created.IsZero() {
		return err
	}
	days := int(q.now.Sub(created).Hours() / 24)
	q.entry.Created, q.entry.AgeDays = created.UTC().Format(time.RFC3339), &days
	return nil
}

func (q *baseQuery) askTags(ctx context.Context, repository, tag string) error {
	tags, err := q.client.Tags(ctx, repository)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return err
	}
	var versions []string
	for _, v := range q.versions {
		versions = append(versions, v.Name)
	}
	q.entry.Newer = lock.Newer(tag, tags, versions)
	return nil
}

func writeBases(w io.Writer, entries []baseEntry) error {
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
