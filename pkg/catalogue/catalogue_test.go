package catalogue_test

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// want is the section of an archive that has the expected diagnostics.
const want = "want"

// TestDiagnostics runs the cases of testdata/diagnostics: each archive is a
// repository and ends with exactly what a person is shown. Files that most
// cases have in common are added, see withDefaults.
func TestDiagnostics(t *testing.T) {
	cases, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 60 {
		t.Fatalf("only %d cases found", len(cases))
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fsys, expected := repository(archive)
			_, diags, sources := resolve(fsys)
			var got strings.Builder
			if err := diag.WriteText(&got, sources, diags, diag.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if *update {
				setSection(archive, want, got.String())
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if expected != got.String() {
				t.Errorf("diagnostics differ:\n%s", diff.Diff("want", []byte(expected), "got", []byte(got.String())))
			}
		})
	}
}

// repository makes a file system of an archive, and returns the section want
// apart.
func repository(a *txtar.Archive) (fstest.MapFS, string) {
	fsys := fstest.MapFS{}
	expected := ""
	for _, f := range a.Files {
		if f.Name == want {
			expected = string(f.Data)
			continue
		}
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	if !strings.Contains(string(a.Comment), "(no defaults)") {
		withDefaults(fsys)
	}
	return fsys, expected
}

// withDefaults adds runbake.hcl and, to each folder of a definition, a
// Dockerfile, where the case has none.
func withDefaults(fsys fstest.MapFS) {
	add := func(name, text string) {
		if fsys[name] == nil {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	for name := range maps.Clone(fsys) {
		if path.Base(name) == definition.RuntimeFile {
			add(path.Join(path.Dir(name), "Dockerfile"), "FROM debian:bookworm-slim\n")
		}
	}
	add(definition.ProjectFile, "project {\n  registry = \"docker.io/acme\"\n}\n")
}

func setSection(a *txtar.Archive, name, text string) {
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data = []byte(text)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
}

// resolve loads and resolves, and returns the sources of everything that has
// diagnostics.
func resolve(fsys fs.FS) (*catalogue.Catalogue, hcl.Diagnostics, map[string][]byte) {
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	diags = diag.Sort(append(diags, more...))
	for _, d := range diags {
		if d.Subject != nil && set.Sources[d.Subject.Filename] == nil {
			if src, err := fs.ReadFile(fsys, d.Subject.Filename); err == nil {
				set.Sources[d.Subject.Filename] = src
			}
		}
	}
	return c, diags, set.Sources
}
