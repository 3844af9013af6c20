package lock_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lock"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// TestParse: each archive is a lock, and what is said of it. A lock without
// problems is written anew as it was.
func TestParse(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			src := archive.Files[0].Data
			f, diags := lock.Parse(lock.FileName, src)
			var got bytes.Buffer
			if err := diag.WriteText(&got, map[string][]byte{lock.FileName: src}, diags, diag.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if len(diags) == 0 {
				got.Write(f.Encode())
			}
			if *update {
				archive.Files = []txtar.File{archive.Files[0], {Name: "want", Data: got.Bytes()}}
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := archive.Files[1].Data; !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s", diff.Diff("want", want, "got", got.Bytes()))
			}
		})
	}
}

// FuzzParse: whatever a lock holds, there is an answer; what was understood is
// written so that it is understood alike.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data))
	}
	f.Fuzz(func(t *testing.T, src string) {
		first, diags := lock.Parse(lock.FileName, []byte(src))
		if len(diags) > 0 {
			return
		}
		text := first.Encode()
		second, diags := lock.Parse(lock.FileName, text)
		if len(diags) > 0 {
			t.Fatalf("%v in\n%s", diags, text)
		}
		if changes := lock.Diff(first, second); len(changes) > 0 {
			t.Errorf("%v after writing\n%s", changes, text)
		}
		if again := second.Encode(); !bytes.Equal(text, again) {
			t.Errorf("%s", diff.Diff("first", text, "again", again))
		}
	})
}

func digest(c string) string { return "sha256:" + strings.Repeat(c, 64) }

func TestSetKeepDiff(t *testing.T) {
	f := &lock.File{}
	for _, name := range []string{"b", "c", "a"} {
		f.Set(lock.Image{Name: name, Digest: digest("1")})
	}
	now := f.Clone()
	now.Set(lock.Image{Name: "b", Digest: digest("2")})
	now.Set(lock.Image{Name: "d", Digest: digest("3")})
	now.Keep(func(name string) bool { return name != "c" })
	want := []lock.Change{{"b", digest("1"), digest("2")}, {"c", digest("1"), ""}, {"d", "", digest("3")}}
	if got := lock.Diff(f, now); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := lock.Diff(now, now); got != nil {
		t.Errorf("got %v", got)
	}
	if got := now.Digests(); len(got) != 3 || got["b"] != digest("2") {
		t.Errorf("got %v", got)
	}
}

func TestName(t *testing.T) {
	for _, c := range [][4]string{
		{"node", "docker.io/library/node:latest", "", "node:latest"},
		{"node:24-slim", "docker.io/library/node:24-slim", "", "node:24-slim"},
		{"index.docker.io/library/node:24", "docker.io/library/node:24", "", "node:24"},
		{"ghcr.io/acme/x:1", "ghcr.io/acme/x:1", "", "ghcr.io/acme/x:1"},
		{"127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "", "127.0.0.1:5000/x:latest"},
		{"node:24@" + digest("a"), "docker.io/library/node:24", digest("a"), "node:24"},
		{"node@" + digest("a"), "docker.io/library/node", digest("a"), "node"},
		{"UPPER", "UPPER", "", "UPPER"},
	} {
		name, pinned := lock.Name(c[0])
		if name != c[1] || pinned != c[2] || lock.Familiar(name) != c[3] {
			t.Errorf("%s is %s %s %s", c[0], name, pinned, lock.Familiar(name))
		}
	}
}

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		tag, all, versions, want string
	}{
		{"24.21.0-bookworm-slim", "24 24.9.0-bookworm-slim 24.22.1-bookworm-slim 24.100.0-bookworm-slim 24.23.0-bookworm 25.0.0-bookworm-slim 24.22-bookworm-slim 24.22.0-rc1-bookworm-slim", "24", "24.22.1-bookworm-slim 24.100.0-bookworm-slim"},
		{"3.11.2-slim-bookworm", "3.11.9-slim-bookworm 3.12.1-slim-bookworm 3.11.10-slim-bookworm 3.11.2-slim-bookworm", "3.11", "3.11.9-slim-bookworm 3.11.10-slim-bookworm"},
		{"1.26.8", "1.26.9 1.27.0 v1.26.9", "", "1.26.9"},
		{"v1.2.3", "1.2.4 v1.2.5", "", "v1.2.5"},
		{"12.2.0", "12.3.0 12.2.1", "17", "12.2.1"},
		{"24-slim", "25-slim 24.1-slim", "24", ""},
		{"12", "13", "", ""},
		{"24.1.0", "24.2.0 24.1.1", "24 24.1", "24.1.1"},
		{"bookworm-slim", "trixie-slim", "12", ""},
		{"latest", "1", "", ""},
		{"1.99999999999999999999.0", "1.99999999999999999999.1", "", ""},
	} {
		got := lock.Newer(c.tag, strings.Fields(c.all), strings.Fields(c.versions))
		if want := strings.Fields(c.want); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", c.tag, got, want)
		}
	}
}
