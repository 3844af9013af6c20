// Package upstream asks registries about the images of others that versions are
// built from: what is known of each, and what the lock should say.
package upstream

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/registry"
)

// User is a version that is built from a base image.
type User struct {
	ID         string `json:"id"`
	Deprecated string `json:"deprecated,omitempty"` // since when
	EndOfLife  string `json:"endOfLife,omitempty"`  // when its makers end its support
	Through    string `json:"through,omitempty"`    // image of this repository that it is built on, or run by
}

// Entry is what is known of one base image.
type Entry struct {
	Image   string   `json:"image"`
	UsedBy  []User   `json:"usedBy"`
	Locked  string   `json:"locked,omitempty"`  // digest, of the lock or of the definition
	Current string   `json:"current,omitempty"` // digest that the registry has now
	Created string   `json:"created,omitempty"` // of the image that builds take
	AgeDays *int     `json:"ageDays,omitempty"`
	Newer   []string `json:"newer,omitempty"` // tags of the same line, the newest last
	Missing []string `json:"missing,omitempty"`
	State   []string `json:"state,omitempty"` // not locked, moved, gone, lost, unknown, deprecated, end of life
}

// query finds out about one base image.
type query struct {
	lock.Base
	client *registry.Client
	now    time.Time
	locked lock.Image
	inLock bool
	entry  Entry
}

// Ask finds out about a base image: what the registry has, or, offline, what the
// lock and the definitions know. f is nil when there is no lock. What could be
// found out is in the entry beside an error.
func Ask(ctx context.Context, client *registry.Client, b lock.Base, f *lock.File, now time.Time, offline bool) (Entry, error) {
	q := &query{Base: b, client: client, now: now}
	if f != nil {
		q.locked, q.inLock = f.Find(b.Name)
	}
	err := q.answer(ctx, offline, f != nil)
	return q.entry, err
}

func (q *query) state(s string) { q.entry.State = append(q.entry.State, s) }

// answer fills in the entry, as far as it can.
func (q *query) answer(ctx context.Context, offline, hasLock bool) error {
	q.entry = Entry{Image: q.Name, Locked: q.Digest}
	deprecated, ended := true, false
	for _, v := range q.Versions {
		q.entry.UsedBy = append(q.entry.UsedBy, User{v.ID, v.Deprecated, v.EndOfLife, ""})
		deprecated = deprecated && v.Deprecated != ""
		ended = ended || v.Ended(q.now)
	}
	for _, u := range q.Through {
		q.entry.UsedBy = append(q.entry.UsedBy, User{u.Version.ID, u.Version.Deprecated, u.Version.EndOfLife, u.On.ID})
		ended = ended || u.Version.Ended(q.now)
	}
	if q.Digest == "" {
		q.entry.Locked = q.locked.Digest
		if hasLock && !q.inLock {
			q.state("not locked")
		}
	}
	var err error
	if offline {
		if q.Digest == "" && q.inLock {
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
func (q *query) lockedImage() *registry.Image {
	image := &registry.Image{Digest: q.locked.Digest}
	for _, p := range q.locked.Platforms {
		image.Platforms = append(image.Platforms, registry.Platform{Name: p.Name, Digest: p.Digest})
	}
	return image
}

// lacks notes the platforms that versions need and an image does not have.
func (q *query) lacks(image *registry.Image) {
	q.entry.Missing = lock.Missing(q.Platforms, platformNames(image))
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
func (q *query) ask(ctx context.Context) error {
	repository, tag := lock.Split(q.Name)
	if tag != "" {
		head, err := q.client.Head(ctx, q.Name)
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
func (q *query) askImage(ctx context.Context, repository string) error {
	var image *registry.Image
	var err error
	switch {
	case q.Digest == "" && q.inLock:
		image = q.lockedImage()
	case q.entry.Locked != "":
		image, err = q.client.Resolve(ctx, repository+"@"+q.entry.Locked)
	case q.entry.Current != "":
		image, err = q.client.Resolve(ctx, q.Name)
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

func (q *query) askAge(ctx context.Context, repository string, image *registry.Image) error {
	i := slices.IndexFunc(image.Platforms, func(p registry.Platform) bool { return slices.Contains(q.Platforms, p.Name) })
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

func (q *query) askTags(ctx context.Context, repository, tag string) error {
	tags, err := q.client.Tags(ctx, repository)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return err
	}
	var versions []string
	for _, v := range q.Versions {
		versions = append(versions, v.Name)
	}
	q.entry.Newer = lock.Newer(tag, tags, versions)
	return nil
}
