package e2e_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// onePlatform makes an image with a file.
func onePlatform(t *testing.T, platform, content string, labels map[string]string) v1.Image {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "base", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1), layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture, _ = strings.Cut(platform, "/")
	config.Config.Labels = labels
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

// tiny pushes the image that the others are built on.
func (l *lane) tiny(t *testing.T, content string) {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range bothPlatforms {
		os, arch, _ := strings.Cut(platform, "/")
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        onePlatform(t, platform, noise("tiny"+platform+content), nil),
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}},
		})
	}
	ref, err := name.ParseReference(l.Registry()+"/"+l.name+"/tiny:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// builtElsewhere pushes what machines for each platform would, by digest, and
// writes what they would say of it.
func (l *lane) builtElsewhere(t *testing.T, registry, content string) (metadata []string) {
	t.Helper()
	for family := range families {
		l.change(t, family, content)
	}
	dir := t.TempDir()
	for i, platform := range bothPlatforms {
		said := map[string]any{}
		for family := range families {
			img := onePlatform(t, platform, noise(family+platform+content), map[string]string{"turn": content})
			digest, err := img.Digest()
			if err != nil {
				t.Fatal(err)
			}
			repository := l.name + "/from/" + family
			ref, err := name.NewDigest(l.Registry()+"/"+repository+"@"+digest.String(), name.Insecure)
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(ref, img, remote.WithContext(t.Context())); err != nil {
				t.Fatal(err)
			}
			said[family+"-1"] = map[string]string{"containerimage.digest": digest.String(), "image.name": registry + "/" + repository}
		}
		text, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, strconv.Itoa(i)+".json")
		write(t, file, string(text))
		metadata = append(metadata, "--metadata="+file)
	}
	return metadata
}

// publish is runbake publish, from one path of a registry to another.
func (l *lane) publish(from string, metadata []string) []string {
	return append([]string{"publish", "--format=json", fmt.Sprintf("--registries=%s/%s/from,%s/%[2]s/to", from, l.name, l.proxy.Addr), "--registry-timeout=20s"}, metadata...)
}
