package catalogue_test

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// example is a block of HCL whose first line says which file it is.
var example = regexp.MustCompile("(?s)```hcl\n# (\\S+)\n(.*?)```")

// TestDocumentation loads every example of the reference.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/definitions.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := example.FindAllStringSubmatch(string(text), -1)
	if got, want := len(examples), strings.Count(string(text), "```hcl"); got != want || got < 5 {
		t.Fatalf("%d of %d examples say which file they are", got, want)
	}
	for _, e := range examples {
		t.Run(e[1], func(t *testing.T) {
			fsys := fstest.MapFS{
				"runtimes/common/x":           {},
				"runtimes/debian/runtime.hcl": {Data: []byte("base \"debian\" {\n  name = \"Debian\"\n  version \"12\" {}\n}\n")},
				"tests/fixtures/node/x":       {},
				// What groups name, where no example defines it.
				"runtimes/all/runtime.hcl": {Data: []byte("base \"node\" {\n  name = \"Node.js\"\n  version \"22\" {}\n}\nbase \"php\" {\n  name = \"PHP\"\n  version \"8\" {}\n}\n")},
			}
			fsys[e[1]] = &fstest.MapFile{Data: []byte(e[2])}
			fsys[path.Join(path.Dir(e[1]), "Dockerfile")] = &fstest.MapFile{
				Data: []byte("ARG BASE_IMAGE\nFROM ${BASE_IMAGE} AS final\nARG NPM_VERSION\nCOPY --from=common /x /x\n"),
			}
			if e[1] == "runbake.hcl" {
				delete(fsys, "Dockerfile")
			} else {
				delete(fsys, "runtimes/all/runtime.hcl")
			}
			withDefaults(fsys)
			_, diags, _ := resolve(fsys)
			for _, d := range diags {
				t.Errorf("%s: %s", d.Summary, d.Detail)
			}
		})
	}
}
