package git_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/repofs"
)

// run runs git, with nobody's settings.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// repository is a folder with one commit.
func repository(t *testing.T) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "gitconfig")
	write(t, config, "[user]\n\tname = A\n\temail = a@example.com\n[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n")
	t.Setenv("GIT_CONFIG_GLOBAL", config)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	name := `re:po "x" ä` // git takes lists of folders apart at colons
	if runtime.GOOS == "windows" {
		name = "re;po 'x' ä" // and there at semicolons
	}
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "init", "-q")
	write(t, filepath.Join(dir, "a.txt"), "one")
	write(t, filepath.Join(dir, "sub/b.txt"), "two")
	write(t, filepath.Join(dir, "sub/deep/ä \"c.txt"), "three")
	write(t, filepath.Join(dir, "run.sh"), "run")
	write(t, filepath.Join(dir, ".gitignore"), "ignored\n")
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"link": "a.txt", "sub/up": "../a.txt", "folder": "sub/deep", "out": "../x", "absolute": "/etc", "loop": "loop", "through": "folder/../b.txt",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "add", "--all")
	run(t, dir, "commit", "-q", "-m", "one")
	return dir
}

func open(t *testing.T, dir string) *git.Repo {
	t.Helper()
	r, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func tree(t *testing.T, r *git.Repo, state string) *git.Tree {
	t.Helper()
	// It is closed after the end of the test's own context.
	tree, err := r.Tree(context.WithoutCancel(t.Context()), state)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

func TestTree(t *testing.T) {
	dir := repository(t)
	for _, link := range []string{"out", "absolute", "loop"} { // which fstest would open
		if err := os.Remove(filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "commit", "-q", "--all", "-m", "two")
	fsys := tree(t, open(t, dir), "HEAD")
	if err := fstest.TestFS(fsys, "a.txt", "sub/b.txt", "sub/deep/ä \"c.txt", "run.sh", "link", "folder"); err != nil {
		t.Error(err)
	}
}

func TestTreeLinks(t *testing.T) {
	fsys := tree(t, open(t, repository(t)), "HEAD")
	for name, want := range map[string]string{
		"link": "one", "sub/up": "one", "folder/ä \"c.txt": "three", "through": "two",
		"out": "escapes", "absolute": "escapes", "loop": "too many", "loop/x": "too many", "a.txt/x": "not exist", "none": "not exist",
	} {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			data = []byte(err.Error())
		}
		if !strings.Contains(string(data), want) {
			t.Errorf("%s: %s, want %s", name, data, want)
		}
	}
	for name, mode := range map[string]fs.FileMode{"run.sh": 0o755, "a.txt": 0o644, "sub": fs.ModeDir | 0o755, "link": fs.ModeSymlink | 0o777} {
		info, err := fsys.Lstat(name)
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestWorkingTree: what would be committed is seen, and nothing is changed.
func TestWorkingTree(t *testing.T) {
	dir := repository(t)
	write(t, filepath.Join(dir, "a.txt"), "changed")
	write(t, filepath.Join(dir, "staged.txt"), "staged")
	run(t, dir, "add", "staged.txt")
	write(t, filepath.Join(dir, "staged.txt"), "and changed again")
	write(t, filepath.Join(dir, "new.txt"), "new")
	write(t, filepath.Join(dir, "ignored"), "ignored")
	for _, name := range []string{"sub/b.txt", "link"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := run(t, dir, "status", "--porcelain")
	objects := run(t, dir, "count-objects", "-v")
	r := open(t, dir)
	state, err := r.WorkingTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fsys := tree(t, r, state)
	names := slices.Sorted(maps.Keys(fsys.Files()))
	want := []string{".gitignore", "a.txt", "absolute", "folder", "loop", "new.txt", "out", "run.sh", "staged.txt", "sub/deep/ä \"c.txt", "sub/up", "through"}
	if !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	for name, want := range map[string]string{"a.txt": "changed", "staged.txt": "and changed again", "new.txt": "new"} {
		if data, err := fsys.ReadFile(name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if after := run(t, dir, "status", "--porcelain"); after != before {
		t.Errorf("the status was\n%s\nand is\n%s", before, after)
	}
	if after := run(t, dir, "count-objects", "-v"); after != objects {
		t.Errorf("the store was\n%s\nand is\n%s", objects, after)
	}
}

// TestFolder: the repository of runtimes is a folder of a bigger one.
func TestFolder(t *testing.T) {
	dir := repository(t)
	write(t, filepath.Join(dir, "sub/new.txt"), "new")
	r := open(t, filepath.Join(dir, "sub"))
	state, err := r.WorkingTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(tree(t, r, state).Files())); !slices.Equal(names, []string{"b.txt", "deep/ä \"c.txt", "new.txt", "up"}) {
		t.Errorf("the working tree has %q", names)
	}
	if names := slices.Sorted(maps.Keys(tree(t, r, "HEAD").Files())); !slices.Equal(names, []string{"b.txt", "deep/ä \"c.txt", "up"}) {
		t.Errorf("the commit has %q", names)
	}
	write(t, filepath.Join(dir, "later/x"), "x")
	if names := tree(t, open(t, filepath.Join(dir, "later")), "HEAD").Files(); len(names) != 0 {
		t.Errorf("a folder that the commit does not have has %q", names)
	}
}

// TestCommittedTree: what a commit has is the working tree until something
// changes, in the root and in a folder, and nothing where there is no folder.
func TestCommittedTree(t *testing.T) {
	dir := repository(t)
	for _, folder := range []string{".", "sub"} {
		for _, changed := range []bool{false, true} {
			if changed {
				write(t, filepath.Join(dir, folder, "new.txt"), "new")
			}
			r := open(t, filepath.Join(dir, folder))
			committed, err := r.CommittedTree(t.Context(), "HEAD")
			if err != nil || committed == "" {
				t.Fatalf("%q, %v", committed, err)
			}
			now, err := r.WorkingTree(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if (now != committed) != changed {
				t.Errorf("%s, changed %t: %s and %s", folder, changed, committed, now)
			}
		}
	}
	write(t, filepath.Join(dir, "later/x"), "x")
	if committed, err := open(t, filepath.Join(dir, "later")).CommittedTree(t.Context(), "HEAD"); err != nil || committed != "" {
		t.Errorf("a folder that the commit does not have is %q, %v", committed, err)
	}
}

// TestSubmodule: only its commit is known.
func TestSubmodule(t *testing.T) {
	inner := repository(t)
	dir := repository(t)
	run(t, dir, "submodule", "--quiet", "add", inner, "module")
	r := open(t, dir)
	state, err := r.WorkingTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fsys := tree(t, r, state)
	if got := fsys.Submodules()["module"]; got != run(t, inner, "rev-parse", "HEAD") {
		t.Errorf("the submodule is at %q", got)
	}
	if _, err := fsys.Stat("module"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is something in it: %v", err)
	}
}

func TestRefs(t *testing.T) {
	dir := repository(t)
	first := run(t, dir, "rev-parse", "HEAD")
	write(t, filepath.Join(dir, "a.txt"), "more")
	run(t, dir, "commit", "-q", "--all", "-m", "two")
	r := open(t, dir)
	if commit, err := r.Commit(t.Context(), "HEAD~1"); err != nil || commit != first {
		t.Errorf("HEAD~1 is %s, %v", commit, err)
	}
	for _, ref := range []string{"nowhere", "--help", "", "HEAD:a.txt", strings.Repeat("1", 40)} {
		if commit, err := r.Commit(t.Context(), ref); !isUnknown(err, false) {
			t.Errorf("%q is %q, %v", ref, commit, err)
		}
	}
	run(t, dir, "checkout", "-q", "--orphan", "alone")
	run(t, dir, "commit", "-q", "-m", "alone")
	if _, found, err := r.MergeBase(t.Context(), "main", "alone"); found || err != nil {
		t.Errorf("they have no history in common: %t, %v", found, err)
	}
	shallow := filepath.Join(t.TempDir(), "clone")
	run(t, dir, "clone", "-q", "--depth=1", "--branch=main", "file://"+filepath.ToSlash(dir), shallow)
	if _, err := open(t, shallow).Commit(t.Context(), first); !isUnknown(err, true) {
		t.Errorf("the error is %v", err)
	}
	if _, err := git.Open(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("the error is %v", err)
	}
}

func isUnknown(err error, shallow bool) bool {
	unknown, ok := errors.AsType[*git.UnknownRefError](err)
	return ok && unknown.Shallow == shallow
}

// TestNames: names are bytes to git, and whatever they are, both states have
// them.
func TestNames(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("their file systems have no such names")
	}
	dir := repository(t)
	names := []string{"caf\xe9", "\xff/\xfe", "a\tb", "a\nb", "\nc", "\x01d", "\"e\"", "'f", "-g", "--", ":h", "*", "i ", "j\\k", "l\r", "sub/\xe9/m"}
	for _, name := range names {
		write(t, filepath.Join(dir, name), name)
	}
	r := open(t, dir)
	state, err := r.WorkingTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := tree(t, r, state)
	run(t, dir, "add", "--all", "--", ".")
	run(t, dir, "commit", "-q", "-m", "names")
	committed := tree(t, r, "HEAD")
	asked := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.ContainsAny(n[:1], "\n\x01") }) // no definition has such a name
	touched, err := r.Touched(t.Context(), "HEAD", asked)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for what, fsys := range map[string]*git.Tree{"the working tree": now, "the commit": committed} {
			if data, err := fs.ReadFile(fsys, name); err != nil || string(data) != name {
				t.Errorf("%s: %q has %q, %v", what, name, data, err)
			}
		}
	}
	for _, name := range asked {
		if _, found := touched[name]; !found {
			t.Errorf("%q was never touched", name)
		}
	}
}

// TestLargeObject: a file of a commit that is out of all proportion is an error,
// and the next one is read.
func TestLargeObject(t *testing.T) {
	dir := repository(t)
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(repofs.MaxFile+1), large.Close()); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "add", "large")
	run(t, dir, "commit", "-q", "-m", "large")
	fsys := tree(t, open(t, dir), "HEAD")
	if _, err := fs.ReadFile(fsys, "large"); !errors.Is(err, repofs.ErrSize) {
		t.Errorf("got %v", err)
	}
	if data, err := fs.ReadFile(fsys, "a.txt"); err != nil || string(data) != "one" {
		t.Errorf("the next has %q, %v", data, err)
	}
}
