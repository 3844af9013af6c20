// Package registry asks image registries and writes to them: digests of images
// and of their platforms, tags, and indexes that join what several machines have
// built. It is the only package that knows the registry protocol, through
// go-containerregistry.
//
// Registries on this machine are spoken to without TLS, and those that [Hosts]
// name; no others are. Credentials come from Docker's configuration and its
// helpers, and are in no error.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Options say how registries are spoken to. The zero value is what commands
// use.
type Options struct {
	Retry   Retry
	Hosts   *Hosts // nil where all are reached as usual
	Mirrors bool   // ask mirrors first: for images of others, since a mirror may be behind
}

// Client talks to registries. What it has been told once it does not ask again,
// but for the digest of a tag that it may move.
type Client struct {
	puller    *remote.Puller
	pusher    *remote.Pusher
	options   []remote.Option // of both
	transport *retryTransport
	hosts     *Hosts
	mirrors   bool
	heads     memo[Descriptor]
	manifests memo[*remote.Descriptor]
	configs   memo[*v1.ConfigFile]
	tags      memo[[]string]
}

// New makes a client.
func New(o Options) (*Client, error) {
	base, ok := remote.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the library's transport is another one")
	}
	t := newRetryTransport(route{o.Hosts, base.Clone()}, o.Hosts, o.Retry)
	// All repeating is done in our transport, in one place.
	options := []remote.Option{
		remote.WithTransport(t),
		remote.WithAuthFromKeychain(keychain{authn.DefaultKeychain}),
		remote.WithUserAgent("runbake"),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
		remote.WithRetryPredicate(func(error) bool { return false }),
		remote.WithRetryStatusCodes(),
	}
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return nil, err
	}
	pusher, err := remote.NewPusher(options...)
	if err != nil {
		return nil, err
	}
	return &Client{puller: puller, pusher: pusher, options: options, transport: t, hosts: o.Hosts, mirrors: o.Mirrors}, nil
}

// Descriptor names something that a registry has.
type Descriptor struct {
	Digest    string
	MediaType string
	Size      int64
}

// Platform is the image of one platform.
type Platform struct {
	Name   string // normalised: linux/arm64
	Digest string
}

// Image is what a name stands for.
type Image struct {
	Digest    string     // of the index, or of the image when there is no index
	Platforms []Platform // sorted by name; attestations are none
}

// Head is the digest that a name has now. It costs less than [Client.Resolve]:
// registries that count what is pulled do not count it.
func (c *Client) Head(ctx context.Context, image string) (Descriptor, error) {
	return c.heads.do(image, func() (Descriptor, error) { return c.head(ctx, image) })
}

func (c *Client) head(ctx context.Context, image string) (Descriptor, error) {
	d, err := fromMirrors(ctx, c, image, c.puller.Head)
	if err != nil {
		if _, answered := errors.AsType[*transport.Error](err); answered || ctx.Err() != nil || isNetwork(err) {
			return Descriptor{}, c.explain(ctx, image, err)
		}
		full, err := c.manifest(ctx, image) // the registry leaves out what HEAD should say
		if err != nil {
			return Descriptor{}, err
		}
		d = &full.Descriptor
	}
	return Descriptor{Digest: d.Digest.String(), MediaType: string(d.MediaType), Size: d.Size}, nil
}

// Resolve finds the digest of an image and those of its platforms.
func (c *Client) Resolve(ctx context.Context, image string) (*Image, error) {
	m, err := c.manifest(ctx, image)
	if err != nil {
		return nil, err
	}
	found := &Image{Digest: m.Digest.String()}
	parts, err := c.parts(ctx, image, m)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		known := slices.ContainsFunc(found.Platforms, func(have Platform) bool { return have.Name == p.platform })
		if !known {
			found.Platforms = append(found.Platforms, Platform{Name: p.platform, Digest: p.image.Digest.String()})
		}
	}
	slices.SortFunc(found.Platforms, func(a, b Platform) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// Created is when an image was made, as its configuration says; the zero time
// when it does not say.
func (c *Client) Created(ctx context.Context, repository, digest string) (time.Time, error) {
	config, err := c.config(ctx, repository+"@"+digest)
	if err != nil {
		return time.Time{}, err
	}
	if config.Created.Unix() <= 0 { // reproducible builds say 1970
		return time.Time{}, nil
	}
	return config.Created.Time, nil
}

// Tags lists the tags of a repository, sorted.
func (c *Client) Tags(ctx context.Context, repository string) ([]string, error) {
	return c.tags.do(repository, func() ([]string, error) {
		tags, err := fromMirrors(ctx, c, repository, func(ctx context.Context, ref name.Reference) (*[]string, error) {
			tags, err := c.list(ctx, ref.Context())
			return &tags, err
		})
		if err != nil {
			return nil, c.explain(ctx, repository, err)
		}
		slices.Sort(*tags)
		return slices.Compact(*tags), nil
	})
}

// What a registry may say at most. More is no registry that works.
const (
	maxPages     = 1_000     // of tags
	maxTags      = 1_000_000 // of a repository
	maxManifests = 1_000     // of an index
	maxConfig    = 8 << 20   // bytes
)

// list reads the tags of a repository, page by page.
func (c *Client) list(ctx context.Context, repo name.Repository) ([]string, error) {
	lister, err := c.puller.Lister(ctx, repo)
	if err != nil {
		return nil, err
	}
	var tags []string
	for pages := 0; lister.HasNext(); pages++ {
		page, err := lister.Next(ctx)
		if err != nil {
			return nil, err
		}
		if tags = append(tags, page.Tags...); pages == maxPages || len(tags) > maxTags {
			return nil, &Error{Image: repo.Name(), Text: fmt.Sprintf("its list of tags has no end: more than %d pages or %d tags", maxPages, maxTags)}
		}
	}
	return tags, nil
}

// manifest reads what a name stands for.
func (c *Client) manifest(ctx context.Context, image string) (*remote.Descriptor, error) {
	return c.manifests.do(image, func() (*remote.Descriptor, error) {
		m, err := fromMirrors(ctx, c, image, c.puller.Get)
		if err != nil {
			return nil, c.explain(ctx, image, err)
		}
		c.manifests.put(RepositoryOf(image)+"@"+m.Digest.String(), m) // found by its tag, it need not be fetched by its digest
		return m, nil
	})
}

// config reads the configuration of an image of one platform.
func (c *Client) config(ctx context.Context, image string) (*v1.ConfigFile, error) {
	return c.configs.do(image, func() (*v1.ConfigFile, error) {
		m, err := c.manifest(ctx, image)
		if err != nil {
			return nil, err
		}
		img, err := m.Image()
		if err != nil {
			return nil, c.explain(ctx, image, err)
		}
		if size, err := configSize(img); err != nil {
			return nil, c.explain(ctx, image, err)
		} else if size > maxConfig {
			return nil, &Error{Image: image, Text: fmt.Sprintf("its configuration has %d bytes; %d are read", size, maxConfig)}
		}
		config, err := img.ConfigFile()
		if err != nil {
			return nil, c.explain(ctx, image, err)
		}
		return config, nil
	})
}

// configSize is how large the manifest says that the configuration is. What has
// another size is refused by the library.
func configSize(img v1.Image) (int64, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return 0, err
	}
	return manifest.Config.Size, nil
}

