package reproducible_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/runbake/runbake/pkg/reproducible"
)

// layer is an archive as a layer.
func layer(t *testing.T, text []byte, options ...tarball.LayerOption) v1.Layer {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }, options...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// image is an image with a base layer and one that an instruction has made.
func image(t *testing.T, made v1.Layer, edit func(*v1.ConfigFile)) v1.Image {
	t.Helper()
	config := &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{Env: []string{"PATH=/bin", "A=1"}, Labels: map[string]string{"l": "1"}}}
	if edit != nil {
		edit(config)
	}
	img, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), config)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.Append(img,
		mutate.Addendum{Layer: layer(t, archive(t, file("base", "same"))), History: v1.History{CreatedBy: "ADD rootfs.tar /"}},
		mutate.Addendum{History: v1.History{CreatedBy: "ENV A=1", EmptyLayer: true}},
		mutate.Addendum{Layer: made, History: v1.History{CreatedBy: "RUN make # buildkit", Comment: "buildkit.dockerfile.v0"}})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// write writes images of platforms as BuildKit does: an index in an index, with
// attestations, or without platforms when there is one image only.
func write(t *testing.T, images map[string]v1.Image) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	index := v1.ImageIndex(empty.Index)
	for name, img := range images {
		if name == "" {
			index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img})
			continue
		}
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
	}
	if len(images) > 1 {
		attestation := image(t, layer(t, archive(t, file(t.TempDir(), "another in each"))), nil)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"},
		}})
		index = mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: index})
	}
	if _, err := layout.Write(dir, index); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCompare: which layer differs, which instruction made it, and which fields.
func TestCompare(t *testing.T) {
	one, other := archive(t, file("a", "1")), archive(t, file("a", "2"))
	same := func() v1.Layer { return layer(t, one) }
	plain := image(t, same(), nil)
	content := []reproducible.Change{{What: reproducible.WhatContent, Name: "byte 0", First: `"1"`, Second: `"2"`}}
	for _, test := range []struct {
		name        string
		second      v1.Image
		differences []reproducible.Difference
	}{
		{"nothing", image(t, same(), nil), nil},
		{"a file", image(t, layer(t, other), nil), []reproducible.Difference{{Layer: 2, Instruction: "RUN make", Path: "a", Changes: content}}},
		{"compression", image(t, layer(t, one, tarball.WithCompressionLevel(gzip.BestCompression)), nil), []reproducible.Difference{{
			Layer: 2, Instruction: "RUN make", Changes: []reproducible.Change{{What: reproducible.WhatCompression}},
		}}},
		{"archive", image(t, layer(t, append(bytes.Clone(one), make([]byte, 512)...)), nil), []reproducible.Difference{{
			Layer: 2, Instruction: "RUN make", Changes: []reproducible.Change{{What: reproducible.WhatArchive}},
		}}},
		{"fields", image(t, same(), func(c *v1.ConfigFile) {
			c.Created = v1.Time{Time: time.Unix(5, 0).UTC()}
			c.Config.Env[1] = "A=<2>"
			c.Config.Labels["m"] = "1"
		}), []reproducible.Difference{{Changes: []reproducible.Change{
			{What: reproducible.WhatConfig, Name: "config.Env[1]", First: `"A=1"`, Second: `"A=<2>"`},
			{What: reproducible.WhatConfig, Name: "config.Labels.m", Second: `"1"`},
			{What: reproducible.WhatConfig, Name: "created", First: `"0001-01-01T00:00:00Z"`, Second: `"1970-01-01T00:00:05Z"`},
		}}}},
		{"a file and a field", image(t, layer(t, other), func(c *v1.ConfigFile) { c.Config.User = "me" }), []reproducible.Difference{
			{Layer: 2, Instruction: "RUN make", Path: "a", Changes: content},
			{Changes: []reproducible.Change{{What: reproducible.WhatConfig, Name: "config.User", Second: `"me"`}}},
		}},
		{"annotations", annotated(plain, "n", "1"), []reproducible.Difference{{
			Changes: []reproducible.Change{{What: reproducible.WhatManifest, Name: "annotations", Second: `{"n":"1"}`}},
		}}},
		{"number of layers", mustAppend(t, plain, same()), []reproducible.Difference{{
			Changes: []reproducible.Change{{What: reproducible.WhatLayers, First: "2", Second: "3"}},
		}, {
			Changes: []reproducible.Change{{What: reproducible.WhatConfig, Name: "history[3]", Second: `{"created":"0001-01-01T00:00:00Z","created_by":"RUN more"}`}},
		}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			images, err := reproducible.Compare(t.Context(), write(t, map[string]v1.Image{"": plain}), write(t, map[string]v1.Image{"": test.second}))
			if err != nil {
				t.Fatal(err)
			}
			if len(images) != 1 || images[0].Platform != "linux/amd64" || images[0].First == "" || (images[0].First == images[0].Second) != (test.differences == nil) {
				t.Fatalf("got %+v", images)
			}
			withoutDigests(images[0].Differences)
			if !reflect.DeepEqual(images[0].Differences, test.differences) {
				t.Errorf("got  %+v\nwant %+v", images[0].Differences, test.differences)
			}
		})
	}
}

// withoutDigests clears digests of layers.
func withoutDigests(differences []reproducible.Difference) {
	for i := range differences {
		for j := range differences[i].Changes {
			c := &differences[i].Changes[j]
			if (c.What == reproducible.WhatArchive || c.What == reproducible.WhatCompression) && strings.HasPrefix(c.First, "sha256:") && c.First != c.Second {
				c.First, c.Second = "", ""
			}
		}
	}
}

func annotated(img v1.Image, key, value string) v1.Image {
	return mutate.Annotations(img, map[string]string{key: value}).(v1.Image) //nolint:forcetypeassert // it returns what it is given
}

func mustAppend(t *testing.T, img v1.Image, l v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "RUN more"}})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestComparePlatforms: platforms are compared with one another, attestations
// with nothing.
func TestComparePlatforms(t *testing.T) {
	one, other := layer(t, archive(t, file("a", "1"))), layer(t, archive(t, file("a", "2")))
	images, err := reproducible.Compare(t.Context(),
		write(t, map[string]v1.Image{"linux/arm64": image(t, one, nil), "linux/amd64": image(t, one, nil), "linux/s390x": image(t, one, nil)}),
		write(t, map[string]v1.Image{"linux/arm64": image(t, other, nil), "linux/amd64": image(t, one, nil)}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range images {
		text := i.Platform
		for _, d := range i.Differences {
			text += " " + d.Path + string(d.Changes[0].What)
		}
		got = append(got, text)
	}
	if want := []string{"linux/amd64", "linux/arm64 acontent", "linux/s390x presence"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCompareErrors: what cannot be read is an error, and so is an interrupt.
func TestCompareErrors(t *testing.T) {
	img := func(text string) map[string]v1.Image {
		return map[string]v1.Image{"": image(t, layer(t, archive(t, file("a", text))), nil)}
	}
	good := write(t, img("1"))
	if _, err := reproducible.Compare(t.Context(), good, t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "reading the image layout: ") {
		t.Errorf("an empty folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reproducible.Compare(ctx, good, write(t, img("2"))); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
