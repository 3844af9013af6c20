package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// What manifests of signatures are marked with. Cosign's bundles say in an
// annotation what they hold, since attestations are bundles too:
// https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md.
const (
	artifactBundle     = "application/vnd.dev.sigstore.bundle."
	artifactCosign     = "application/vnd.dev.cosign.artifact.sig."
	artifactNotation   = "application/vnd.cncf.notary.signature"
	annotationContains = "dev.sigstore.bundle.predicateType"
	predicateSignature = "https://sigstore.dev/cosign/sign/"
)

// Suffixes of the tags under which cosign keeps what belongs to a digest in
// registries that know of no referrers, before its third version everywhere.
const suffixSignature = ".sig"

var cosignSuffixes = []string{suffixSignature, ".att", ".sbom"}

// cosignTag is the tag that cosign makes of a digest.
func cosignTag(repository string, digest v1.Hash, suffix string) string {
	return fmt.Sprintf("%s:%s-%s%s", repository, digest.Algorithm, digest.Hex, suffix)
}

// referrers are the manifests that refer to a digest: signatures, attestations.
// A registry that does not list them keeps them under a tag made of the digest.
func (c *Client) referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	image := repository + "@" + digest.String()
	ref, err := c.hosts.parse(image)
	if err != nil {
		return nil, err
	}
	subject, ok := ref.(name.Digest)
	if !ok {
		return nil, badName(image, errors.New("it is no digest"))
	}
	index, err := remote.Referrers(subject, append(slices.Clone(c.options), remote.WithContext(ctx))...)
	if answer, ok := errors.AsType[*transport.Error](err); ok && refused(answer.StatusCode) {
		return nil, nil // it has no such question, and forbids what it does not know
	}
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, c.explain(ctx, image, err)
	}
	if n := len(manifest.Manifests); n > maxManifests {
		return nil, &Error{Image: image, Text: fmt.Sprintf("%d manifests refer to it; %d are read", n, maxManifests)}
	}
	return manifest.Manifests, nil
}

// refused reports statuses by which registries answer a question that they do not
// know: the image itself has been read before, so that it is not about who asks.
func refused(status int) bool {
	return status == http.StatusNotImplemented ||
		status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// isSignature reports whether a manifest that refers to an image is a signature. A
// bundle that does not say what it holds is taken for one.
func isSignature(d v1.Descriptor) bool {
	switch {
	case strings.HasPrefix(d.ArtifactType, artifactCosign), d.ArtifactType == artifactNotation:
		return true
	case strings.HasPrefix(d.ArtifactType, artifactBundle):
		contains, said := d.Annotations[annotationContains]
		return !said || strings.HasPrefix(contains, predicateSignature)
	}
	return false
}

// signed reports whether a digest has a signature: of cosign, in any of the places
// where its versions keep them, or of notation.
func (c *Client) signed(ctx context.Context, repository string, digest v1.Hash) (bool, error) {
	switch _, err := c.Head(ctx, cosignTag(repository, digest, suffixSignature)); {
	case err == nil:
		return true, nil
	case !errors.Is(err, ErrNotFound):
		return false, err
	}
	referrers, err := c.referrers(ctx, repository, digest)
	return slices.ContainsFunc(referrers, isSignature), err
}

// follower is a manifest that belongs to another one and is not named by it.
type follower struct {
	child
	subject v1.Hash
	tag     string // that it has; empty for one that refers to its subject itself
}

// followers are the signatures and attestations of digests in a repository.
func (c *Client) followers(ctx context.Context, repository string, digests []v1.Hash) ([]follower, error) {
	var all []follower
	for _, digest := range digests {
		referrers, err := c.referrers(ctx, repository, digest)
		if err != nil {
			return nil, err
		}
		for _, d := range referrers {
			all = append(all, follower{child{d, repository}, digest, ""})
		}
		for _, suffix := range cosignSuffixes {
			tag := cosignTag(repository, digest, suffix)
			m, err := c.manifest(ctx, tag)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, follower{child{m.Descriptor, repository}, digest, strings.TrimPrefix(tag, repository+":")})
		}
	}
	return all, nil
}

// lacking are those of the followers that a repository does not have, or does not
// list. A tag of cosign's that is there already stays as it is: others may have
// signed there.
func (c *Client) lacking(ctx context.Context, followers []follower, repository string) ([]follower, error) {
	listed := map[v1.Hash][]v1.Descriptor{}
	for _, f := range followers {
		if _, asked := listed[f.subject]; asked || f.tag != "" {
			continue
		}
		var err error
		if listed[f.subject], err = c.referrers(ctx, repository, f.subject); err != nil {
			return nil, err
		}
	}
	var lacks []follower
	for _, f := range followers {
		if f.tag == "" {
			if !slices.ContainsFunc(listed[f.subject], func(d v1.Descriptor) bool { return d.Digest == f.Digest }) {
				lacks = append(lacks, f)
			}
			continue
		}
		_, err := c.head(ctx, repository+":"+f.tag)
		switch {
		case errors.Is(err, ErrNotFound):
			lacks = append(lacks, f)
		case err != nil:
			return nil, err
		}
	}
	return lacks, nil
}

// copyFollower brings a follower, and what it names, to a repository.
func (c *Client) copyFollower(ctx context.Context, f follower, repository string) error {
	if err := c.copyManifest(ctx, f.child, repository); err != nil {
		return err
	}
	m, err := c.manifest(ctx, f.repository+"@"+f.Digest.String())
	if err != nil {
		return err
	}
	image := repository + ":" + f.tag
	if f.tag == "" {
		image = repository + "@" + f.Digest.String()
	}
	ref, err := c.hosts.parse(image)
	if err != nil {
		return err
	}
	// Written though it may be there: that is what lists it, in a registry that
	// keeps the list under a tag.
	if err := c.pusher.Put(ctx, ref, raw{m.Manifest, m.MediaType}); err != nil {
		return c.explain(ctx, image, err)
	}
	return nil
}
