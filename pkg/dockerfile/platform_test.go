package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestPlatforms: which platforms of an image a build for two asks for; "machine"
// is that of the machine that builds.
func TestPlatforms(t *testing.T) {
	cases := []struct {
		name, src string
		args      map[string]string
		want      string
	}{
		{"none", "FROM x", nil, "x: linux/amd64 linux/arm64"},
		{"a constant", "FROM --platform=linux/amd64 x", nil, "x: linux/amd64"},
		{"a constant in another spelling", "FROM --platform=linux/arm64/v8 x", nil, "x: linux/arm64"},
		{"without a system", "FROM --platform=arm/v7 x", nil, "x: linux/arm/v7"},
		{"a variant", "FROM --platform=linux/amd64/v2 x", nil, "x: linux/amd64/v2"},
		{"the target", "FROM --platform=$TARGETPLATFORM x", nil, "x: linux/amd64 linux/arm64"},
		{"a part of the target", "FROM --platform=linux/${TARGETARCH} x", nil, "x: linux/amd64 linux/arm64"},
		{"the machine", "FROM --platform=$BUILDPLATFORM x", nil, "x: machine"},
		{"a part of the machine", "FROM --platform=linux/${BUILDARCH} x", nil, "x: machine"},
		{"the machine by an argument", "ARG P=$BUILDPLATFORM\nFROM --platform=$P x", nil, "x: machine"},
		{"an argument", "ARG P=$BUILDPLATFORM\nFROM --platform=$P x", map[string]string{"P": "linux/s390x"}, "x: linux/s390x"},
		{"an argument for the machine", "FROM --platform=$BUILDPLATFORM x", map[string]string{"BUILDPLATFORM": "linux/riscv64"}, "x: linux/riscv64"},
		{"the default of an argument", "FROM --platform=${P:-linux/386} x", nil, "x: linux/386"},
		{"two uses", "FROM --platform=$BUILDPLATFORM x AS a\nFROM x\nCOPY --from=a / /", nil, "x: linux/amd64 linux/arm64 machine"},
		{"COPY takes the target's", "FROM --platform=$BUILDPLATFORM x AS a\nCOPY --from=y / /", nil, "x: machine, y: linux/amd64 linux/arm64"},
		{"RUN takes the target's", "FROM --platform=linux/386 x\nRUN --mount=from=y,target=/y true", nil, "x: linux/386, y: linux/amd64 linux/arm64"},
		{"a stage has that of its first", "FROM --platform=linux/386 x AS a\nFROM --platform=linux/arm64 a", nil, "x: linux/386"},
		{"each platform its own", "FROM x-$TARGETARCH", nil, "x-amd64: linux/amd64, x-arm64: linux/arm64"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			images, diags := f.Images("", c.args, both)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var got []string
			for _, i := range images {
				asked := i.Platforms
				if i.Machine {
					asked = append(asked, "machine")
				}
				got = append(got, i.Ref+": "+strings.Join(asked, " "))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, ", "), c.want)
			}
		})
	}
}

func TestPlatformsThatAreNone(t *testing.T) {
	cases := map[string]string{
		"ARG P\nFROM --platform=$P x":       "FROM names no platform",
		"FROM --platform=linux/a/b/c/d x":   "FROM has the platform linux/a/b/c/d",
		"FROM --platform=$BUILDPLATFORM/ x": "",
	}
	for src, want := range cases {
		f, diags := dockerfile.Parse("Dockerfile", []byte(src))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, diags = f.Images("", nil, both)
		got := ""
		if len(diags) > 0 {
			got = diags[0].Summary
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
}
