package catalogue_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/diag"
)

// FuzzLoad: whatever the files of a repository hold, there is an answer, and
// the diagnostics can be shown.
func FuzzLoad(f *testing.F) {
	cases, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		fsys, _ := repository(archive)
		definition, dockerfile := "", ""
		for name, file := range fsys {
			switch filepath.Base(name) {
			case "runtime.hcl":
				definition = string(file.Data)
			case "Dockerfile":
				dockerfile = string(file.Data)
			}
		}
		f.Add(string(fileData(fsys, "runbake.hcl")), definition, dockerfile)
	}
	own, err := os.ReadFile("../../runtimes/cpp/runtime.hcl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("project {\n  registry = \"r\"\n}\n", string(own), "ARG BASE_IMAGE\nARG CPP_STANDARD\nFROM ${BASE_IMAGE}\n")
	f.Fuzz(func(t *testing.T, project, definition, dockerfile string) {
		fsys := fstest.MapFS{
			"runbake.hcl":             &fstest.MapFile{Data: []byte(project)},
			"runtimes/x/runtime.hcl":  &fstest.MapFile{Data: []byte(definition)},
			"runtimes/x/Dockerfile":   &fstest.MapFile{Data: []byte(dockerfile)},
			"tests/fixtures/x/main.x": &fstest.MapFile{},
		}
		c, diags, sources := resolve(fsys)
		if err := diag.WriteText(io.Discard, sources, diags, diag.TextOptions{Color: true}); err != nil {
			t.Fatal(err)
		}
		if diags.HasErrors() {
			return
		}
		for _, v := range c.Versions() {
			if v.Target == "" || len(v.Tags) == 0 || len(v.Platforms) == 0 || v.Dockerfile == "" {
				t.Errorf("incomplete without an error: %+v", v)
			}
		}
	})
}

func fileData(fsys fstest.MapFS, name string) []byte {
	if f := fsys[name]; f != nil {
		return f.Data
	}
	return nil
}
