package registry_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/runbake/runbake/pkg/registry"
)

// stated is an index with an image and what is attested of it.
func stated(t testing.TB, statements ...mutate.Addendum) v1.ImageIndex {
	t.Helper()
	img, err := mutate.ConfigFile(image(t, "linux/amd64", "layer"), &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{
		User: "me", Cmd: []string{"a"}, Env: []string{"A=1=2", "B"}, ExposedPorts: map[string]struct{}{"3000/tcp": {}, "22/tcp": {}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	attestation, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), statements...)
	if err != nil {
		t.Fatal(err)
	}
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest.String()},
		}})
}

func addendum(predicate, text string) mutate.Addendum {
	return mutate.Addendum{
		Layer:       static.NewLayer([]byte(text), "application/vnd.in-toto+json"),
		Annotations: map[string]string{"in-toto.io/predicate-type": predicate},
	}
}

// TestDescribe: what manifests, configurations and attestations say.
func TestDescribe(t *testing.T) {
	s := newServer(t)
	name := push(t, s.host+"/acme/node", stated(t, addendum("https://slsa.dev/provenance/v1", "how"), addendum("https://spdx.dev/Document", "what")))
	c := client(t, never)
	found, err := c.Describe(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	v := found.Variants[0]
	want := "linux/amd64 5 1 {me   [] [a] [22/tcp 3000/tcp] [] map[A:1=2 B:] map[]} map[level:manifest]"
	if got := fmt.Sprint(v.Platform, " ", v.Size, " ", v.Layers, " ", v.Config, " ", v.Notes); got != want || len(found.Variants) != 1 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for predicate, want := range map[string]string{registry.PredicateSPDX: "what", registry.PredicateProvenance: "how", "https://cyclonedx.org/": ""} {
		if got, err := c.Statement(t.Context(), name, v, predicate); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", predicate, got, err)
		}
	}
}

// huge is a layer that says that it is larger than it is.
type huge struct{ v1.Layer }

func (huge) Size() (int64, error) { return 1 << 40, nil }

// MediaType is one whose content stays elsewhere, so that it need not be pushed.
func (huge) MediaType() (types.MediaType, error) { return types.OCIRestrictedLayer, nil }

// TestStatementBounds: an attestation that is too large is not read.
func TestStatementBounds(t *testing.T) {
	many := make([]mutate.Addendum, 65)
	for i := range many {
		many[i] = addendum("x", strconv.Itoa(i))
	}
	large := addendum(registry.PredicateSPDX, "small")
	large.Layer = huge{large.Layer}
	for want, statements := range map[string][]mutate.Addendum{
		"it has 65 attestations; 64 are read":                       many,
		"an attestation has 1099511627776 bytes; 67108864 are read": {large},
	} {
		s := newServer(t)
		name := push(t, s.host+"/acme/node", stated(t, statements...))
		c := client(t, never)
		found, err := c.Describe(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Statement(t.Context(), name, found.Variants[0], registry.PredicateSPDX); err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
