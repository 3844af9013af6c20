package embedded

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// image is one of BuildKit, by names of its files.
type image struct {
	files map[string]string
	err   error // after all files
	asked int
}

func (i *image) Files(_ context.Context, take func(name string, content io.Reader) error) (string, error) {
	i.asked++
	for name, text := range i.files {
		if err := take(name, strings.NewReader(text)); err != nil {
			return "", err
		}
	}
	return "sha256:0", i.err
}

func whole() map[string]string {
	return map[string]string{
		"usr/bin/buildkitd": "daemon", "usr/bin/buildkit-runc": "runc", "usr/bin/buildkit-qemu-aarch64": "qemu",
		"usr/bin/rootlesskit": "kit",
		"usr/bin/buildctl":    "client", "etc/passwd": "root", "usr/bin/sub/buildkitd": "another", "buildkitd": "another",
	}
}

// bare is a machine on which nothing is installed.
func bare(t *testing.T, i *image) (*Options, *[]string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	log := &[]string{}
	o := &Options{
		State: filepath.Join(dir, "state"), Self: filepath.Join(dir, "runbake"), Version: "v1", Image: "example.com/buildkit:v1",
		Files: i.Files, Log: func(line string) { *log = append(*log, line) },
	}
	if err := os.MkdirAll(o.path("bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	return o, log
}

// TestFetch: the programs come once, and again when they are no longer what came.
func TestFetch(t *testing.T) {
	i := &image{files: whole()}
	o, log := bare(t, i)
	for range 2 {
		if err := o.fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if i.asked != 1 || len(*log) != 2 || (*log)[1] != "BuildKit is that of example.com/buildkit:v1@sha256:0" {
		t.Errorf("asked %d times, said %q", i.asked, *log)
	}
	found, err := filepath.Glob(o.fetched() + "/*")
	if err != nil || len(found) != 4 { // and their sums
		t.Errorf("it has %v, %v", found, err)
	}
	if err := o.linkEmulators(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(o.path("bin/buildkit-qemu-aarch64")); err != nil || string(text) != "qemu" {
		t.Errorf("the emulator is %q, %v", text, err)
	}
	for name, change := range map[string]func(program string) error{
		"changed": func(program string) error { return os.WriteFile(program, []byte("evil"), 0o600) },
		"removed": os.Remove,
	} {
		program := filepath.Join(o.fetched(), "buildkitd")
		before := i.asked
		if err := errors.Join(change(program), o.fetch(t.Context())); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(program); i.asked != before+1 || err != nil || string(text) != "daemon" {
			t.Errorf("%s: asked %d times, then %q, %v", name, i.asked-before, text, err)
		}
	}
}

// TestFetchFails: what is not whole, or not what the registry says, leaves nothing.
func TestFetchFails(t *testing.T) {
	without := func(name string) map[string]string {
		files := whole()
		delete(files, name)
		return files
	}
	for name, c := range map[string]struct {
		image *image
		want  string
	}{
		"a wrong digest": {&image{files: whole(), err: errors.New("another digest")}, "example.com/buildkit:v1: another digest"},
		"no daemon":      {&image{files: without("usr/bin/buildkitd")}, "it has no /usr/bin/buildkitd"},
		"no runtime":     {&image{files: without("usr/bin/buildkit-runc")}, "it has no /usr/bin/buildkit-runc"},
		"empty":          {&image{}, "it has no /usr/bin/buildkitd"},
	} {
		o, _ := bare(t, c.image)
		err := o.fetch(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if left, err := filepath.Glob(o.fetched() + "*"); err != nil || len(left) > 0 || o.kept() {
			t.Errorf("%s: it leaves %v, %v", name, left, err)
		}
	}
}

// TestPrograms: what the machine has comes first, then the image.
func TestPrograms(t *testing.T) {
	i := &image{files: whole()}
	o, _ := bare(t, i)
	installed := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(filepath.Dir(o.State), name), nil, 0o700); err != nil { //nolint:gosec // a program is run
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(filepath.Dir(o.State), 0o700); err != nil { //nolint:gosec // a folder is entered
		t.Fatal(err)
	}
	got, err := o.programs(t.Context())
	if err != nil || got["buildkitd"] != filepath.Join(o.fetched(), "buildkitd") {
		t.Errorf("with nothing installed: %q, %v", got, err)
	}
	installed("runc", "buildkitd", "rootlesskit")
	asked := i.asked
	got, err = o.programs(t.Context())
	if err != nil || filepath.Base(got[runtimeLink]) != "runc" || filepath.Dir(got["buildkitd"]) != filepath.Dir(o.State) || i.asked != asked {
		t.Errorf("with all installed: %q, %v", got, err)
	}
	o.Files = nil
	if err := errors.Join(os.RemoveAll(o.fetched()), os.Remove(filepath.Join(filepath.Dir(o.State), "buildkitd"))); err != nil {
		t.Fatal(err)
	}
	if _, err := o.programs(t.Context()); err == nil || !strings.Contains(err.Error(), "put one beside runbake, or install BuildKit, or Go") {
		t.Errorf("with no image: %v", err)
	}
}
