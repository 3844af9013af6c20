package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestStages lists the stages that a context of their name would replace:
// name=image for those that are nothing but an image.
func TestStages(t *testing.T) {
	for _, c := range []struct{ name, src, stage, want string }{
		{"no names", "FROM debian:12\nRUN true", "", ""},
		{"target", "FROM golang:1 AS build\nRUN go build\nFROM debian:12 AS final\nCOPY --from=build /a /a", "", "build= final="},
		{"not reached", "FROM golang:1 AS build\nFROM debian:12 AS final", "", "final=debian:12"},
		{"another target", "FROM golang:1 AS build\nFROM debian:12 AS final", "build", "build=golang:1"},
		{"lower case", "FROM golang:1 AS Build\nFROM BUILD", "", "build=golang:1"},
		{"built on a stage", "FROM golang:1\nFROM 0 AS x\nFROM golang:1 AS a\nFROM a AS b\nFROM b", "", "a=golang:1 b="},
		{"mounted", "FROM golang:1 AS m\nFROM debian:12\nRUN --mount=from=m,target=/m true", "", "m=golang:1"},
		{"for each platform", "FROM golang:1-${TARGETARCH} AS m\nFROM m", "", "m="},
		{"no such target", "FROM golang:1 AS m", "nowhere", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var got []string
			for _, s := range f.Stages(c.stage, nil, both) {
				got = append(got, fmt.Sprintf("%s=%s", s.Name, s.Image))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), c.want)
			}
		})
	}
}
