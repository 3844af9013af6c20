package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Publication is one image that is published: what builds have pushed of it, and
// the tags that it gets.
type Publication struct {
	Platforms   []string // that it must have, and no others; in the order of the index
	Sources     []Source
	From        string            // instead of Sources: an image that is published as it is, with its signatures
	Annotations map[string]string // of the index
	Tags        []string          // full names, in one repository or several
	Fixed       []string          // those of Tags that never move
	Signed      bool              // it is signed when it is published
	Force       bool              // tags may lose platforms, attestations and signatures
	// Accept refuses images before anything is written; nil for none.
	Accept func([]PublishedPlatform) error
}

// State says what publishing did.
type State string

// What publishing did.
const (
	Unchanged State = "unchanged" // everything was there
	Published State = "published" // something was written
	Planned   State = "planned"   // something would have been written
)

// Result is what was published.
type Result struct {
	Digest    string // of the index
	Platforms []PublishedPlatform
	State     State
	Moved     []string // tags that did not have this digest
	Before    *Before  // what the first tag meant; nil when there was none, or it is not known
}

// Before is what a tag meant before it was moved.
type Before struct {
	Digest string
	Size   int64 // to pull, of all platforms
}

// Publish joins the images of all platforms into one index, or takes the index
// that there is, and moves the tags to it: all of them, and after everything that
// the index names and its signatures are there, in every repository. What is there
// is not written again, so that it can be repeated after a failure at any point. A
// dry run writes nothing.
func (c *Client) Publish(ctx context.Context, p Publication, dryRun bool) (*Result, error) {
	j, err := c.source(ctx, p)
	if err != nil {
		return nil, err
	}
	if p.Accept != nil {
		if err := p.Accept(j.platforms); err != nil {
			return nil, err
		}
	}
	r := &Result{Digest: j.digest.String(), Platforms: j.platforms, State: Unchanged}
	if r.Before, err = c.before(ctx, p.Tags[0]); err != nil {
		return nil, err
	}
	if r.Moved, err = c.toMove(ctx, p, r.Digest); err != nil {
		return nil, err
	}
	lacking := map[string][]follower{}
	for _, repository := range repositories(p.Tags) {
		if lacking[repository], err = c.lacking(ctx, j.followers, repository); err != nil {
			return nil, err
		}
		if len(lacking[repository])+len(r.Moved) > 0 {
			r.State = Planned
		}
	}
	if r.State == Unchanged {
		return r, nil
	}
	if !p.Force {
		if err := c.Keeps(ctx, r.Moved, j.content(p)); err != nil {
			return nil, err
		}
	}
	if dryRun {
		return r, nil
	}
	for _, repository := range repositories(p.Tags) {
		if err := c.bring(ctx, j, lacking[repository], repository); err != nil {
			return nil, err
		}
	}
	for _, tag := range r.Moved {
		if err := c.put(ctx, tag, j.index); err != nil {
			return nil, err
		}
	}
	r.State = Published
	return r, nil
}

// bring writes an index to a repository, with all that it names and what belongs
// to it.
func (c *Client) bring(ctx context.Context, j *joined, lacking []follower, repository string) error {
	for _, d := range j.children {
		if err := c.copyManifest(ctx, d, repository); err != nil {
			return err
		}
	}
	if err := c.put(ctx, repository+"@"+j.digest.String(), j.index); err != nil {
		return err
	}
	for _, f := range lacking {
		if err := c.copyFollower(ctx, f, repository); err != nil {
			return err
		}
	}
	return nil
}

// before finds what a tag means now. Half of it may be gone since it was
// published, or it may be no image at all: then nothing is known of it, and it
// is moved all the same.
func (c *Client) before(ctx context.Context, tag string) (*Before, error) {
	now, err := c.head(ctx, tag)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	size, err := c.indexSize(ctx, RepositoryOf(tag)+"@"+now.Digest)
	if err != nil || size == 0 {
		return nil, ctx.Err()
	}
	return &Before{now.Digest, size}, nil
}

// indexSize is how much the images of all platforms are to pull.
func (c *Client) indexSize(ctx context.Context, image string) (int64, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return 0, err
	}
	parts, err := c.parts(ctx, image, m)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range parts {
		size, err := c.size(ctx, RepositoryOf(image)+"@"+p.image.Digest.String())
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

// toMove are the tags that have another digest, or none.
func (c *Client) toMove(ctx context.Context, p Publication, digest string) ([]string, error) {
	var moved []string
	for _, tag := range p.Tags {
		now, err := c.head(ctx, tag)
		switch {
		case errors.Is(err, ErrNotFound):
			moved = append(moved, tag)
		case err != nil:
			return nil, err
		case now.Digest == digest:
		case slices.Contains(p.Fixed, tag):
			return nil, fmt.Errorf("%s is %s already, and the tag of a revision never moves; publish what was built for it first, or remove the tag", tag, now.Digest)
		default:
			moved = append(moved, tag)
		}
	}
	return moved, nil
}

func repositories(tags []string) []string {
	var all []string
	for _, tag := range tags {
		if r := RepositoryOf(tag); !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// put writes a manifest under a digest or a tag.
func (c *Client) put(ctx context.Context, image string, m raw) error {
	ref, err := c.hosts.parse(image)
	if err != nil {
		return err
	}
	if strings.Contains(image, "@") {
		switch _, err := c.head(ctx, image); {
		case err == nil:
			return nil
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	if err := c.pusher.Put(ctx, ref, m); err != nil {
		return c.explain(ctx, image, err)
	}
	return nil
}

// copyManifest brings a manifest, and what it names, to a repository that lacks
// it. Sending a blob is not repeated by the transport; the whole is, and skips
// what is there already.
func (c *Client) copyManifest(ctx context.Context, d child, repository string) error {
	if d.repository == repository {
		return nil // it was read from there
	}
	image := repository + "@" + d.Digest.String()
	if _, err := c.head(ctx, image); err == nil || !errors.Is(err, ErrNotFound) {
		return err
	}
	m, err := c.manifest(ctx, d.repository+"@"+d.Digest.String())
	if err != nil {
		return err
	}
	ref, err := c.hosts.parse(image)
	if err != nil {
		return err
	}
	policy := c.transport.policy
	for attempt := 1; ; attempt++ {
		err := c.pusher.Push(ctx, ref, m)
		if err == nil {
			return nil
		}
		if attempt >= policy.Attempts || !uploadAgain(err) || ctx.Err() != nil {
			return c.explain(ctx, image, err)
		}
		if err := c.transport.sleep(ctx, policy.backoff(attempt)); err != nil {
			return c.explain(ctx, image, err)
		}
	}
}

// uploadAgain reports failures after which an upload may be begun anew.
func uploadAgain(err error) bool {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return isNetwork(err) && transient(err)
	}
	lost := slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool {
		return d.Code == transport.BlobUploadUnknownErrorCode || d.Code == transport.BlobUploadInvalidErrorCode
	})
	return lost || transientStatus(answer.StatusCode)
}
