package bake_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// load makes the bake file of a repository of some versions.
func load(tb testing.TB, fsys fstest.MapFS) *bake.File {
	tb.Helper()
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if diags = append(diags, more...); diags.HasErrors() {
		tb.Fatal(diags)
	}
	return bake.FromCatalogue(c)
}

// everything is a repository that uses every attribute.
func everything() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"runbake.hcl": file(`
project {
  registry   = "ghcr.io/acme/functions"
  image      = "${runtime.key}"
  base_image = "base/${runtime.key}"
  tags       = ["${version.name}", "v${version.name}"]
  platforms  = ["linux/arm64", "linux/amd64"]
  labels     = { "org.opencontainers.image.vendor" = "Acme", "id" = "${version.id}" }
  cache {
    type = "registry"
    ref  = "ghcr.io/acme/cache"
  }
  attest {
    sbom       = false
    provenance = "min"
  }
  variable "CHANNEL" {
    default     = "stable"
    description = "What is released"
    pattern     = "stable|edge"
  }
  annotations = { "org.example.channel" = "${var.CHANNEL}", "id" = "annotated" }
  group "small" {
    description = "Some of them"
    targets     = ["7z", "go-1.*"]
  }
  group "one" { targets = ["debian-12"] }
  check "clean" { files = { "/etc/npmrc" = { exists = false } } }
  variable "DEBIAN" { default = "bookworm" }
}
`),
		"runtimes/debian/runtime.hcl": file(`
base "debian" {
  name = "Debian"
  version "12" { from = { BASE = "debian:${var.DEBIAN}-slim" } }
}
`),
		"runtimes/debian/Dockerfile": file("ARG BASE\nFROM ${BASE}\n"),
		"runtimes/go/runtime.hcl": file(`
runtime "go" {
  name       = "Go"
  kind       = "compiled"
  entrypoint = "main.go"
  fixture    = "tests/go"
  behaviour  = "tests/go-behaviour/handler.go"
  run        = base.debian["12"]
  dockerfile = "docker/Dockerfile"
  target     = "final"
  contexts   = { common = "runtimes/common" }

  version "1.9" {
    platforms  = ["linux/amd64"]
    deprecated = "2020-01-01"
  }
  version "1.10" {
    args   = { EXTRA = "$${var.CHANNEL} ${var.CHANNEL} ${version.name} ${runtime.name} $${literal} \"quoted\"" }
    labels = { id = "ten", channel = "$$ ${var.CHANNEL}" }
    tags   = ["${version.name}", "${var.CHANNEL}"]
  }
}
`),
		"runtimes/go/docker/Dockerfile": file("ARG EXTRA\nFROM golang:1 AS build\nFROM ghcr.io/acme/functions/base/debian:12 AS final\nCOPY --from=build /a /a\nCOPY --from=common /b /b\nFROM scratch\n"),
		"runtimes/common/b":             file("b"),
		"tests/go/main.go":              file("package main\n"),
		"tests/go-behaviour/handler.go": file("package main\n"),
		"runtimes/7z/runtime.hcl":       file("runtime \"7z\" {\n  name = \"7z\"\n  kind = \"interpreted\"\n  version \"1\" {}\n}\n"),
		"runtimes/7z/Dockerfile":        file("FROM scratch\n"),
	}
}

func TestEncodeGolden(t *testing.T) {
	got := load(t, everything()).Encode()
	const name = "testdata/everything.hcl"
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s", diff.Diff("want", want, "got", got))
	}
}

