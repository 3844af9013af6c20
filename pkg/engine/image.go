package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/distribution/reference"
	"github.com/docker/buildx/builder"
	"github.com/docker/buildx/util/imagetools"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// KeyDigest is where the metadata of a target has the digest of its image.
const KeyDigest = "containerimage.digest"

// KeyImageName is where it has the names, separated by commas.
const KeyImageName = "image.name"

// DecodeMetadata is the metadata of a target as buildx writes it into files:
// what BuildKit says in base64 is JSON there.
func DecodeMetadata(metadata map[string]string) map[string]any {
	decoded := make(map[string]any, len(metadata))
	for key, value := range metadata {
		decoded[key] = value
		text, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			continue
		}
		var object map[string]any
		var list []map[string]any
		if json.Unmarshal(text, &object) == nil && len(object) > 0 || json.Unmarshal(text, &list) == nil && len(list) > 0 {
			decoded[key] = json.RawMessage(text)
		}
	}
	return decoded
}

// PushedSize is how many bytes an image has in its registry: what is common to
// its platforms counts once, attestations do not count.
func (e *Engine) PushedSize(ctx context.Context, image, imageDigest string) (int64, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return 0, err
	}
	at := slices.IndexFunc(e.nodes, func(n builder.Node) bool { return n.Err == nil })
	if at < 0 {
		return 0, errors.New("no node answers")
	}
	ctx, cancel := e.askFor(ctx)
	defer cancel()
	resolver := imagetools.New(e.nodes[at].ImageOpt)
	blobs := map[digest.Digest]int64{}
	if err := blobsOf(ctx, resolver, reference.TrimNamed(named).String()+"@", imageDigest, blobs); err != nil {
		return 0, err
	}
	var size int64
	for _, n := range blobs {
		size += n
	}
	return size, nil
}

// blobsOf collects the sizes of what an index or manifest refers to.
func blobsOf(ctx context.Context, resolver *imagetools.Resolver, repository, manifestDigest string, blobs map[digest.Digest]int64) error {
	text, descriptor, err := resolver.Get(ctx, repository+manifestDigest)
	if err != nil {
		return err
	}
	if !images.IsIndexType(descriptor.MediaType) {
		var manifest ocispecs.Manifest
		err := json.Unmarshal(text, &manifest)
		for _, blob := range append(manifest.Layers, manifest.Config) {
			blobs[blob.Digest] = blob.Size
		}
		return err
	}
	var index ocispecs.Index
	if err := json.Unmarshal(text, &index); err != nil {
		return err
	}
	for _, m := range index.Manifests {
		if m.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			continue
		}
		if err := blobsOf(ctx, resolver, repository, m.Digest.String(), blobs); err != nil {
			return err
		}
	}
	return nil
}

// LoadedSize is how many bytes an image has in Docker.
func (e *Engine) LoadedSize(ctx context.Context, image string) (int64, error) {
	info, err := e.cli.Client().ImageInspect(ctx, image)
	return info.Size, err
}
