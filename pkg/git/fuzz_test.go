package git_test

import (
	"io/fs"
	"testing"

	"github.com/runbake/runbake/pkg/git"
)

// FuzzTree: whatever git prints, there is a tree or an error, and what is in the
// tree is found by walking it.
func FuzzTree(f *testing.F) {
	f.Add("")
	f.Add("100644 blob 1234\ta.txt\x00100755 blob 1234\tb/c/d.sh\x00120000 blob 1234\tb/e\x00160000 commit 1234\tm\x00")
	f.Add("100644 blob 1234\ta\x00100644 blob 1234\ta/b\x00")
	f.Add("100644 blob 1234\t../a\x00")
	f.Add("\x00\x00\t")
	f.Fuzz(func(t *testing.T, listing string) {
		tree, err := git.ParseTree([]byte(listing))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		err = fs.WalkDir(tree, ".", func(name string, _ fs.DirEntry, err error) error {
			seen[name] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for name := range tree.Files() {
			if !seen[name] {
				t.Errorf("%q is not found", name)
			}
		}
	})
}
