package importer_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer"
)

// seed calls add with the scripts of all cases, and their registry class.
func seed(f *testing.F, add func(script, class string)) {
	f.Helper()
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		f.Fatal(err, "no cases")
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		fsys, scripts, _ := unpack(archive)
		class := ""
		for _, s := range scripts {
			if strings.HasSuffix(s, ".php") {
				class = string(fsys[s].Data)
			}
		}
		for _, s := range scripts {
			if strings.HasSuffix(s, ".sh") {
				add(string(fsys[s].Data), class)
			}
		}
	}
}

// little is a repository with folders for the names that the cases use.
func little(script, class string) fstest.MapFS {
	fsys := fstest.MapFS{"build.sh": {Data: []byte(script)}, "Runtimes.php": {Data: []byte(class)}}
	for _, dir := range []string{"a-1", "b-1", "c-1", "d-1", "node-18", "node", "ubuntu-20.04"} {
		text := []byte("ARG BASE_IMAGE=debian\nFROM ${BASE_IMAGE}\nARG A\n")
		fsys["runtimes/"+dir+"/Dockerfile"] = &fstest.MapFile{Data: text}
	}
	return fsys
}

// check imports, and fails when the definitions say something else than the
// script, or when the same input has another result.
func check(t *testing.T, fsys fstest.MapFS, names ...string) {
	t.Helper()
	r := importer.Import(fsys, names, importer.Options{})
	if err := r.WriteText(io.Discard, diag.TextOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Diagnostics {
		if strings.Contains(d.Detail, "Please report it") {
			t.Errorf("%s: %s: %s", diag.Place(*d.Subject), d.Summary, d.Detail)
		}
	}
	generates(t, 0, fsys, r)
	var first, again bytes.Buffer
	if err := r.WriteJSON(&first); err != nil {
		t.Fatal(err)
	}
	if err := importer.Import(fsys, names, importer.Options{}).WriteJSON(&again); err != nil {
		t.Fatal(err)
	}
	if first.String() != again.String() {
		t.Errorf("two results of one input:\n%s\n%s", first.String(), again.String())
	}
}

// FuzzScript: whatever a script holds there is an answer, and definitions that
// say what it builds.
func FuzzScript(f *testing.F) {
	seed(f, func(script, _ string) { f.Add(script) })
	f.Fuzz(func(t *testing.T, script string) {
		check(t, little(script, ""), "build.sh")
	})
}

// FuzzRegistry: the same for a registry class.
func FuzzRegistry(f *testing.F) {
	seed(f, func(_, class string) { f.Add(class) })
	f.Add("<?php $a = new Runtime('a', 'A'); $a->addVersion('1', 'a-runtime:1', 'base:1', [System::X86]); " +
		"$this->runtimes['a'] = $a;")
	script := "docker build -t a-runtime:1 runtimes/a-1\ndocker build -t node-runtime:18 runtimes/node-18\n" +
		"docker build -t base:1 runtimes/ubuntu-20.04\n"
	f.Fuzz(func(t *testing.T, class string) {
		check(t, little(script, class), "build.sh", "Runtimes.php")
	})
}

// FuzzBakeFile: the same for a bake file.
func FuzzBakeFile(f *testing.F) {
	cases, err := filepath.Glob("testdata/cases/bake-*.txtar")
	if err != nil || len(cases) == 0 {
		f.Fatal(err, "no cases")
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		fsys, names, _ := unpack(archive)
		if strings.HasSuffix(names[0], ".hcl") {
			f.Add(string(fsys[names[0]].Data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := little("", "")
		fsys["docker-bake.hcl"] = &fstest.MapFile{Data: []byte(text)}
		for _, dir := range []string{"app", "a", "b", "base", "by-name", "services/api"} {
			fsys[dir+"/Dockerfile"] = &fstest.MapFile{Data: []byte("ARG BASE_IMAGE=debian\nFROM ${BASE_IMAGE} AS one\nARG A\n")}
		}
		check(t, fsys, "docker-bake.hcl")
	})
}

// TestWindowsLineEnds: scripts and classes that were saved on Windows.
func TestWindowsLineEnds(t *testing.T) {
	script := "#!/bin/sh\r\ndocker build \\\r\n  -t docker.io/acme/a-runtime:1 \\\r\n  ./runtimes/a-1\r\n"
	class := "<?php // comment\r\n$a = new Runtime('a', 'Letter A');\r\n" +
		"$a->addVersion('1', 'a-runtime:1', 'a-runtime:1', [System::X86, System::ARM]);\r\n" +
		"$this->runtimes['a'] = $a;\r\n"
	r := importer.Import(little(script, class), []string{"build.sh", "Runtimes.php"}, importer.Options{})
	if r.Diagnostics.HasErrors() || len(r.Files) != 2 || !strings.Contains(string(r.Files[1].Text), `"Letter A"`) {
		t.Errorf("got %v, %s", r.Diagnostics, r.Files)
	}
}

// TestLarge: a thousand images are read in seconds.
func TestLarge(t *testing.T) {
	script := "for v in {1..1000}; do\n  docker build -t docker.io/acme/node-runtime:$v runtimes/node-$v\ndone\n"
	fsys := fstest.MapFS{"build.sh": {Data: []byte(script)}}
	var class strings.Builder
	class.WriteString("<?php $node = new Runtime('node', 'Node.js');\n")
	for _, d := range numbers(1000) {
		fsys["runtimes/node-"+d+"/Dockerfile"] = &fstest.MapFile{Data: []byte("FROM debian\n")}
		fmt.Fprintf(&class,
			"$node->addVersion('%s', 'node-runtime:%[1]s', 'node-runtime:%[1]s', [System::X86, System::ARM]);\n", d)
	}
	class.WriteString("$this->runtimes['node'] = $node;\n")
	fsys["Runtimes.php"] = &fstest.MapFile{Data: []byte(class.String())}
	r := importer.Import(fsys, []string{"build.sh", "Runtimes.php"}, importer.Options{})
	if len(r.Diagnostics) > 0 || r.Images != 1000 {
		t.Errorf("%d images, %v", r.Images, r.Diagnostics)
	}
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i + 1)
	}
	return list
}
