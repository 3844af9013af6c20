package scaffold_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/scaffold"
)

var update = flag.Bool("update", false, "write what is made into the golden files")

// result is in front of the names of the files that a golden file wants.
const result = "want "

// TestNew makes what the options of each golden file ask for, and compares
// every file. What is made has no diagnostics.
func TestNew(t *testing.T) {
	names, err := filepath.Glob("testdata/new/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			golden, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fsys, given := fstest.MapFS{}, []txtar.File{}
			for _, f := range golden.Files {
				if strings.HasPrefix(f.Name, result) {
					continue
				}
				given = append(given, f)
				fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: modeOf(f.Name)}
			}
			change, err := create(options(t, string(golden.Comment)), fsys)
			if err != nil {
				t.Fatal(err)
			}
			_, diags := change.Check(fsys)
			for _, d := range diags {
				t.Errorf("%s: %s", d.Summary, d.Detail)
			}
			golden.Files = slices.Concat(given, written(change))
			compare(t, name, golden)
		})
	}
}

// modeOf makes scripts executable: a txtar has no modes.
func modeOf(name string) fs.FileMode {
	if strings.HasSuffix(name, ".sh") {
		return 0o755
	}
	return 0o644
}

func written(c *scaffold.Change) []txtar.File {
	var files []txtar.File
	for _, f := range c.Files {
		files = append(files, txtar.File{Name: fmt.Sprintf("%s%04o %s", result, f.Mode, f.Path), Data: f.Content})
	}
	return append(files, txtar.File{Name: result + "next", Data: []byte(strings.Join(c.Next, "\n") + "\n")})
}

func compare(t *testing.T, name string, golden *txtar.Archive) {
	t.Helper()
	got := txtar.Format(golden)
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// options reads lines of a name and a value.
func options(t *testing.T, text string) scaffold.Options {
	t.Helper()
	var o scaffold.Options
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "new":
			o.Key, o.Version, _ = strings.Cut(value, " ")
		case "kind":
			o.Kind = catalogue.Kind(value)
		case "from":
			o.From = append(o.From, value)
		case "name":
			o.Name = value
		case "entrypoint":
			o.Entrypoint = value
		case "run":
			o.Run = value
		case "layout":
			o.Layout = value
		case "platform":
			o.Platforms = append(o.Platforms, value)
		case "#", "":
		default:
			t.Fatalf("no option %q", name)
		}
	}
	return o
}

func create(o scaffold.Options, fsys fs.FS) (*scaffold.Change, error) {
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if all := slices.Concat(diags, more); all.HasErrors() {
		return nil, all
	}
	return scaffold.New(o, scaffold.Repository{Set: set, Catalogue: c, FS: fsys}, nil)
}

// repository has a family, a runtime with a folder for each version, a compiled
// one and two bases.
func repository() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	image := file("ARG BASE_IMAGE=scratch\nARG TOOLS=scratch\nFROM ${TOOLS} AS tools\nFROM ${BASE_IMAGE}\nCOPY --from=tools /a /b\n")
	return fstest.MapFS{
		"runbake.hcl": file("project {\n  registry = \"ghcr.io/acme\"\n}\n"),
		"runtimes/node/runtime.hcl": file(`runtime "node" {
  name = "Node.js"
  kind = "interpreted"
  version "22" {
    from = { BASE_IMAGE = "node:22.1.0", TOOLS = "tools:1" }
    args = { npm_config_x = "1" }
  }
}
`),
		"runtimes/node/Dockerfile": file("ARG BASE_IMAGE\nARG TOOLS\nFROM ${TOOLS} AS tools\nFROM ${BASE_IMAGE}\nARG npm_config_x\nCOPY --from=tools /a /b\n"),
		"runtimes/c-17/runtime.hcl": file(`runtime "c" {
  name    = "C"
  kind    = "compiled"
  run     = base.debian["12"]
  context = "runtimes/c-17"
  from    = { BASE_IMAGE = "gcc:14", TOOLS = "tools:1" }
  version "17" {}
}
`),
		"runtimes/c-17/Dockerfile":    image,
		"runtimes/debian/runtime.hcl": file("base \"debian\" {\n  name = \"Debian\"\n  version \"12\" {}\n  version \"13\" {}\n}\n"),
		"runtimes/debian/Dockerfile":  file("FROM debian:bookworm-slim\n"),
		"runtimes/fixed/runtime.hcl":  file("runtime \"fixed\" {\n  name = \"Fixed\"\n  kind = \"interpreted\"\n  version \"1\" {}\n}\n"),
		"runtimes/fixed/Dockerfile":   file("FROM fixed:1\n"),
	}
}

