package cli

import (
	"slices"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/registry"
)

// TestPushed: what a tag stands for when an image is pushed, beside what it stands
// for now.
func TestPushed(t *testing.T) {
	both := []string{"linux/amd64", "linux/arm64"}
	all := []string{registry.Provenance, registry.SBOM}
	before := &registry.Content{Digest: "sha256:0", Platforms: both, Attestations: map[string][]string{
		both[0]: all,
		both[1]: all,
	}}
	sbom, none, provenance := bake.Attributes{"type": "sbom"}, bake.Attributes{
		"type":     "provenance",
		"disabled": "true",
	}, bake.Attributes{"type": "provenance", "mode": "max"}
	for _, c := range []struct {
		platforms []string
		attest    []bake.Attributes
		want      []string
	}{
		{both, []bake.Attributes{sbom, provenance}, nil},
		{both[:1], []bake.Attributes{sbom, provenance}, []string{"linux/arm64"}},
		{both, []bake.Attributes{sbom, none}, []string{"the provenance of linux/amd64 and linux/arm64"}},
		{both[1:], []bake.Attributes{none}, []string{
			"linux/amd64", "the provenance of linux/arm64",
			"the SBOM of linux/arm64",
		}},
	} {
		build := bake.Build{Target: &bake.Target{}, Platforms: c.platforms, Attest: c.attest}
		if got := registry.Losses(before, pushed(build)); !slices.Equal(got, c.want) {
			t.Errorf("%s with %v: it loses %q, want %q", c.platforms, c.attest, got, c.want)
		}
	}
}

// TestPushPlatforms: a push is of all platforms unless told, and all else of that
// of the machine.
func TestPushPlatforms(t *testing.T) {
	file := &bake.File{Registry: "r.example", Cache: catalogue.Cache{Type: "none"}, Targets: []bake.Target{{
		Name: "a",
		ID:   "a-1", Platforms: []string{"linux/amd64", "linux/arm64"},
	}}}
	for _, c := range []struct {
		options  buildOptions
		platform string // PLATFORM of the environment
		all      bool
	}{
		{buildOptions{}, "", false},
		{buildOptions{push: true}, "", true},
		{buildOptions{push: true}, "linux/arm64", false},
		{buildOptions{push: true, platform: "linux/arm64"}, "", false},
		{buildOptions{platform: "all"}, "linux/arm64", true},
	} {
		env := Env{LookupEnv: func(name string) (string, bool) { return c.platform, name == "PLATFORM" && c.platform != "" }}
		j := &buildJob{app: &app{env: env}, options: c.options, file: file}
		if err := j.setValues(); err != nil || (j.values.Platform == "") != c.all {
			t.Errorf("%+v with PLATFORM=%q: for %q, %v", c.options, c.platform, j.values.Platform, err)
		}
	}
}
