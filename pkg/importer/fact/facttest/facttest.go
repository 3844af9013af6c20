// Package facttest holds what a reader of sources finds against golden files, and
// against what holds for every reader.
package facttest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Read is a reader of sources.
type Read func(fsys fs.FS, file *fact.File) *fact.Set

// golden is the file of an archive that has what a reader finds in the first one.
const golden = "want/facts.txt"

// Golden reads the archives of testdata/cases: the first file of each is the
// source, the others are the repository around it. update writes what is found.
func Golden(t *testing.T, update bool, read Read) {
	t.Helper()
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fsys, want := fstest.MapFS{}, ""
			for _, f := range archive.Files {
				if f.Name == golden {
					want = string(f.Data)
					continue
				}
				fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			source := archive.Files[0]
			set := Check(t, fsys, fact.NewFile(source.Name, source.Data), read)
			got := Text(set)
			if update {
				archive.Files = append(archive.Files[:len(fsys)], txtar.File{Name: golden, Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want != got {
				t.Errorf("%s", diff.Diff(golden, []byte(want), "got", []byte(got)))
			}
		})
	}
}

// Sources are the files of whole imports that a reader is for, as seeds for fuzzing:
// those of the archives that match a pattern, by their names.
func Sources(t testing.TB, pattern string, named func(name string) bool) []txtar.File {
	t.Helper()
	cases, err := filepath.Glob("../testdata/cases/" + pattern)
	if err != nil {
		t.Fatal(err)
	}
	var sources []txtar.File
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return !named(f.Name) })...)
	}
	if len(sources) == 0 {
		t.Fatal("no sources", pattern)
	}
	return sources
}

// Check reads a source twice, and fails when the results differ, or when a place
// is none of a file that was read.
func Check(t *testing.T, fsys fs.FS, file *fact.File, read Read) *fact.Set {
	t.Helper()
	set := read(fsys, file)
	if one, two := Text(set), Text(read(fsys, file)); one != two {
		t.Errorf("two results of one source:\n%s\n%s", one, two)
	}
	for _, d := range set.Diagnostics {
		checkPlace(t, set, *d.Subject)
		if found, ok := d.Extra.(fact.Finding); !ok || found.Rule == "" {
			t.Errorf("%s is of no rule", d.Summary)
		}
	}
	for _, n := range set.Notes {
		checkPlace(t, set, n.Range)
	}
	for _, s := range set.Sources {
		for _, e := range s.Events {
			checkPlace(t, set, e.Range)
		}
	}
	for _, v := range set.Registry.Versions() {
		checkPlace(t, set, v.Range)
	}
	for _, p := range set.Tests {
		checkPlace(t, set, p.Range)
	}
	return set
}

func checkPlace(t *testing.T, set *fact.Set, at hcl.Range) {
	t.Helper()
	text, read := set.Texts[at.Filename]
	if !read || at.Start.Byte > at.End.Byte || at.End.Byte > len(text) || at.Start.Line < 1 || at.Start.Column < 1 {
		t.Errorf("%v is no place of a source that was read", at)
	}
}
