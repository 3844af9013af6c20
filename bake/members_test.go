package bake_test

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/bakecheck"
)

// TestMembers: members with the same platforms stand together, in text and
// model; a label that one image has, with an empty value, is not one of all.
func TestMembers(t *testing.T) {
	f := load(t, fstest.MapFS{
		"runbake.hcl": {Data: []byte("project {\n  registry = \"ghcr.io/acme\"\n}\n")},
		"runtimes/x/runtime.hcl": {Data: []byte(`
runtime "x" {
  name = "X"
  kind = "interpreted"
  version "1" {}
  version "2" { platforms = ["linux/amd64"] }
  version "3" { platforms = ["linux/arm64", "linux/amd64"] }
  version "4" {
    platforms = ["linux/arm64"]
    labels    = { empty = "" }
  }
  version "5" { platforms = ["linux/amd64"] }
}
`)},
		"runtimes/x/Dockerfile": {Data: []byte("FROM scratch\n")},
	})
	v := f.Defaults()
	for platform, want := range map[string]string{
		"": "x-1 x-3 x-2 x-5 x-4", "linux/amd64": "x-1 x-3 x-2 x-5", "linux/arm64": "x-1 x-3 x-4",
	} {
		v.Platform = platform
		members := f.Members(v)
		if got := strings.Join(members["x"], " "); got != want || !reflect.DeepEqual(members["x"], members["default"]) {
			t.Errorf("PLATFORM=%s: want %s, got %v", platform, want, members)
		}
	}
	if err := bakecheck.Verify(t.Context(), f.Encode(), f, nil); err != nil {
		t.Error(err)
	}
}
