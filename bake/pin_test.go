package bake_test

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/bakecheck"
)

// TestPin: every way to take an image of others is pinned, whatever its name is
// written like; images of this repository and digests that are written stay.
func TestPin(t *testing.T) {
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	f := load(t, fstest.MapFS{
		"runbake.hcl":                 file("project {\n  registry = \"ghcr.io/acme\"\n}\n"),
		"runtimes/debian/runtime.hcl": file("base \"debian\" {\n  name = \"Debian\"\n  version \"12\" {}\n}\n"),
		"runtimes/debian/Dockerfile":  file("FROM debian\n"),
		"runtimes/x/runtime.hcl": file(`
runtime "x" {
  name = "X"
  kind = "interpreted"
  version "1" {
    from = { BASE = "docker.io/library/node:24-slim" }
  }
}
`),
		"runtimes/x/Dockerfile": file("ARG BASE\nFROM quay.io/tools/go:1@" + digest("f") + " AS go\nFROM unlocked:1 AS other\nFROM ${BASE}\n" +
			"COPY --from=go /a /a\nCOPY --from=other /o /o\nCOPY --from=alpine:3 /b /b\nRUN --mount=from=ghcr.io/acme/debian-base:12,target=/d true\n"),
	})
	f.Pin(map[string]string{
		"docker.io/library/debian:latest": digest("a"), "docker.io/library/node:24-slim": digest("b"), "docker.io/library/alpine:3": digest("c"),
		"quay.io/tools/go:1": digest("d"), "docker.io/library/unused:1": digest("e"),
	})
	got := map[string]map[string]string{}
	for _, target := range f.Targets {
		got[target.Name] = target.Contexts
	}
	want := map[string]map[string]string{
		"debian-12": {"debian": "docker-image://docker.io/library/debian:latest@" + digest("a")},
		"x-1": {
			"node:24-slim":                "docker-image://docker.io/library/node:24-slim@" + digest("b"),
			"alpine:3":                    "docker-image://docker.io/library/alpine:3@" + digest("c"),
			"ghcr.io/acme/debian-base:12": "target:debian-12",
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if err := bakecheck.Verify(t.Context(), f.Encode(), f, nil); err != nil {
		t.Error(err)
	}
}

// TestPinSyntax: what reads a Dockerfile is pinned by an argument, since there
// are no contexts yet when it is fetched.
func TestPinSyntax(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	f := load(t, fstest.MapFS{
		"runbake.hcl":            {Data: []byte("project {\n  registry = \"ghcr.io/acme\"\n}\n")},
		"runtimes/x/runtime.hcl": {Data: []byte("runtime \"x\" {\n  name = \"X\"\n  kind = \"interpreted\"\n  version \"1\" {}\n}\n")},
		"runtimes/x/Dockerfile":  {Data: []byte("# syntax=docker/dockerfile:1.7\nFROM debian:12\n")},
	})
	x := &f.Targets[0]
	if x.Pinned(x.Bases[0]) {
		t.Error("it is pinned before there is a lock")
	}
	f.Pin(map[string]string{"docker.io/docker/dockerfile:1.7": digest})
	if got, want := x.Args["BUILDKIT_SYNTAX"], "docker.io/docker/dockerfile:1.7@"+digest; got != want || len(x.Contexts) != 0 || !x.Pinned(x.Bases[0]) || x.Pinned(x.Bases[1]) {
		t.Errorf("got %q, %v, want %q", got, x.Contexts, want)
	}
	if err := bakecheck.Verify(t.Context(), f.Encode(), f, nil); err != nil {
		t.Error(err)
	}
}
