package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestOwnCache: what others may have written is not believed.
func TestOwnCache(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no cache is believed there: whose a file is cannot be told")
	}
	repository, cache := t.TempDir(), t.TempDir()
	write := func(dir, name string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	linked := filepath.Join(cache, "link")
	if err := os.Symlink(write(cache, "target", 0o600), linked); err != nil {
		t.Fatal(err)
	}
	through := filepath.Join(t.TempDir(), "cache")
	if err := os.Symlink(repository, through); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		want bool
	}{
		"our own":                      {write(cache, "own", 0o644), true},
		"everybody can write it":       {write(cache, "all", 0o646), false},
		"the group can":                {write(cache, "group", 0o664), false},
		"a link":                       {linked, false},
		"a folder":                     {cache, false},
		"none":                         {filepath.Join(cache, "none"), false},
		"in the repository":            {write(repository, "own", 0o600), false},
		"in the repository, by a link": {filepath.Join(through, "own"), false},
	} {
		if got := (&app{dir: repository}).ownCache(c.file); got != c.want {
			t.Errorf("%s: believed is %v", name, got)
		}
	}
	if os.Geteuid() != 0 {
		return // nobody else can give files away
	}
	foreign := write(cache, "foreign", 0o600)
	if err := os.Chown(foreign, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if (&app{dir: repository}).ownCache(foreign) {
		t.Error("a file of somebody else is believed")
	}
}
