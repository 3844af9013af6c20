package php_test

import (
	"flag"
	"io/fs"
	"path"
	"testing"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/php"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

func read(_ fs.FS, file *fact.File) *fact.Set { return php.Read(file) }

func TestRead(t *testing.T) { facttest.Golden(t, *update, read) }

// FuzzRead: whatever a class holds, reading it ends, and all places are places.
func FuzzRead(f *testing.F) {
	for _, file := range facttest.Sources(f, "*.txtar", func(name string) bool { return path.Ext(name) == ".php" }) {
		f.Add(string(file.Data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		facttest.Check(t, nil, fact.NewFile("Runtimes.php", []byte(text)), read)
	})
}
