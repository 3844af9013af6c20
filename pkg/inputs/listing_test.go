package inputs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tonistiigi/fsutil"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/inputs"
)

// TestAsBuildKit lists a real folder beside what BuildKit's client sends.
func TestAsBuildKit(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{
		"a.txt": 0o644, "b.sh": 0o755, "private": 0o600, "dir/a.txt": 0o644, "dir/sub/b.txt": 0o444, "dir/sub/.hidden": 0o644,
		"dir-2/x": 0o644, "dir.3/x": 0o644, "node_modules/m/index.js": 0o644, "node_modules/keep/index.js": 0o644, "ä/ö": 0o644,
	} {
		name = filepath.Join(dir, "c", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"to-file": "a.txt", "to-dir": "dir", "dir/up": "../dir-2", "out": "../../x", "absolute": "/dir/sub", "loop": "loop", "nowhere": "none",
	} {
		if err := os.Symlink(target, filepath.Join(dir, "c", link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "c", "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, c := range []struct {
		paths  []string
		ignore string
	}{
		{[]string{"."}, ""},
		{[]string{"."}, "node_modules\n!node_modules/keep\n"},
		{[]string{"."}, "*\n!dir\ndir/sub/b.txt\n"},
		{[]string{"."}, "**/*.txt\n!**/b.txt\n"},
		{[]string{"."}, "dir*/\n"},
		{[]string{"dir", "a.txt"}, ""},
		{[]string{"dir/sub/b.txt"}, "dir/sub/.hidden"},
		{[]string{"to-file", "to-dir"}, ""},
		{[]string{"to-dir/sub/b.txt", "dir/up/x"}, ""},
		{[]string{"absolute", "out", "loop", "nowhere", "none"}, ""},
		{[]string{"*.sh", "d*/x", "to-*"}, ""},
		{[]string{"dir"}, "dir"},
		{[]string{"empty"}, ""},
		{[]string{"a.txt/x"}, ""},
	} {
		t.Run(fmt.Sprintf("%q %q", c.paths, c.ignore), func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "ignore"), []byte(c.ignore), 0o600); err != nil {
				t.Fatal(err)
			}
			dockerfile := "FROM scratch\nCOPY " + strings.Join(c.paths, " ") + " /\n"
			b := bake.Build{Target: &bake.Target{Name: "x", Context: "c"}, Inline: dockerfile}
			if err := os.WriteFile(filepath.Join(dir, "c", ".dockerignore"), []byte(c.ignore), 0o644); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, component := range of(t, root.FS(), inputs.Options{}, b)["x"].Components {
				for _, f := range component.Files {
					got = append(got, fmt.Sprintf("%s %v %s", f.Path, f.Mode, f.Link))
				}
			}
			if want := sent(t, filepath.Join(dir, "c"), c.paths, c.ignore); !slices.Equal(got, want) {
				t.Errorf("got:\n%s\nBuildKit sends:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// sent lists a folder with BuildKit's own code.
func sent(t *testing.T, dir string, paths []string, ignore string) []string {
	t.Helper()
	opt := &fsutil.FilterOpt{}
	if !slices.Equal(paths, []string{"."}) {
		opt.FollowPaths = paths
	}
	for line := range strings.Lines(ignore) {
		opt.ExcludePatterns = append(opt.ExcludePatterns, strings.TrimSuffix(path.Clean(strings.TrimSpace(line)), "/"))
	}
	var list []string
	err := fsutil.Walk(t.Context(), dir, opt, func(name string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		list = append(list, fmt.Sprintf("%s %v %s", name, info.Mode(), link))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0]) })
	return list
}
