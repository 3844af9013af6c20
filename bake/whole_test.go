package bake_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/catalogue"
)

// crossing is an image that takes a tool on the machine that builds; the tool
// is built on a base of its own.
func crossing() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"runbake.hcl":                file("project {\n  registry  = \"ghcr.io/acme\"\n  platforms = [\"linux/amd64/v2\", \"linux/arm64/v8\", \"linux/arm/v7\"]\n}\n"),
		"runtimes/os/runtime.hcl":    file("base \"os\" {\n  name = \"OS\"\n  version \"1\" {}\n}\n"),
		"runtimes/os/Dockerfile":     file("FROM debian:12\n"),
		"runtimes/alone/runtime.hcl": file("base \"alone\" {\n  name = \"Alone\"\n  version \"1\" { platforms = [\"linux/amd64/v2\"] }\n}\n"),
		"runtimes/alone/Dockerfile":  file("FROM debian:12\n"),
		"runtimes/tool/runtime.hcl":  file("base \"tool\" {\n  name = \"Tool\"\n  from = { BASE = base.os[\"1\"] }\n  version \"1\" {}\n}\n"),
		"runtimes/tool/Dockerfile":   file("ARG BASE\nFROM ${BASE}\nRUN true\n"),
		"runtimes/app/runtime.hcl": file(`runtime "app" {
  name = "App"
  kind = "interpreted"
  from = { TOOL = base.tool["1"], ALONE = base.alone["1"], BASE = base.os["1"] }
  version "1" {}
}
`),
		"runtimes/app/Dockerfile": file("ARG TOOL\nARG ALONE\nARG BASE\nFROM --platform=$BUILDPLATFORM ${TOOL} AS tool\nFROM --platform=linux/amd64/v2 ${ALONE} AS alone\nFROM ${BASE}\nCOPY --from=tool / /\nCOPY --from=alone / /\n"),
	}
}

