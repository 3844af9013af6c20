package inputs_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/inputs"
)

// paths are the files of the main context of a target.
func paths(t *inputs.Target) string {
	var names []string
	for _, c := range t.Components {
		if c.Kind == inputs.KindContext && c.Name == "" {
			for _, f := range c.Files {
				names = append(names, f.Path)
			}
		}
	}
	return strings.Join(names, " ")
}

// TestIgnoreFileIsLink: an ignore file counts as far as its link stays in the
// folder.
func TestIgnoreFileIsLink(t *testing.T) {
	link := func(to string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
	}
	for to, want := range map[string]string{
		"own-ignore":       ".dockerignore Dockerfile own-ignore",
		"../common/ignore": ".dockerignore Dockerfile own-ignore secret",
		"/own-ignore":      ".dockerignore Dockerfile own-ignore",
		"nowhere":          ".dockerignore Dockerfile own-ignore secret",
	} {
		fsys := fstest.MapFS{
			"app/Dockerfile": file("FROM scratch\nCOPY . /\n"), "app/secret": file("s"), "app/own-ignore": file("secret\n"),
			"common/ignore": file("secret\n"), "app/.dockerignore": link(to),
		}
		b := bake.Build{Target: &bake.Target{Name: "app", Context: "app"}}
		if got := paths(of(t, fsys, inputs.Options{}, b)["app"]); got != want {
			t.Errorf("%s: got %q, want %q", to, got, want)
		}
	}
}

// TestIgnoreFileOfDockerfile: it is read from the folder of the Dockerfile, where
// a link to the folder above leads to nothing.
func TestIgnoreFileOfDockerfile(t *testing.T) {
	fsys := fstest.MapFS{
		"app/docker/Dockerfile": file("FROM scratch\nCOPY a b /\n"), "app/a": file("a"), "app/b": file("b"), "app/ignore": file("a\n"),
		"app/docker/Dockerfile.dockerignore": &fstest.MapFile{Data: []byte("../ignore"), Mode: fs.ModeSymlink | 0o777}, "app/.dockerignore": file("b\n"),
	}
	b := bake.Build{Target: &bake.Target{Name: "app", Context: "app", Dockerfile: "docker/Dockerfile"}}
	if got := paths(of(t, fsys, inputs.Options{}, b)["app"]); got != "a" {
		t.Errorf("got %q", got)
	}
}

// TestOnbuild: what a base of the repository makes builds on it copy.
func TestOnbuild(t *testing.T) {
	fsys := fstest.MapFS{
		"base/Dockerfile": file("FROM scratch\nCOPY marker /\nONBUILD COPY src /src\n"), "base/marker": file("m"), "base/src/x": file("not this"),
		"app/Dockerfile": file("ARG BASE\nFROM ${BASE}\n"), "app/src/a": file("a"), "app/other": file("o"),
	}
	base := bake.Build{Target: &bake.Target{Name: "base", Context: "base"}}
	app := bake.Build{Target: &bake.Target{
		Name: "app", Context: "app", Args: map[string]string{"BASE": "ghcr.io/acme/base:1"}, Contexts: map[string]string{"ghcr.io/acme/base:1": "target:base"},
	}}
	before := of(t, fsys, inputs.Options{}, base, app)
	if got := paths(before["app"]) + ", " + paths(before["base"]); got != "src src/a, marker" {
		t.Errorf("got %q", got)
	}
	fsys["app/src/a"] = file("changed")
	after := of(t, fsys, inputs.Options{}, base, app)
	if after["app"].ID == before["app"].ID || after["base"].ID != before["base"].ID {
		t.Error("the image changes with the file, and its base does not")
	}
}
