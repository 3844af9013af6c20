package importer_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// want is the folder of an archive that has what is expected: the definitions,
// the report, and what bake makes of the definitions.
const want = "want/"

// TestImport runs the cases of testdata/cases: each archive is a repository and
// what an import of its scripts comes to.
func TestImport(t *testing.T) {
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 25 {
		t.Errorf("only %d cases found", len(cases))
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fsys, scripts, expected := unpack(archive)
			got := outcome(t, fsys, importer.Import(fsys, scripts, importer.Options{Name: "shop"}))
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files,
					func(f txtar.File) bool { return strings.HasPrefix(f.Name, want) })
				for _, name := range slices.Sorted(maps.Keys(got)) {
					archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
				}
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, name := range slices.Sorted(maps.Keys(merged(expected, got))) {
				if expected[name] != got[name] {
					t.Errorf("%s", diff.Diff(name, []byte(expected[name]), "got", []byte(got[name])))
				}
			}
		})
	}
}

func merged(a, b map[string]string) map[string]string {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// unpack makes a repository of an archive. What is imported are the scripts in
// its root, in the order of the archive, and the PHP files; or what a line of its
// comment says. Without any, everything is looked for.
func unpack(a *txtar.Archive) (fsys fstest.MapFS, scripts []string, expected map[string]string) {
	fsys, expected = fstest.MapFS{}, map[string]string{}
	for _, f := range a.Files {
		if strings.HasPrefix(f.Name, want) {
			expected[f.Name] = string(f.Data)
			continue
		}
		fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		if path.Ext(f.Name) == ".sh" && !strings.Contains(f.Name, "/") || path.Ext(f.Name) == ".php" {
			scripts = append(scripts, f.Name)
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		if names, ok := strings.CutPrefix(line, "runbake import "); ok {
			scripts = strings.Fields(names)
		}
	}
	return fsys, scripts, expected
}

// outcome is all of a result as text.
func outcome(t *testing.T, fsys fstest.MapFS, r *importer.Result) map[string]string {
	t.Helper()
	got := map[string]string{}
	var report strings.Builder
	if err := r.WriteText(&report, diag.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	got[want+"report.txt"] = report.String()
	if len(r.Found) > 0 {
		var found strings.Builder
		if err := importer.WriteFound(&found, r.Found); err != nil {
			t.Fatal(err)
		}
		got[want+"found.txt"] = found.String()
	}
	written := maps.Clone(fsys)
	for _, f := range r.Files {
		got[want+f.Name] = string(f.Text)
		written[f.Name] = &fstest.MapFile{Data: f.Text, Mode: 0o644}
	}
	if images := evaluate(written); images != "" {
		got[want+"images.txt"] = images
	}
	return got
}

// evaluate is what bake builds of written definitions, one image a line. It
// shares no code with the check that an import does of itself.
func evaluate(fsys fs.FS) string {
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if diags.HasErrors() || more.HasErrors() {
		return ""
	}
	file := bake.FromCatalogue(c)
	var out strings.Builder
	for _, b := range file.Evaluate(file.Defaults()) {
		fmt.Fprintf(&out, "%s: %s for %s of %s", b.ID, strings.Join(b.Tags, " "), strings.Join(b.Platforms, ","),
			b.Context)
		if b.Dockerfile != "" {
			fmt.Fprintf(&out, " file %s", b.Dockerfile)
		}
		if b.Stage != "" {
			fmt.Fprintf(&out, " target %s", b.Stage)
		}
		for _, pairs := range []map[string]string{b.Args, b.Contexts} {
			for _, k := range slices.Sorted(maps.Keys(pairs)) {
				fmt.Fprintf(&out, " %s=%s", k, pairs[k])
			}
		}
		if b.Run != "" {
			fmt.Fprintf(&out, " run by %s", b.Run)
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

// TestOtherFiles: files that are no scripts are called what they are.
func TestOtherFiles(t *testing.T) {
	for name, c := range map[string][2]string{
		"old-bake.hcl":       {"target \"a\" {}\n", ""},
		"main.hcl":           {"resource \"a\" \"b\" {}\n", "a file of HCL, without targets"},
		"a/runtime.hcl":      {"runtime \"a\" {}\n", "a definition already"},
		"base.hcl":           {"base \"a\" {}\ntarget \"a\" {}\n", "a definition already"},
		"runbake.hcl":        {"project {}\n", "a definition already"},
		"package.json":       {`{"name": "a"}`, "a file of JSON, without targets"},
		"list.json":          {`["target"]`, "a file of JSON, without targets"},
		"bake.json":          {`{"target": {"a": {}}}`, ""},
		"docker-compose.yml": {"services: {}\n", ""},
		"ci.yaml":            {"jobs: {}\n", "a file of YAML, without services"},
		"empty.yml":          {"", "a file of YAML, without services"},
		"Makefile":           {"all:\n\tdocker build .\n", ""},
		"Justfile":           {"all:\n\tdocker build .\n", ""},
		"a-1/Dockerfile":     {"FROM a\n", ""},
		"a-1/Dockerfile.j2":  {"FROM a\n", "a template"},
		"build":              {"#!/usr/bin/env python3\nprint()\n", "a script for python3"},
		"build.sh":           {"#!/usr/bin/env bash\ndocker build -t acme/a-runtime:1 .\n", ""},
		"release":            {"#! /bin/sh -e\ndocker build -t acme/a-runtime:1 .\n", ""},
	} {
		r := importer.Import(fstest.MapFS{name: {Data: []byte(c[0])}}, []string{name}, importer.Options{})
		said := ""
		for _, d := range r.Diagnostics {
			if text, ok := strings.CutPrefix(d.Summary, name+" is "); ok {
				said = text
			}
			if strings.Contains(d.Detail, "grammar") {
				t.Errorf("%s: %s %s", name, d.Summary, d.Detail)
			}
		}
		if said != c[1] {
			t.Errorf("%s is said to be %q, want %q", name, said, c[1])
		}
	}
}