// TestWhole: what the machine that builds takes is there for it, whatever
// PLATFORM says, and so is what that is built on.
func TestWhole(t *testing.T) {
	f := load(t, crossing())
	v := f.Defaults()
	v.Platform = "linux/arm64"
	var got strings.Builder
	for _, b := range f.EvaluateAll(v) {
		fmt.Fprintln(&got, b.Name, b.Platforms, b.Contexts, len(b.Tags), len(b.CacheTo), b.Origin())
	}
	want := `alone-1 [linux/amd64/v2] map[] 1 0 alone-1
app-1 [linux/arm64] map[ghcr.io/acme/alone-base:1:target:alone-1 ghcr.io/acme/os-base:1:target:os-1 ghcr.io/acme/tool-base:1:target:_tool-1] 1 0 app-1
os-1 [linux/arm64] map[] 1 0 os-1
tool-1 [linux/arm64] map[ghcr.io/acme/os-base:1:target:os-1] 1 0 tool-1
_os-1 [linux/amd64/v2 linux/arm64 linux/arm/v7] map[] 0 0 os-1
_tool-1 [linux/amd64/v2 linux/arm64 linux/arm/v7] map[ghcr.io/acme/os-base:1:target:_os-1] 0 0 tool-1
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	src := f.Encode()
	for _, cache := range []string{"none", "registry"} {
		v.Cache, v.Revision = cache, "abc"
		if err := bakecheck.VerifyWith(t.Context(), src, f, v); err != nil {
			t.Error(err)
		}
	}
}

// TestLocal: what LOCAL builds on each kind of machine, and by which names
// PLATFORM takes a platform.
func TestLocal(t *testing.T) {
	f := load(t, crossing())
	env := func(key, value string) bake.Lookup {
		return func(name string) (string, bool) { return value, name == key }
	}
	for machine, want := range map[string]string{
		"linux/amd64": "linux/amd64/v2", "linux/arm64": "linux/arm64", "linux/arm64/v8": "linux/arm64", "linux/arm/v7": "linux/arm/v7", "linux/arm": "linux/arm/v7",
	} {
		if v, err := f.ValuesFrom(env("LOCAL", "1"), machine); err != nil || v.Platform != want {
			t.Errorf("on %s: %q, %v; want %s", machine, v.Platform, err, want)
		}
	}
	if v, err := f.ValuesFrom(env("LOCAL", "1"), "linux/s390x"); err == nil {
		t.Errorf("linux/s390x builds %s", v.Platform)
	}
	for name, want := range map[string]string{"linux/arm64/v8": "linux/arm64", "linux/aarch64": "linux/arm64", "linux/arm": "linux/arm/v7", "": ""} {
		if v, err := f.ValuesFrom(env("PLATFORM", name), "linux/amd64"); err != nil || v.Platform != want {
			t.Errorf("PLATFORM=%s is %q, %v; want %s", name, v.Platform, err, want)
		}
	}
	if _, err := (&bake.File{Cache: catalogue.Cache{Type: "none"}}).ValuesFrom(env("PLATFORM", "linux/amd64"), "linux/amd64"); err == nil || err.Error() != `PLATFORM="linux/amd64": it is empty, as there are no images` {
		t.Errorf("without images: %v", err)
	}
}

// TestWindows: images for Windows are built and not tested.
func TestWindows(t *testing.T) {
	fsys := everything()
	fsys["runtimes/win/runtime.hcl"] = &fstest.MapFile{Data: []byte("runtime \"win\" {\n  name = \"Windows\"\n  kind = \"interpreted\"\n  platforms = [\"windows/amd64\"]\n  entrypoint = \"x\"\n  fixture = \"tests/go\"\n  version \"1\" {}\n  version \"2\" { platforms = [\"linux/amd64\", \"windows/amd64\"] }\n}\n")}
	fsys["runtimes/win/Dockerfile"] = &fstest.MapFile{Data: []byte("FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\n")}
	f := load(t, fsys)
	if err := bakecheck.Verify(t.Context(), f.Encode(), f, nil); err != nil {
		t.Error(err)
	}
	var tests []string
	for _, test := range f.Tests {
		tests = append(tests, fmt.Sprint(test.Target, test.Platforms))
	}
	if got := tests[len(tests)-1]; got != "win-2[linux/amd64]" || strings.Contains(strings.Join(tests, " "), "win-1") {
		t.Errorf("tests of %s", tests)
	}
}

// TestRunsItself: a compiled runtime that names no other image is run by its own,
// whose command starts the server and is not asked to keep a build running.
func TestRunsItself(t *testing.T) {
	fsys := everything()
	definition := strings.Replace(string(fsys["runtimes/go/runtime.hcl"].Data), "  run        = base.debian[\"12\"]\n", "", 1)
	fsys["runtimes/go/runtime.hcl"] = &fstest.MapFile{Data: []byte(definition)}
	dockerfile := strings.Replace(string(fsys["runtimes/go/docker/Dockerfile"].Data),
		"COPY --from=common", "CMD [\"/usr/local/src/launch.sh\"]\nCOPY --from=common", 1)
	fsys["runtimes/go/docker/Dockerfile"] = &fstest.MapFile{Data: []byte(dockerfile)}
	f := load(t, fsys)
	for _, target := range f.Targets {
		if target.Run != "" {
			t.Errorf("%s is run by %s", target.Name, target.Run)
		}
	}
	tested := 0
	for _, test := range f.Tests {
		if test.Checks || !strings.HasPrefix(test.Target, "go-") {
			continue
		}
		tested++
		if want := "target:" + test.Target; test.Contexts["run"] != want || test.Contexts["build"] != want {
			t.Errorf("%s is built in %s and run in %s", test.Target, test.Contexts["build"], test.Contexts["run"])
		}
		if build, is := test.Args["BUILD_COMMAND"]; is || test.Args["KIND"] != "compiled" || test.Args["COMMAND"] == "" {
			t.Errorf("%s: build command %q, arguments %v", test.Target, build, test.Args)
		}
	}
	if tested != 2 {
		t.Errorf("%d tests", tested)
	}
}