// What BuildKit's attestation manifests are marked with:
// https://docs.docker.com/build/metadata/attestations/attestation-storage/.
const (
	keyReferenceType   = "vnd.docker.reference.type"
	keyReferenceDigest = "vnd.docker.reference.digest"
)

// part is the image of one platform with what belongs to it.
type part struct {
	platform     string // as the descriptor says, or else the configuration
	image        v1.Descriptor
	attestations []v1.Descriptor
}

// parts are the images that a manifest has: those of an index, or itself.
func (c *Client) parts(ctx context.Context, image string, m *remote.Descriptor) ([]part, error) {
	repository := RepositoryOf(image)
	if !m.MediaType.IsIndex() {
		d := v1.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
		p, err := c.part(ctx, repository, d)
		return []part{p}, err
	}
	index, err := m.ImageIndex()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	if n := len(manifest.Manifests); n > maxManifests {
		return nil, &Error{Image: image, Text: fmt.Sprintf("its index has %d entries; %d are read", n, maxManifests)}
	}
	var parts []part
	for _, d := range manifest.Manifests {
		if d.Annotations[keyReferenceType] != "" || !d.MediaType.IsImage() || unknown(d.Platform) {
			continue
		}
		p, err := c.part(ctx, repository, d)
		if err != nil {
			return nil, err
		}
		for _, a := range manifest.Manifests {
			if a.Annotations[keyReferenceDigest] == d.Digest.String() {
				p.attestations = append(p.attestations, a)
			}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// part completes a descriptor by its platform.
func (c *Client) part(ctx context.Context, repository string, d v1.Descriptor) (part, error) {
	if d.Platform == nil {
		config, err := c.config(ctx, repository+"@"+d.Digest.String())
		if err != nil {
			return part{}, err
		}
		d.Platform = config.Platform()
	}
	return part{platform: platformName(d.Platform), image: d}, nil
}

func unknown(p *v1.Platform) bool {
	return p != nil && (p.OS == "unknown" || p.Architecture == "unknown")
}

// platformName writes a platform as definitions do.
func platformName(p *v1.Platform) string {
	if p == nil {
		return ""
	}
	return platforms.Format(platforms.Normalize(platforms.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}))
}

// fromMirrors asks for an image where it is looked for first, and then at its
// own registry, whose error counts.
func fromMirrors[T any](ctx context.Context, c *Client, image string,
	ask func(context.Context, name.Reference) (*T, error),
) (*T, error) {
	own, err := c.hosts.parse(image)
	if err != nil {
		return nil, err
	}
	if c.mirrors {
		mirrors, err := c.hosts.mirrors(own)
		if err != nil {
			return nil, err
		}
		for _, ref := range mirrors {
			if found, err := ask(ctx, ref); err == nil || ctx.Err() != nil {
				return found, err
			}
		}
	}
	return ask(ctx, own)
}

// RepositoryOf is an image's name without tag and digest.
func RepositoryOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[:colon]
	}
	return image
}

// raw is a manifest that is written as it is.
type raw struct {
	data      []byte
	mediaType types.MediaType
}

// RawManifest makes it what go-containerregistry writes.
func (r raw) RawManifest() ([]byte, error) { return r.data, nil }

// MediaType makes it what go-containerregistry writes.
func (r raw) MediaType() (types.MediaType, error) { return r.mediaType, nil }
