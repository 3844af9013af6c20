package definition_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/definition"
)

const project = "project {\n  registry = \"docker.io/acme\"\n}\n"

// TestLoad: files come in the order of their names, with places and sources.
func TestLoad(t *testing.T) {
	set, diags := definition.Load(fstest.MapFS{
		"runbake.hcl":            {Data: []byte(project)},
		"runtimes/b/runtime.hcl": {Data: []byte("runtime \"b\" {\n  version \"1\" {}\n}\n")},
		"runtimes/a/runtime.hcl": {Data: []byte("base \"a\" {}\nbase \"z\" {}\n")},
		"runtimes/README.md":     {Data: []byte("# not a folder\n")},
		"runtimes/docs/x.md":     {Data: []byte("# no runtime\n")},
	})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var got []string
	for _, b := range set.Blocks {
		got = append(got, b.Dir+" "+b.Key.Value)
	}
	if want := "runtimes/a a, runtimes/a z, runtimes/b b"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if v := set.Blocks[2].Versions[0]; v.Range.Start.Line != 2 || v.Range.Start.Column != 3 {
		t.Errorf("version is at %v", v.Range)
	}
	if set.Project.Registry.Value != "docker.io/acme" || len(set.Sources) != 3 {
		t.Errorf("got %+v and %d sources", set.Project, len(set.Sources))
	}
}

// TestSymbolicLinks: a link may point to another place of the repository, and
// not out of it.
func TestSymbolicLinks(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "runtime.hcl")
	write(t, outside, "runtime \"evil\" {}\n")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "runbake.hcl"), project)
	write(t, filepath.Join(dir, "common.hcl"), "base \"good\" {}\n")
	for name, target := range map[string]string{"good": "../../common.hcl", "evil": outside, "loop": "runtime.hcl"} {
		folder := filepath.Join(dir, "runtimes", name)
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(folder, "runtime.hcl")); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	set, diags := definition.Load(root.FS())
	if len(set.Blocks) != 1 || set.Blocks[0].Key.Value != "good" {
		t.Errorf("blocks: %+v", set.Blocks)
	}
	var got []string
	for _, d := range diags {
		got = append(got, d.Summary)
	}
	if want := "Cannot read runtimes/evil/runtime.hcl, Cannot read runtimes/loop/runtime.hcl"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
