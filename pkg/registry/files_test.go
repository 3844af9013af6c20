package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layer is a layer of files, and of things that are none.
func layer(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	entries := []*tar.Header{{Name: "usr", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "usr/link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}}
	for name, text := range files {
		entries = append(entries, &tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o755})
	}
	for _, header := range entries {
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(files[header.Name])); err != nil && header.Typeflag == tar.TypeReg {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// TestFiles: the files of one platform, later layers last, names that lead
// nowhere else; and nothing that is not what the digests say.
func TestFiles(t *testing.T) {
	s := newServer(t)
	first := layer(t, map[string]string{"usr/bin/daemon": "old", "../../escape": "e"})
	second := layer(t, map[string]string{"./usr/bin/daemon": "new", "/usr/bin/other": strings.Repeat("x", 1<<16)})
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		static.NewLayer(first, types.OCILayer), static.NewLayer(second, types.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatal(err)
	}
	repository := s.host + "/moby/buildkit"
	pushed := push(t, repository, attested(t, map[string]v1.Image{"linux/amd64": img, "linux/arm64": image(t, "linux/arm64", "b")}), "v1")

	read := func(platform string) (map[string]string, string, error) {
		got := map[string]string{}
		digest, err := client(t, never).Files(t.Context(), repository+":v1", platform, func(name string, content io.Reader) error {
			text, err := io.ReadAll(content)
			got[name] = string(text[:min(len(text), 3)])
			return err
		})
		return got, digest, err
	}
	got, digest, err := read("linux/amd64")
	want := map[string]string{"usr/bin/daemon": "new", "usr/bin/other": "xxx", "escape": "e"}
	if err != nil || !maps.Equal(got, want) || repository+"@"+digest != pushed {
		t.Errorf("got %v, %s, %v", got, digest, err)
	}
	if _, _, err := read("linux/s390x"); err == nil || !strings.HasSuffix(err.Error(), ":v1: there is no image for linux/s390x") {
		t.Errorf("another platform: %v", err)
	}

	// A blob that is another one, or cut; and one of the same
	// length and content, of which only the digest is another.
	renamed := bytes.Clone(second)
	renamed[4] ^= 1 // a time in gzip's header
	for name, blob := range map[string][]byte{
		"another": layer(t, map[string]string{"usr/bin/daemon": "evil"}),
		"cut":     second[:len(second)-9], "the same but for its digest": renamed,
	} {
		hash, err := static.NewLayer(second, types.OCILayer).Digest()
		if err != nil {
			t.Fatal(err)
		}
		s.set(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/blobs/"+hash.String()) || r.Method != http.MethodGet {
				return false
			}
			w.(http.Flusher).Flush() // so that it does not say how long it is
			_, _ = w.Write(blob)     // who asks sees it
			return true
		})
		if _, _, err := read("linux/amd64"); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}
