package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/runbake/runbake/pkg/registry"
)

// ample is more than any test has.
var ample = registry.Bounds{Unpacked: 1 << 20, Entries: 100, File: 1 << 10, Kept: 1 << 12, Near: 20}

// places are those of package databases.
var places = []string{"var/lib/dpkg/status", "var/lib/dpkg/status.d", "lib/apk/db/installed"}

// packEntries packs a layer: "name=text" is a file, "name/" a folder, "name->target" a
// link.
func packEntries(t testing.TB, entries ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	for _, e := range entries {
		header := &tar.Header{Mode: 0o755, Typeflag: tar.TypeReg}
		text := ""
		switch name, target, isLink := strings.Cut(e, "->"); {
		case isLink:
			header.Name, header.Linkname, header.Typeflag = name, target, tar.TypeSymlink
		case strings.HasSuffix(e, "/"):
			header.Name, header.Typeflag = e, tar.TypeDir
		default:
			header.Name, text, _ = strings.Cut(e, "=")
			header.Size = int64(len(text))
		}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// pushLayers pushes an image of layers, and names it by digest.
func pushLayers(t testing.TB, s *server, layers ...[]byte) string {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	var err error
	for _, l := range layers {
		if img, err = mutate.AppendLayers(img, static.NewLayer(l, types.OCILayer)); err != nil {
			t.Fatal(err)
		}
	}
	if img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatal(err)
	}
	return push(t, s.host+"/acme/image", img)
}

// TestExtract: what layers lay over each other and take away, and names that lead
// elsewhere.
func TestExtract(t *testing.T) {
	for name, c := range map[string]struct {
		layers [][]string
		want   string
	}{
		"nothing":                      {[][]string{{"etc/passwd=x"}}, ""},
		"one":                          {[][]string{{"./var/lib/dpkg/status=1", "etc/passwd=x"}}, "var/lib/dpkg/status=1"},
		"the last layer counts":        {[][]string{{"var/lib/dpkg/status=1"}, {"/var/lib/dpkg/status=2"}}, "var/lib/dpkg/status=2"},
		"below a place":                {[][]string{{"var/lib/dpkg/status.d/a=1", "var/lib/dpkg/status.d/b=2"}}, "var/lib/dpkg/status.d/a=1 var/lib/dpkg/status.d/b=2"},
		"beside a place":               {[][]string{{"var/lib/dpkg/status-old=1", "var/lib/dpkg/info/a.list=2"}}, ""},
		"taken away":                   {[][]string{{"var/lib/dpkg/status=1"}, {"var/lib/dpkg/.wh.status="}}, ""},
		"taken away with its folder":   {[][]string{{"var/lib/dpkg/status=1", "lib/apk/db/installed=2"}, {"var/.wh.lib="}}, "lib/apk/db/installed=2"},
		"opaque":                       {[][]string{{"var/lib/dpkg/status.d/a=1"}, {"var/lib/dpkg/status.d/b=2", "var/lib/dpkg/status.d/.wh..wh..opq="}}, "var/lib/dpkg/status.d/b=2"},
		"an opaque root":               {[][]string{{"var/lib/dpkg/status=1"}, {".wh..wh..opq="}}, ""},
		"taken away and there again":   {[][]string{{"var/lib/dpkg/status=1"}, {"var/lib/dpkg/.wh.status="}, {"var/lib/dpkg/status=3"}}, "var/lib/dpkg/status=3"},
		"a folder stays":               {[][]string{{"var/lib/dpkg/status=1"}, {"var/lib/dpkg/"}}, "var/lib/dpkg/status=1"},
		"a folder in its place":        {[][]string{{"var/lib/dpkg/status=1"}, {"var/lib/dpkg/status/"}}, ""},
		"a link in its place":          {[][]string{{"var/lib/dpkg/status=1"}, {"var/lib/dpkg/status->/etc/passwd"}}, ""},
		"a link in the folder's place": {[][]string{{"lib/apk/db/installed=1"}, {"lib->usr/lib"}}, ""},
		"a way out":                    {[][]string{{"../../var/lib/dpkg/status=1", "var/lib/dpkg/status.d/../../../../etc/shadow=2"}}, "var/lib/dpkg/status=1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			var layers [][]byte
			for _, entries := range c.layers {
				layers = append(layers, packEntries(t, entries...))
			}
			files, err := client(t, never).Extract(t.Context(), pushLayers(t, s, layers...), places, ample)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, name := range slices.Sorted(maps.Keys(files)) {
				got = append(got, name+"="+string(files[name]))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// TestExtractBounds: a layer that is made to keep us busy is refused, and says why.
func TestExtractBounds(t *testing.T) {
	many := func(format string, n int) []string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, i))
		}
		return all
	}
	large := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		layer []byte
		want  string
	}{
		"a bomb":          {packEntries(t, "zeros="+strings.Repeat("\x00", 2<<20)), "its layers unpack to more than 1048576 bytes"},
		"many files":      {packEntries(t, many("f%d=", 101)...), "its layers have more than 100 files"},
		"a large file":    {packEntries(t, "var/lib/dpkg/status="+large+large), `"var/lib/dpkg/status" has 2000 bytes; 1024 are read`},
		"large in sum":    {packEntries(t, many("var/lib/dpkg/status.d/%d="+large, 5)...), "what is read of it has more than 4096 bytes"},
		"many in a place": {packEntries(t, many("var/lib/dpkg/status.d/%d=", 21)...), "its layers have more than 20 files of package databases"},
		"no archive":      {[]byte(strings.Repeat("no archive ", 100)), "unexpected answer of the registry: reading a layer: archive/tar: invalid tar header"},
	} {
		t.Run(name, func(t *testing.T) {
			image := pushLayers(t, newServer(t), c.layer)
			_, err := client(t, never).Extract(t.Context(), image, places, ample)
			if err == nil || err.Error() != image+": "+c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestExtractInterrupted: a layer that unpacks for long ends with the context.
func TestExtractInterrupted(t *testing.T) {
	image := pushLayers(t, newServer(t), packEntries(t, "zeros="+strings.Repeat("\x00", 64<<20)))
	c := client(t, never)
	if _, err := c.Resolve(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(5*time.Millisecond, func() { cancel(stopped) })
	b := ample
	b.Unpacked = 1 << 40
	if _, err := c.Extract(ctx, image, places, b); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
}