func TestEvaluate(t *testing.T) {
	f := load(t, everything())
	v := f.Defaults()
	v.Platform, v.Revision, v.TagSuffix = "linux/arm64", "abc", "-rc"
	v.Variables = map[string]string{"CHANNEL": "edge"}
	var got strings.Builder
	for _, b := range f.Evaluate(v) {
		fmt.Fprintln(&got, b.Name, b.Platforms, b.Tags, b.CacheTo, b.Attest)
	}
	want := `7z-1 [linux/arm64] [ghcr.io/acme/functions/7z:1-rc ghcr.io/acme/functions/7z:v1-rc ghcr.io/acme/functions/7z:1-rc-abc] [map[mode:max ref:ghcr.io/acme/cache:_7z-1.linux-arm64 type:registry]] [map[mode:min type:provenance]]
debian-12 [linux/arm64] [ghcr.io/acme/functions/base/debian:12-rc ghcr.io/acme/functions/base/debian:v12-rc ghcr.io/acme/functions/base/debian:12-rc-abc] [map[mode:max ref:ghcr.io/acme/cache:_debian-12.linux-arm64 type:registry]] [map[mode:min type:provenance]]
go-1_9 [linux/amd64] [ghcr.io/acme/functions/go:1.9-rc ghcr.io/acme/functions/go:v1.9-rc ghcr.io/acme/functions/go:1.9-rc-abc] [map[mode:max ref:ghcr.io/acme/cache:_go-1_9.linux-arm64 type:registry]] [map[mode:min type:provenance]]
go-1_10 [linux/arm64] [ghcr.io/acme/functions/go:1.10-rc ghcr.io/acme/functions/go:edge-rc ghcr.io/acme/functions/go:1.10-rc-abc] [map[mode:max ref:ghcr.io/acme/cache:_go-1_10.linux-arm64 type:registry]] [map[mode:min type:provenance]]
`
	if got.String() != want {
		t.Errorf("%s", diff.Diff("want", []byte(want), "got", []byte(got.String())))
	}
	if got := f.Members(v)["go"]; !slices.Equal(got, []string{"go-1_10"}) {
		t.Errorf("group go for linux/arm64 has %v", got)
	}
}

func TestValuesFrom(t *testing.T) {
	f := load(t, everything())
	env := func(pairs ...string) bake.Lookup {
		return func(name string) (string, bool) {
			for _, p := range pairs {
				if key, value, _ := strings.Cut(p, "="); key == name {
					return value, true
				}
			}
			return "", false
		}
	}
	v, err := f.ValuesFrom(env("LOCAL=1", "REGISTRY="), "linux/arm64/v8")
	if err != nil || !v.Local || v.Platform != "linux/arm64" || v.Registry != "" {
		t.Errorf("got %+v, %v", v, err)
	}
	for _, wrong := range []string{
		"REGISTRY=https://x", "REGISTRY=A", "TAG_SUFFIX=a b", "REVISION=a/b", "LOCAL=perhaps", "PLATFORM=linux/s390x", "CACHE=", "CACHE_REF=a,b", "CACHE_REF=",
	} {
		if _, err := f.ValuesFrom(env(wrong), "linux/amd64"); err == nil || !strings.Contains(err.Error(), wrong[:4]) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// TestOrder: the order in which the file system lists folders changes nothing,
// nor does who reads it how often.
func TestOrder(t *testing.T) {
	want := string(load(t, everything()).Encode())
	for range 20 {
		if got := string(load(t, everything()).Encode()); got != want {
			t.Fatalf("%s", diff.Diff("first", []byte(want), "again", []byte(got)))
		}
	}
}

// versions is a repository of families of twelve versions.
func versions(n int) fstest.MapFS {
	fsys := fstest.MapFS{"runbake.hcl": {Data: []byte("project {\n  registry = \"docker.io/acme\"\n}\n")}}
	for i := 0; i < n; i += 12 {
		var b strings.Builder
		fmt.Fprintf(&b, "runtime \"lang%d\" {\n  name = \"Language\"\n  kind = \"interpreted\"\n", i)
		for v := range min(12, n-i) {
			fmt.Fprintf(&b, "  version \"%d\" {\n    from = { BASE = \"lang:%d-slim\" }\n  }\n", v, v)
		}
		dir := filepath.ToSlash(filepath.Join("runtimes", fmt.Sprintf("lang%d", i)))
		fsys[dir+"/runtime.hcl"] = &fstest.MapFile{Data: []byte(b.String() + "}\n")}
		fsys[dir+"/Dockerfile"] = &fstest.MapFile{Data: []byte("ARG BASE\nFROM ${BASE}\nRUN true\n")}
	}
	return fsys
}

func BenchmarkLoadAndResolve(b *testing.B) {
	fsys := versions(1000)
	b.ReportAllocs()
	for b.Loop() {
		load(b, fsys)
	}
}

func BenchmarkEncode(b *testing.B) {
	f := load(b, versions(1000))
	b.ReportAllocs()
	for b.Loop() {
		f.Encode()
	}
}
