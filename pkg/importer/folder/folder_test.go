package folder_test

import (
	"flag"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/folder"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// read reads all Dockerfiles of a file system, as an import without arguments does.
func read(fsys fs.FS, _ *fact.File) *fact.Set {
	var files []*fact.File
	_ = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error { // of a map, it does not fail
		if err == nil && !d.IsDir() && folder.Dockerfile(name) {
			if f, err := fact.Read(fsys, name); err == nil {
				files = append(files, f)
			}
		}
		return nil
	})
	return folder.Read(fsys, files, folder.Options{Name: "My Repository", Nowhere: "registry.example.com/images"})
}

// TestRead reads the repositories of testdata/cases.
func TestRead(t *testing.T) { facttest.Golden(t, *update, read) }

// TestDockerfile: which files are Dockerfiles, by their names.
func TestDockerfile(t *testing.T) {
	for name, want := range map[string]bool{
		"Dockerfile": true, "a/Dockerfile": true, "Dockerfile.22": true, "web.Dockerfile": true, "Dockerfile-web": true,
		"web.dockerfile": true, "Containerfile": true, "dockerfile": true,
		"Dockerfile.dockerignore": false, "Dockerfile.template": false, "Dockerfiles": false, "Dockerfile.j2": false,
		"mydockerfile": false, "Dockerfile.": false, ".Dockerfile": false, "Dockerfile~": false,
	} {
		if got := folder.Dockerfile(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if folder.Other("Dockerfile.tmpl") == "" || folder.Other("main.tmpl") != "" {
		t.Error("a template is told by its name")
	}
}

// TestNames: what images are called, by where their Dockerfiles lie.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"Dockerfile":                           "my-repository:latest",
		"docker/Dockerfile":                    "my-repository:latest",
		"Dockerfile.dev":                       "my-repository:dev",
		"Dockerfile.22":                        "my-repository:22",
		"22/alpine/Dockerfile":                 "my-repository:22-alpine",
		"3.12/bookworm/slim/Dockerfile":        "my-repository:3.12-bookworm-slim",
		"node/22/Dockerfile":                   "node:22",
		"node/22/alpine/Dockerfile":            "node:22-alpine",
		"images/node/Dockerfile.22-alpine":     "node:22-alpine",
		"runtimes/node-22.1/Dockerfile":        "node:22.1",
		"php-8.2-fpm/Dockerfile":               "php:8.2-fpm",
		"node-22/alpine/Dockerfile":            "node:22-alpine",
		"node-22.Dockerfile":                   "node:22",
		"web.Dockerfile":                       "web:latest",
		"Dockerfile.web":                       "web:latest",
		"web/Dockerfile.dev":                   "web:dev",
		"services/api/Dockerfile":              "api:latest",
		"base.Dockerfile":                      "base:latest",
		"Team Blue/Web_App/Dockerfile":         "web_app:latest",
		"go/v1.22/Dockerfile":                  "go:v1.22",
		"oauth2-proxy/Dockerfile":              "oauth2-proxy:latest",
		"a/b/c/d/e/f/g/h/i/j/k/l/m/Dockerfile": "m:latest",
		"...-/Dockerfile":                      "my-repository:latest",
		"images/3.1/Dockerfile":                "my-repository:3.1",
		"java/17_0_2/Dockerfile":               "java:17_0_2",
	} {
		set := read(fstest.MapFS{name: {Data: []byte("FROM scratch\n")}}, nil)
		var got []string
		for _, e := range set.Sources[0].Events {
			for _, tag := range e.Build.Tags {
				got = append(got, tag.Value)
			}
		}
		if !slices.Equal(got, []string{"registry.example.com/images/" + want}) {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
}

// FuzzRead: whatever two Dockerfiles hold and are called, reading them ends, and all
// places are places.
func FuzzRead(f *testing.F) {
	f.Add("base/1/Dockerfile", "FROM debian\n", "web/Dockerfile", "FROM acme/base:1\nCOPY a b\n")
	f.Add("Dockerfile.1", "ARG V=1\nFROM a:$V\n", "a-1.Dockerfile", "FROM my-repository:1 AS x\nCOPY --from=b:2 / /\n")
	f.Add("x/Dockerfile", "FROM", "y/x/Dockerfile", "FROM a\nCOPY [\"[\", \"/\"]\n")
	f.Fuzz(func(t *testing.T, one, first, two, second string) {
		if !fs.ValidPath(one) || !fs.ValidPath(two) {
			return
		}
		fsys := fstest.MapFS{one: {Data: []byte(first)}, two: {Data: []byte(second)}}
		facttest.Check(t, fsys, fact.NewFile(one, []byte(first)), func(fsys fs.FS, _ *fact.File) *fact.Set {
			return folder.Read(fsys, []*fact.File{fact.NewFile(one, []byte(first)), fact.NewFile(two, []byte(second))}, folder.Options{})
		})
	})
}
