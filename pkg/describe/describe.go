// Package describe asks a registry what is in images: as much as package changes
// compares.
package describe

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/changes"
	"github.com/runbake/runbake/pkg/registry"
)

// bounds are far more than images of runtimes have.
func bounds() registry.Bounds {
	return registry.Bounds{Unpacked: 16 << 30, Entries: 4_000_000, File: 64 << 20, Kept: 128 << 20, Near: 50_000}
}

// Image is what a name stands for, and what is in it.
type Image struct {
	Name     string
	Digest   string
	Variants []changes.Image

	own map[string]registry.Variant // by platform
}

// Compare reads and compares the images that two names stand for; platform is "" for
// all. What is the same is not read. Packages are those of SBOMs where both images have
// one, else those of the package databases in their layers: what one way finds is not
// held against what the other does.
func Compare(ctx context.Context, client *registry.Client, before, after, platform string) (changes.Item, error) {
	item := changes.Item{Before: changes.Named{Image: before}, After: changes.Named{Image: after}}
	old, err := open(ctx, client, before, platform)
	if err != nil {
		return item, err
	}
	item.Before.Digest = old.Digest
	now, err := open(ctx, client, after, platform)
	if err != nil {
		return item, err
	}
	item.After.Digest = now.Digest
	if platform != "" && len(old.Variants)+len(now.Variants) == 0 {
		return item, fmt.Errorf("neither %s nor %s is for %s", before, after, platform)
	}
	for i := range now.Variants {
		b, a := old.find(now.Variants[i].Platform), &now.Variants[i]
		if b == nil || b.Digest == a.Digest {
			continue
		}
		if err := readPair(ctx, client, old, now, b, a); err != nil {
			return item, err
		}
	}
	item.Platforms = changes.Compare(old.Variants, now.Variants)
	item.Done()
	return item, nil
}

func (i *Image) find(platform string) *changes.Image {
	at := slices.IndexFunc(i.Variants, func(v changes.Image) bool { return v.Platform == platform })
	if at < 0 {
		return nil
	}
	return &i.Variants[at]
}

// open reads what manifests and configurations say.
func open(ctx context.Context, client *registry.Client, name, platform string) (*Image, error) {
	found, err := client.Describe(ctx, name)
	if err != nil {
		return nil, err
	}
	image := &Image{Name: name, Digest: found.Digest, own: map[string]registry.Variant{}}
	for _, v := range found.Variants {
		if platform != "" && v.Platform != platform {
			continue
		}
		image.own[v.Platform] = v
		image.Variants = append(image.Variants, changes.Image{
			Platform: v.Platform, Digest: v.Digest, Size: v.Size, Layers: v.Layers,
			Config: changes.Config(v.Config),
		})
	}
	return image, nil
}

// readPair reads bases and packages of the images of one platform.
func readPair(ctx context.Context, client *registry.Client, old, now *Image, b, a *changes.Image) error {
	type side struct {
		image *Image
		of    *changes.Image
	}
	sides := []side{{old, b}, {now, a}}
	attested := true
	for _, s := range sides {
		v := s.image.own[s.of.Platform]
		if err := readBase(ctx, client, s.image.Name, v, s.of); err != nil {
			return err
		}
		found, err := readSBOM(ctx, client, s.image.Name, v, s.of)
		if err != nil {
			return err
		}
		attested = attested && found
	}
	if attested {
		return nil
	}
	for _, s := range sides {
		if err := readLayers(ctx, client, s.image.Name, s.of); err != nil {
			return err
		}
	}
	return nil
}

func readBase(ctx context.Context, client *registry.Client, name string, v registry.Variant, into *changes.Image) error {
	provenance, err := client.Statement(ctx, name, v, registry.PredicateProvenance)
	if err != nil {
		return err
	}
	said := maps.Clone(v.Config.Labels)
	if said == nil {
		said = map[string]string{}
	}
	maps.Copy(said, v.Notes)
	into.Base, err = changes.ReadBase(said, provenance)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", name, v.Platform, err)
	}
	return nil
}

func readSBOM(ctx context.Context, client *registry.Client, name string, v registry.Variant, into *changes.Image) (bool, error) {
	statement, err := client.Statement(ctx, name, v, registry.PredicateSPDX)
	if err != nil || statement == nil {
		return false, err
	}
	if into.Packages, err = changes.ReadSPDX(statement); err != nil {
		return false, fmt.Errorf("%s, %s: %w", name, v.Platform, err)
	}
	into.Source = changes.SBOM
	return true, nil
}

// Where package databases are. Systems whose /lib is a link have that of apk below /usr.
const (
	dpkgStatus  = "var/lib/dpkg/status"
	dpkgStatusD = "var/lib/dpkg/status.d" // of images without dpkg, a file for each package
	apkDatabase = "lib/apk/db/installed"
	apkMerged   = "usr/lib/apk/db/installed"
)

// readLayers reads the package databases of an image. One that has none has no packages
// that anybody could compare.
func readLayers(ctx context.Context, client *registry.Client, name string, into *changes.Image) error {
	into.Packages, into.Source = nil, ""
	own := registry.RepositoryOf(name) + "@" + into.Digest
	files, err := client.Extract(ctx, own, []string{dpkgStatus, dpkgStatusD, apkDatabase, apkMerged}, bounds())
	if err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		read := changes.ReadApk
		switch {
		case file == dpkgStatus:
			read = changes.ReadDpkg
		case strings.HasPrefix(file, dpkgStatusD+"/"):
			if path.Ext(file) == ".md5sums" {
				continue
			}
			read = changes.ReadDpkg
		case file != apkDatabase && file != apkMerged:
			continue
		}
		found, err := read(files[file])
		if err != nil {
			return fmt.Errorf("%s, %s: %w", name, into.Platform, err)
		}
		into.Packages, into.Source = append(into.Packages, found...), changes.Layers
	}
	return nil
}
