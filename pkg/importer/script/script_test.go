package script_test

import (
	"flag"
	"path"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/script"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

func TestRead(t *testing.T) { facttest.Golden(t, *update, script.Read) }

// FuzzRead: whatever a script holds, reading it ends, and all places are places.
func FuzzRead(f *testing.F) {
	for _, file := range facttest.Sources(f, "*.txtar", func(name string) bool { return path.Ext(name) == ".sh" }) {
		f.Add(string(file.Data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"build.sh": {Data: []byte(text)}, "runtimes/a-1/Dockerfile": {Data: []byte("FROM a\n")}}
		facttest.Check(t, fsys, fact.NewFile("build.sh", []byte(text)), script.Read)
	})
}
