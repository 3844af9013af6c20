package cli_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/runbake/runbake/pkg/cli"
)

// TestInputsCache: what was read is known the next time, a damaged cache is as
// good as none, and the answer is always the same.
func TestInputsCache(t *testing.T) {
	dir, caches := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"runbake.hcl":               "project {\n  registry = \"r.example\"\n}\n",
		"runtimes/perl/runtime.hcl": "base \"perl\" {\n  name = \"Perl\"\n  version \"5\" {}\n}\n",
		"runtimes/perl/Dockerfile":  "FROM debian:12\nCOPY a.pl /\n",
		"runtimes/perl/a.pl":        "a",
	} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func() string {
		t.Helper()
		var out bytes.Buffer
		code := cli.Main(t.Context(), cli.Env{
			Args: []string{"inputs", "--dir", dir}, Stdout: &out, Stderr: io.Discard,
			LookupEnv: func(name string) (string, bool) { return caches, name == "XDG_CACHE_HOME" },
			Now:       func() time.Time { return time.Now().Add(time.Hour) }, // the files are old by then
		})
		if code != 0 {
			t.Fatalf("exit code %d", code)
		}
		return out.String()
	}
	want := run()
	files, err := filepath.Glob(filepath.Join(caches, "runbake", "digests", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the cache has %q, %v", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"whole": whole, "cut": whole[:len(whole)/2], "empty": nil, "other": []byte("something else")} {
		if err := os.WriteFile(files[0], data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := run(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		if after, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(after, whole) {
			t.Errorf("%s: the cache is not whole again: %v", name, err)
		}
	}
}
