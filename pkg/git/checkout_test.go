package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/runbake/runbake/pkg/git"
)

func TestFind(t *testing.T) {
	top := t.TempDir()
	files := map[string]string{
		"repo/.git/HEAD":                             "ref: refs/heads/main\n",
		"repo/.gitmodules":                           "[submodule \"a b\"]\n\turl = https://example.com/a\n\tpath = services/images/sub\n# path = no\n[other]\n\tpath = no\n[submodule \"c\"]\n  Path=\"vendor/c\"\n",
		"repo/services/.gitattributes":               "*.bin filter=lfs diff=lfs merge=lfs -text\n",
		"repo/services/images/x":                     "",
		"repo/services/images/sub/.git":              "gitdir: ../../../.git/modules/sub\n",
		"repo/services/images/sub/runtimes/x":        "",
		"worktree/.git":                              "gitdir: ../repo/.git/worktrees/w\n",
		"repo/.git/worktrees/w/info/sparse-checkout": "/*\n",
		"worktree/runtimes/x":                        "",
		"repo/.git/worktrees/w/commondir":            "../..\n",
		"repo/.git/config":                           "repo",
		"repo/.git/modules/sub/config":               "sub",
		"none/x":                                     "",
	}
	for name, text := range files {
		full := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]string{
		"repo":                              "repo  [services/images/sub vendor/c] [services/images/sub vendor/c] false false repo",
		"repo/services/images":              "repo services/images [services/images/sub vendor/c] [sub] true false repo",
		"repo/services/images/sub/runtimes": "sub runtimes [] [] false false sub",
		"worktree":                          "worktree  [] [] false true repo",
		"worktree/runtimes":                 "worktree runtimes [] [] false true repo",
	} {
		c, err := git.Find(filepath.Join(top, filepath.FromSlash(dir)))
		got := fmt.Sprintln(filepath.Base(c.Root), c.Folder, c.Submodules, c.Below(c.Folder), c.LFS, c.Sparse, string(c.Config))
		if err != nil || got != want+"\n" {
			t.Errorf("%s: got %q, %v, want %q", dir, got, err, want)
		}
	}
	if c, err := git.Find(filepath.Join(top, "none")); err != nil || c.Root != "" && c.Folder == "" {
		t.Errorf("a folder in no repository: %+v, %v", c, err)
	}
	if _, err := git.Find(filepath.Join(top, "missing")); err == nil {
		t.Error("a folder that there is not was found")
	}
}

func TestUnknownRef(t *testing.T) {
	for ref, want := range map[string]string{
		"origin/main": "git fetch --depth=1 origin main:refs/remotes/origin/main", "HEAD~3": "git fetch --unshallow", "v1": "git fetch --unshallow --tags",
		"main@{1}": "git fetch --unshallow", "0123456789012345678901234567890123456789": "git fetch --depth=1 origin 0123456789012345678901234567890123456789",
		"origin/main~2": "git fetch --unshallow",
	} {
		err := &git.UnknownRefError{Ref: ref, Shallow: true}
		if got, full := err.Error(), ref+" is not in this clone, which is shallow; fetch it: "+want+" (with actions/checkout: fetch-depth: 0)"; got != full {
			t.Errorf("got %q, want %q", got, full)
		}
	}
}
