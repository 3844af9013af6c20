package library_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/library"
)

var update = flag.Bool("update", false, "write library.txtar")

const project = `project {
  registry = "registry.example.com/images"
}
`

// TestArchive holds the library against the runtimes of this repository.
func TestArchive(t *testing.T) {
	want := &txtar.Archive{
		Comment: []byte("Made of the runtimes of this repository by go test ./pkg/library -update. DO NOT EDIT.\n"),
		Files:   []txtar.File{{Name: definition.ProjectFile, Data: []byte(project)}},
	}
	root := os.DirFS("../..")
	for _, dir := range []string{"runtimes", "tests/fixtures"} {
		err := fs.WalkDir(root, dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				return nil
			}
			data, err := fs.ReadFile(root, name)
			want.Files = append(want.Files, txtar.File{Name: name, Data: data})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	text := txtar.Format(want)
	if *update {
		if err := os.WriteFile("library.txtar", text, 0o644); err != nil { //nolint:gosec // everybody may read it
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile("library.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, text) {
		t.Error("library.txtar is not what the runtimes are: go test ./pkg/library -update")
	}
	for i, f := range txtar.Parse(text).Files { // all of it can be said in that format
		if f.Name != want.Files[i].Name || !bytes.Equal(f.Data, want.Files[i].Data) {
			t.Errorf("%s is another file when it is read back", want.Files[i].Name)
		}
	}
}

// TestFS: the library is a repository without errors.
func TestFS(t *testing.T) {
	fsys, err := library.FS()
	if err != nil {
		t.Fatal(err)
	}
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if len(diags)+len(more) > 0 || len(c.Runtimes) < 12 {
		t.Errorf("%d runtimes, %v %v", len(c.Runtimes), diags, more)
	}
}
