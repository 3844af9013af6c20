package bundled

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
)

// TestWrite: each probe is a program, where the emitted file looks for it.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	has, err := write(fstest.MapFS{
		"probes/linux/amd64/probe": {Data: []byte("of amd64")}, "probes/linux/arm64/probe": {Data: []byte("of arm64")},
	}, dir)
	if err != nil || !has {
		t.Fatal(has, err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		name := filepath.Join(dir, "linux", arch, "probe")
		got, err := os.ReadFile(name)
		if err != nil || string(got) != "of "+arch {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o555 != 0o555 {
			t.Errorf("%s: %v, %v: everybody runs it", name, info, err)
		}
	}
}

// TestNone: a program that is no release has no probe, and writes nothing.
func TestNone(t *testing.T) {
	dir := t.TempDir()
	has, err := write(fstest.MapFS{}, dir)
	if left, readErr := os.ReadDir(dir); has || err != nil || readErr != nil || len(left) > 0 {
		t.Errorf("%v, %v, %v, %v", has, err, left, readErr)
	}
}
