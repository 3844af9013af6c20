package registry_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/registry"
)

// TestDetails: sizes, attestations and SBOMs of each platform, by digest.
func TestDetails(t *testing.T) {
	s := newServer(t)
	repository := s.host + "/acme/node"
	digest := push(t, repository, carrying(t, "some text of ", both, slsa, spdx), "24")
	got, err := client(t, registry.Retry{}).Details(t.Context(), repository+":24")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(digest, got.Digest) || got.Signed || len(got.Platforms) != len(both) {
		t.Fatalf("got %+v of %s", got, digest)
	}
	for i, p := range got.Platforms {
		if p.Name != both[i] || p.Size < 200 || !slices.Equal(p.Attested, []string{registry.SBOM, registry.Provenance}) ||
			len(p.Statements) != 1 || !bytes.Equal(p.Statements[0], []byte(spdx+p.Digest)) {
			t.Errorf("got %+v with %q", p, p.Statements)
		}
	}
}

// TestDetailsOfOne: an image without an index has one platform, and no
// attestations.
func TestDetailsOfOne(t *testing.T) {
	s := newServer(t)
	push(t, s.host+"/acme/node", image(t, "linux/arm64", "text"), "24")
	got, err := client(t, registry.Retry{}).Details(t.Context(), s.host+"/acme/node:24")
	if err != nil || len(got.Platforms) != 1 || got.Platforms[0].Name != "linux/arm64" || len(got.Platforms[0].Statements) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestDetailsTampered: an SBOM that is not what its digest says is an error.
func TestDetailsTampered(t *testing.T) {
	s := newServer(t)
	push(t, s.host+"/acme/node", carrying(t, "text", both[:1], spdx), "24")
	s.set(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		_, err := w.Write([]byte(strings.Repeat("x", len(spdx)+len("sha256:")+64)))
		return err == nil
	})
	got, err := client(t, registry.Retry{Attempts: 1}).Details(t.Context(), s.host+"/acme/node:24")
	if err == nil || !strings.Contains(err.Error(), "sha256") {
		t.Errorf("got %+v, %v", got, err)
	}
}
