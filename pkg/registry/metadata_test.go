package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/registry"
)

const digestA, digestB = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// metadata is a file as buildx 0.38 writes it.
const metadata = `{
  "buildx.build.warnings": [{"vertex": "sha256:1"}],
  "node-24": {
    "buildx.build.ref": "bench/node0/x",
    "containerimage.descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": "` + digestA + `", "size": 855},
    "containerimage.digest": "` + digestA + `",
    "image.name": "127.0.0.1:5000/acme/node:24,127.0.0.1:5000/acme/node:24-abc,ghcr.io/acme/node"
  },
  "go-1_26": {"containerimage.digest": "` + digestB + `"},
  "test-node-24": {"buildx.build.ref": "bench/node0/y"}
}`

func TestParseMetadata(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"buildx": {metadata, "[{go-1_26 " + digestB + " []} {node-24 " + digestA + " [127.0.0.1:5000/acme/node:24 127.0.0.1:5000/acme/node:24-abc ghcr.io/acme/node]}]"},
		"empty":  {`{}`, "[]"},
		"build":  {`{"containerimage.digest": "` + digestA + `"}`, "written by docker buildx build, which does not name targets; docker buildx bake --metadata-file does"},
		"list":   {`[]`, "not a metadata file of bake: json: cannot unmarshal array into Go value of type map[string]json.RawMessage"},
		"cut":    {metadata[:100], "not a metadata file of bake: unexpected end of JSON input"},
		"digest": {`{"x": {"containerimage.digest": "sha256:1"}}`, `target "x": "sha256:1" is no digest`},
		"type":   {`{"x": {"containerimage.digest": 1}}`, `target "x": json: cannot unmarshal number into Go struct field .containerimage.digest of type string`},
	} {
		t.Run(name, func(t *testing.T) {
			built, err := registry.ParseMetadata([]byte(c.src))
			got := fmt.Sprint(built)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	built, err := registry.ParseMetadata([]byte(metadata))
	if err != nil {
		t.Fatal(err)
	}
	if got := built[1].Repositories(); !slices.Equal(got, []string{"127.0.0.1:5000/acme/node", "ghcr.io/acme/node"}) {
		t.Errorf("repositories %v", got)
	}
}

func TestSameRepository(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"node-runtime", "docker.io/library/node-runtime", true},
		{"acme/node", "index.docker.io/acme/node", true},
		{"127.0.0.1:5000/acme/node", "127.0.0.1:5000/acme/node", true},
		{"127.0.0.1:5000/acme/node", "acme/node", false},
		{"ghcr.io/acme/node", "ghcr.io/acme/node2", false},
		{"UPPER", "UPPER", false},
	} {
		if got := registry.SameRepository(c.a, c.b); got != c.same {
			t.Errorf("%s and %s: %t", c.a, c.b, got)
		}
	}
}

// FuzzParseMetadata: whatever a file holds, there is an answer, and a target
// that is in it has a digest.
func FuzzParseMetadata(f *testing.F) {
	f.Add(metadata)
	f.Add(`{"x": {"containerimage.digest": null, "image.name": ",,a:b@c,"}}`)
	f.Fuzz(func(t *testing.T, src string) {
		built, err := registry.ParseMetadata([]byte(src))
		if err != nil {
			return
		}
		for _, b := range built {
			if len(b.Digest) != len(digestA) || slices.Contains(b.Names, "") {
				t.Errorf("%+v", b)
			}
			for _, r := range b.Repositories() {
				if strings.Contains(r, "@") {
					t.Errorf("repository %q", r)
				}
			}
		}
	})
}
