package registry_test

import (
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/runbake/runbake/pkg/registry"
)

// carrying is an index of images for platforms, each with attestations of kinds.
func carrying(t *testing.T, text string, platforms []string, predicates ...string) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, name := range platforms {
		p, err := v1.ParsePlatform(name)
		if err != nil {
			t.Fatal(err)
		}
		img := image(t, name, text+name)
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}})
		statement := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
		for _, predicate := range predicates {
			statement, err = mutate.Append(statement, mutate.Addendum{
				Layer: static.NewLayer([]byte(predicate+digest.String()),
					"application/vnd.in-toto+json"), Annotations: map[string]string{"in-toto.io/predicate-type": predicate},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(predicates) > 0 {
			index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: statement, Descriptor: v1.Descriptor{
				Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
				Annotations: map[string]string{
					"vnd.docker.reference.type":   "attestation-manifest",
					"vnd.docker.reference.digest": digest.String(),
				},
			}})
		}
	}
	return index
}

const (
	spdx = "https://spdx.dev/Document"
	slsa = "https://slsa.dev/provenance/v1"
)

// TestPublishKeeps: a tag that has more than what is published is not moved, and
// the error says what it would lose.
func TestPublishKeeps(t *testing.T) {
	more := append([]string{"linux/s390x"}, both...)
	for name, c := range map[string]struct {
		before []string
		has    []string // attestations before
		gets   []string // after
		signed bool
		change func(*registry.Publication)
		want   string // "" for no error
	}{
		"as much":    {before: both, has: []string{spdx, slsa}, gets: []string{slsa, spdx}},
		"more":       {before: both[:1], has: nil, gets: []string{slsa}},
		"a platform": {before: more, want: "would lose linux/s390x; give --force to let it"},
		"an SBOM": {
			before: both, has: []string{spdx, slsa}, gets: []string{slsa},
			want: "would lose the SBOM of linux/amd64 and linux/arm64; give --force to let it",
		},
		"all attestations": {
			before: both, has: []string{spdx, slsa},
			want: "would lose the provenance of linux/amd64 and linux/arm64, the SBOM of linux/amd64 and linux/arm64; give --force to let it",
		},
		"a signature":  {before: both, signed: true, want: "would lose its signature; give --force to let it"},
		"signed again": {before: both, signed: true, change: func(p *registry.Publication) { p.Signed = true }},
		"forced": {
			before: more, has: []string{spdx}, signed: true,
			change: func(p *registry.Publication) { p.Force = true },
		},
		"another tag has less": {before: both[:1], gets: []string{spdx}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			repository := s.host + "/acme/node"
			had := carrying(t, "before", c.before, c.has...)
			push(t, repository, had, "24")
			if c.signed {
				digest, err := had.Digest()
				if err != nil {
					t.Fatal(err)
				}
				push(t, repository, image(t, "linux/amd64", "signature"), "sha256-"+digest.Hex+".sig")
			}
			p := publication(repository, []registry.Source{{
				Image: push(t, repository, carrying(t, "after", both, c.gets...)),
				From:  "built.json",
			}})
			if c.change != nil {
				c.change(&p)
			}
			_, err := client(t, registry.Retry{}).Publish(t.Context(), p, false)
			worse, refused := errors.AsType[*registry.Worse](err)
			if refused != (c.want != "") || !strings.HasSuffix(errorText(err), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if refused && (worse.Tag != repository+":24" || has(t, repository+":latest")) {
				t.Errorf("%s is refused, and latest was moved: %t", worse.Tag, has(t, repository+":latest"))
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func has(t *testing.T, tag string) bool {
	t.Helper()
	_, err := client(t, registry.Retry{}).Head(t.Context(), tag)
	return err == nil
}
