// Package reproducible compares what two builds made of the same images: it
// finds the layers that differ, the first file in each that does, and the
// fields of the configuration. Layers are read side by side, and no layer is in
// memory as a whole.
//
// Attestations are left out: provenance has the time of the build in it.
package reproducible

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// What says what of something differs.
type What string

// What may differ of a file in a layer, of a layer, and of an image.
const (
	WhatPresence    What = "presence"    // it is in one of the two only
	WhatOrder       What = "order"       // of files in the archive
	WhatType        What = "type"        // file, folder, link and so on
	WhatContent     What = "content"     //
	WhatMode        What = "mode"        //
	WhatOwner       What = "owner"       // numbers and names
	WhatLink        What = "link"        // where it leads
	WhatTime        What = "time"        // of the last modification
	WhatXattr       What = "xattr"       // an extended attribute
	WhatHeader      What = "header"      // what else the archive says of a file
	WhatArchive     What = "archive"     // how the same files are written
	WhatCompression What = "compression" // how the same archive is compressed
	WhatLayers      What = "layers"      // how many there are
	WhatConfig      What = "config"      // a field of the configuration
	WhatManifest    What = "manifest"    // a field of the manifest
)

// Change is one thing that differs.
type Change struct {
	What   What   `json:"what"`
	Name   string `json:"name,omitempty"` // of a field or an attribute
	First  string `json:"first"`          // what the first build has; "" for nothing
	Second string `json:"second"`
}

// Difference is where two builds part: in a layer, or in what an image says of
// itself.
type Difference struct {
	Layer       int      `json:"layer,omitempty"`       // from 1; 0 when it is in no layer
	Instruction string   `json:"instruction,omitempty"` // that made the layer
	Path        string   `json:"path,omitempty"`        // of the first file in it that differs
	Changes     []Change `json:"changes"`
}

// Image is one platform of what was built twice.
type Image struct {
	Platform    string       `json:"platform"`
	First       string       `json:"first"`                 // digest; "" when the first build has no such platform
	Second      string       `json:"second"`                //
	Differences []Difference `json:"differences,omitempty"` // none when the digests are the same
}

// Compare compares two folders in OCI's image layout. The result is sorted by
// platform. The differences of an image are in the order of its layers, one for
// each layer that differs; what the image says of itself comes last.
func Compare(ctx context.Context, first, second string) ([]Image, error) {
	before, err := open(first)
	if err != nil {
		return nil, err
	}
	after, err := open(second)
	if err != nil {
		return nil, err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	images := make([]Image, 0, len(names))
	for _, platform := range slices.Sorted(maps.Keys(names)) {
		image, err := compareImages(ctx, platform, before[platform], after[platform])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}
		images = append(images, image)
	}
	return images, nil
}

// open reads the images of a layout, by platform.
func open(dir string) (map[string]v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the image layout: %w", err)
	}
	images := map[string]v1.Image{}
	if err := collect(index, images, 0); err != nil {
		return nil, fmt.Errorf("reading the image layout: %w", err)
	}
	return images, nil
}

// maxNesting is how deep indexes may be in one another: BuildKit writes two.
const maxNesting = 4

// collect finds the images of an index and of those in it.
func collect(index v1.ImageIndex, into map[string]v1.Image, depth int) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range manifest.Manifests {
		switch {
		case d.Annotations["vnd.docker.reference.type"] == "attestation-manifest":
		case d.MediaType.IsIndex():
			if depth == maxNesting {
				return fmt.Errorf("%s: indexes are nested too deeply", d.Digest)
			}
			nested, err := index.ImageIndex(d.Digest)
			if err != nil {
				return err
			}
			if err := collect(nested, into, depth+1); err != nil {
				return err
			}
		case d.MediaType.IsImage():
			image, err := index.Image(d.Digest)
			if err != nil {
				return err
			}
			if err := add(into, d, image); err != nil {
				return err
			}
		}
	}
	return nil
}

// add puts an image under its platform, which an index need not give.
func add(into map[string]v1.Image, d v1.Descriptor, image v1.Image) error {
	platform := d.Platform
	if platform == nil {
		config, err := image.ConfigFile()
		if err != nil {
			return err
		}
		platform = config.Platform()
	}
	name := platform.String()
	if into[name] != nil {
		return fmt.Errorf("two images are for %s", name)
	}
	into[name] = image
	return nil
}

func compareImages(ctx context.Context, platform string, before, after v1.Image) (Image, error) {
	result := Image{Platform: platform}
	for _, side := range []struct {
		image v1.Image
		into  *string
	}{{before, &result.First}, {after, &result.Second}} {
		if side.image == nil {
			continue
		}
		digest, err := side.image.Digest()
		if err != nil {
			return result, err
		}
		*side.into = digest.String()
	}
	switch {
	case result.First == result.Second:
		return result, nil
	case before == nil || after == nil:
		result.Differences = []Difference{{Changes: []Change{{What: WhatPresence, First: result.First, Second: result.Second}}}}
		return result, nil
	}
	differences, err := compareLayers(ctx, before, after)
	if err != nil {
		return result, err
	}
	changes, err := compareSelves(before, after, len(differences) > 0)
	if err != nil {
		return result, err
	}
	if len(changes) > 0 {
		differences = append(differences, Difference{Changes: changes})
	}
	if len(differences) == 0 {
		differences = []Difference{{Changes: []Change{{What: WhatManifest, First: result.First, Second: result.Second}}}}
	}
	result.Differences = differences
	return result, nil
}

// compareLayers finds the first file that differs of each layer.
func compareLayers(ctx context.Context, before, after v1.Image) ([]Difference, error) {
	first, err := before.Layers()
	if err != nil {
		return nil, err
	}
	second, err := after.Layers()
	if err != nil {
		return nil, err
	}
	made, err := instructions(before)
	if err != nil {
		return nil, err
	}
	var differences []Difference
	for i := range min(len(first), len(second)) {
		path, changes, err := compareLayer(ctx, first[i], second[i])
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		if len(changes) > 0 {
			d := Difference{Layer: i + 1, Path: path, Changes: changes}
			if len(made) == len(first) {
				d.Instruction = made[i]
			}
			differences = append(differences, d)
		}
	}
	if len(first) != len(second) {
		differences = append(differences, Difference{Changes: []Change{{WhatLayers, "", strconv.Itoa(len(first)), strconv.Itoa(len(second))}}})
	}
	return differences, nil
}

// instructions are what made the layers of an image, as its history says.
func instructions(image v1.Image) ([]string, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	var made []string
	for _, h := range config.History {
		if !h.EmptyLayer {
			made = append(made, strings.TrimSuffix(cmp.Or(h.CreatedBy, h.Comment), " # buildkit"))
		}
	}
	return made, nil
}