// TestProblems: what is asked for is checked before anything is decided, and
// everything that is wrong is said.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ name, options, want string }{
		{"nothing", "new ", `Invalid key "": A key has lower-case letters, digits and dashes, and starts with a letter or digit.
Invalid version "": A version has lower-case letters, digits, dots, dashes and underscores, and starts with a letter or digit.`},
		{"paths", "new ../x a/b", `Invalid key "../x": A key has lower-case letters, digits and dashes, and starts with a letter or digit.
Invalid version "a/b": A version has lower-case letters, digits, dots, dashes and underscores, and starts with a letter or digit.`},
		{"a reserved key", "new default 1", `"default" is a reserved key: The emitted file has a group of that name. Choose another key.`},
		{"no flags", "new janet 1", `give --kind: interpreted if the image runs the user's source, compiled if it makes an executable of it
give --entrypoint, the file that a function has when it says nothing, for example main.exs
give one image with --from, for example --from janet:1-slim`},
		{"a misspelt key", "new nodd 26\nfrom node:26\nentrypoint x.js", `there is no runtime "nodd"; did you mean "node"? To make it, give --kind`},
		{"wrong values", "new elixir 1\nkind base\nfrom Elixir:1\nname a\x00b\nentrypoint a/b\nlayout flat\nplatform linux/amd46\nplatform linux/arm64\nplatform linux/arm64/v8", `--kind=base: it is interpreted or compiled
--name="a\x00b": a name is one line of text
--entrypoint: Invalid entry point "a/b": Write a file name without folders, for example "index.js".
--from: Invalid image "Elixir:1": Write [registry/]name:tag in lower case, for example "node:24-bookworm-slim" (invalid reference format: repository name (library/Elixir) must be lowercase).
--layout=flat: it is family or version
--platforms: Unknown platform "linux/amd46": Did you mean "linux/amd64"?
--platforms=linux/arm64 is given twice`},
		{"a name that a script would read", "new elixir 1\nkind interpreted\nfrom elixir:1\nentrypoint a;b", `--entrypoint="a;b": use letters, digits, dots, dashes and underscores`},
		{"a base to build on", "new elixir 1\nkind interpreted\nfrom base.debian[\"12\"]", `--from base.debian["12"]: a base has the user and the folders already, which a new Dockerfile makes; start from its image, and change both`},
		{"a run base for source", "new elixir 1\nkind interpreted\nfrom elixir:1\nrun debian-12", `--run is for compiled runtimes: an interpreted one runs in the image that it builds`},
		{"no run base", "new zig 1\nkind compiled\nfrom debian:12", `give --run, the base that runs the result: one of debian-12, debian-13`},
		{"a misspelt run base", "new zig 1\nkind compiled\nfrom debian:12\nrun debain-12", `--run=debain-12: there is no such base; did you mean debian-12?`},
		{"another run base", "new zig 1\nkind compiled\nfrom debian:12\nrun base.alpine[\"3\"]", `--run=base.alpine["3"]: there is no such base; it is one of debian-12, debian-13`},
		{"a runtime as run base", "new zig 1\nkind compiled\nfrom debian:12\nrun node-22", `--run=node-22: there is no such base; it is one of debian-12, debian-13`},
		{"a version that exists", "new node 22\nfrom BASE_IMAGE=node:22\nfrom TOOLS=tools:1", `node-22 exists already, at runtimes/node/runtime.hcl:4:3`},
		{"flags of runtimes", "new fixed 2\nkind compiled\nname Fixed\nrun debian-12", `--kind: fixed exists already, and a version of it does not choose that; see runtimes/fixed/runtime.hcl:1:1
--name: fixed exists already, and a version of it does not choose that; see runtimes/fixed/runtime.hcl:1:1
--run is for compiled runtimes; fixed is interpreted`},
		{"which argument", "new node 26\nfrom node:26", `--from node:26: say which it is of BASE_IMAGE, TOOLS, as in --from BASE_IMAGE=node:26`},
		{"one argument left", "new node 26\nfrom BASE_IMAGE=node:26", `give the image of TOOLS with --from: each version of node has its own`},
		{"an argument twice", "new node 26\nfrom TOOLS=a:1\nfrom TOOLS=b:1", `--from: there are two images for TOOLS`},
		{"no argument to give", "new fixed 2\nfrom fixed:2", `--from fixed:2: the versions of fixed name no image; write the ARG in its Dockerfile, then --from ARG=fixed:2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			change, err := create(options(t, c.options), repository())
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v\n%v\nwant\n%s", change, err, c.want)
			}
		})
	}
}

// TestInTheWay: everything that is where new files would be is listed.
func TestInTheWay(t *testing.T) {
	o := scaffold.Options{Key: "elixir", Version: "1.18", Kind: catalogue.Interpreted, From: []string{"elixir:1.18-slim"}}
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"files", []string{"runtimes/elixir/Dockerfile", "runtimes/elixir/lib/a.exs", "tests/fixtures/elixir/main.exs"}, "runtimes/elixir/Dockerfile runtimes/elixir/lib/a.exs tests/fixtures/elixir/main.exs"},
		{"a file for a folder", []string{"runtimes/elixir"}, "runtimes/elixir"},
		{"a file above", []string{"tests"}, "tests"},
		{"neighbours", []string{"runtimes/elixir-1.17/x", "tests/fixtures/elixirs/x", "tests/x"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := repository()
			for _, name := range c.files {
				fsys[name] = &fstest.MapFile{Mode: 0o644}
			}
			_, err := create(o, fsys)
			got := ""
			if blocked, ok := errors.AsType[*scaffold.InTheWay](err); ok {
				got = strings.Join(blocked.Paths, " ")
			} else if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCheck: a change whose result would break a rule of the whole repository
// is found out.
func TestCheck(t *testing.T) {
	fsys := repository()
	change, err := create(scaffold.Options{Key: "fixed-1", Version: "2_0", Kind: catalogue.Interpreted, From: []string{"a"}, Entrypoint: "a.x"}, fsys)
	if err != nil {
		t.Fatal(err)
	}
	_, diags := change.Check(fsys)
	if len(diags) != 1 || !strings.Contains(diags[0].Summary, "fixed-1 has the name of a group") {
		t.Errorf("got %v", diags)
	}
}
