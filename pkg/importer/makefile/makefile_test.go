package makefile_test

import (
	"flag"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/makefile"
	"github.com/runbake/runbake/pkg/importer/script"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

func read(fsys fs.FS, file *fact.File) *fact.Set {
	return makefile.Read(fsys, file, makefile.Options{Script: script.Read})
}

// TestRead reads the Makefiles of testdata/cases.
func TestRead(t *testing.T) { facttest.Golden(t, *update, read) }

// TestNamed: which files are Makefiles, by their names.
func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{
		"Makefile": true, "a/makefile": true, "GNUmakefile": true, "images.mk": true, "Makefile.am": false, "make": false, "MAKEFILE": false,
	} {
		if got := makefile.Named(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// FuzzRead: whatever a Makefile holds, reading it ends, is the same again, and all
// places are places.
func FuzzRead(f *testing.F) {
	for _, file := range facttest.Sources(f, "make-*.txtar", makefile.Named) {
		f.Add(string(file.Data))
	}
	f.Add("A = $(B)$(B)\nB = $(C)$(C)\nC = $(D)$(D)\nD = $(A)$(A)\nx:\n\tdocker build -t $(A) .\n")
	f.Add("%: %\n\tdocker build -t $@ .\na%: b% a\na%b: ;docker\n")
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"Makefile": {Data: []byte(text)}, "web/Dockerfile": {Data: []byte("FROM a\n")}}
		facttest.Check(t, fsys, fact.NewFile("Makefile", []byte(text)), read)
	})
}
