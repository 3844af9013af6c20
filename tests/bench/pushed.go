package bench

import (
	"context"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Pushed is one image of a registry, for one platform.
type Pushed struct {
	Name     string // repository:tag
	Platform string
	Digest   string
	Size     int64 // bytes of its layers, compressed
}

// PushedImages lists the images of a registry, sorted by name; attestations and
// caches are none.
func PushedImages(ctx context.Context, registry string) ([]Pushed, error) {
	reg, err := name.NewRegistry(registry, name.Insecure)
	if err != nil {
		return nil, err
	}
	repositories, err := remote.Catalog(ctx, reg)
	if err != nil {
		return nil, err
	}
	slices.Sort(repositories)
	var images []Pushed
	for _, repository := range repositories {
		repo := reg.Repo(repository)
		tags, err := remote.List(repo, remote.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, tag := range slices.Sorted(slices.Values(tags)) {
			found, err := platformsOf(ctx, repo.Tag(tag))
			if err != nil {
				return nil, err
			}
			images = append(images, found...)
		}
	}
	return images, nil
}

func platformsOf(ctx context.Context, tag name.Tag) ([]Pushed, error) {
	index, err := remote.Index(tag, remote.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var images []Pushed
	for _, m := range manifest.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" {
			continue
		}
		image, err := index.Image(m.Digest)
		if err != nil {
			return nil, err
		}
		size, err := compressed(image)
		if err != nil {
			return nil, err
		}
		images = append(images, Pushed{
			Name: tag.RepositoryStr() + ":" + tag.TagStr(), Platform: m.Platform.String(), Digest: m.Digest.String(), Size: size,
		})
	}
	return images, nil
}

func compressed(image v1.Image) (int64, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, l := range manifest.Layers {
		sum += l.Size
	}
	return sum, nil
}
