package lint_test

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/definition"
)

// FuzzDockerfile: whatever a Dockerfile, its scripts and its ignore file hold,
// there is an answer, and findings are inside the files that they name.
func FuzzDockerfile(f *testing.F) {
	cases, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		fsys := variant(f, archive, "bad/")
		f.Add(data(fsys, "runtimes/node/Dockerfile"), data(fsys, "runtimes/node/build.sh"),
			data(fsys, "runtimes/node/.dockerignore"))
	}
	for _, seed := range []string{
		"FROM a\nCOPY --parents --exclude=*.md a/../b* ../c /\n", "FROM a\nRUN <<EOF bash\n[[ a ]]\nEOF\n",
		"FROM a\nSHELL [\"pwsh\"]\nRUN a\n",
		"FROM a AS b\nFROM b\nFROM b AS a\n", "FROM a\nADD https://a/b /c\nCOPY [\"a b\", \"c d\"]\n",
		"FROM a\nRUN chmod a-x,u= * && chown :\n", "FROM a\nONBUILD RUN b\nVOLUME c\n",
	} {
		f.Add([]byte(seed), []byte("exec a"), []byte("*\n!a\n[\n"))
	}
	base := good(f)
	maps.DeleteFunc(base, func(name string, _ *fstest.MapFile) bool { // one runtime is enough
		return strings.Contains(name, "rust") || strings.Contains(name, "alpine")
	})
	set, diags := definition.Load(base) // once: they stay the same, and goroutines make coverage differ from run to run
	if diags.HasErrors() {
		f.Fatal(diags)
	}
	f.Fuzz(func(t *testing.T, dockerfile, script, ignore []byte) {
		if len(dockerfile)+len(script)+len(ignore) > 4<<10 {
			return // it finds no more than a small one, and takes longer
		}
		fsys := maps.Clone(base)
		fsys["runtimes/node/Dockerfile"] = &fstest.MapFile{Data: dockerfile}
		fsys["runtimes/node/build.sh"] = &fstest.MapFile{Data: script}
		fsys["runtimes/node/.dockerignore"] = &fstest.MapFile{Data: ignore}
		diags, sources := check(t, set, fsys)
		for _, d := range diags {
			if d.Subject == nil {
				t.Errorf("%s has no place", d.Summary)
				continue
			}
			size := len(sources[d.Subject.Filename])
			if s := d.Subject; s.Start.Line < 1 || s.Start.Byte < 0 || s.End.Byte < s.Start.Byte || s.End.Byte > size {
				t.Errorf("%s: %v is not inside the %d bytes", d.Summary, s, size)
			}
		}
	})
}

func data(fsys fstest.MapFS, name string) []byte {
	if f := fsys[name]; f != nil {
		return f.Data
	}
	return nil
}
