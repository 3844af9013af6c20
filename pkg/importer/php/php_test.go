package php_test

import (
	"flag"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/php"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// imports are the cases of whole imports.
const imports = "../testdata/cases/*.txtar"

func read(_ fs.FS, file *fact.File) *fact.Set { return php.Read(file) }

func TestRead(t *testing.T) { facttest.Golden(t, *update, read) }

// FuzzRead: whatever a class holds, reading it ends, and all places are places.
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
			if strings.HasSuffix(file.Name, ".php") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		facttest.Check(t, nil, fact.NewFile("Runtimes.php", []byte(text)), read)
	})
}
