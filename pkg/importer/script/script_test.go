package script_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/script"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// imports are the cases of whole imports.
const imports = "../testdata/cases/*.txtar"

func TestRead(t *testing.T) { facttest.Golden(t, *update, script.Read) }

// FuzzRead: whatever a script holds, reading it ends, and all places are places.
func FuzzRead(f *testing.F) {
	cases, err := filepath.Glob(imports)
	if err != nil || len(cases) == 0 {
		f.Fatal("no cases", err)
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".sh") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"build.sh": {Data: []byte(text)}, "runtimes/a-1/Dockerfile": {Data: []byte("FROM a\n")}}
		facttest.Check(t, fsys, fact.NewFile("build.sh", []byte(text)), script.Read)
	})
}
