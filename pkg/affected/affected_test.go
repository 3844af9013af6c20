package affected_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/affected"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/inputs"
)

const (
	project = `project {
  registry = "docker.io/acme"

  test {
    dockerfile = "probe/Dockerfile"
  }
}
`
	debian = `base "debian" {
  name = "Debian"

  version "12" {
    from = { BASE = "debian:bookworm-slim" }
  }
}
`
	node = `runtime "node" {
  name       = "Node.js"
  kind       = "interpreted"
  entrypoint = "index.js"
  fixture    = "tests/node"
  behaviour  = "tests/node-behaviour/handler.js"
  contexts   = { common = "common" }

  version "18" {
    from       = { BASE = "node:18" }
    deprecated = "2025-04-30"
  }

  version "22" {
    from = { BASE = "node:22" }
    args = { NPM = "10" }
  }

  version "24" {
    from = { BASE = "node:24" }
    args = { NPM = "11" }
  }
}
`
	golang = `runtime "go" {
  name       = "Go"
  kind       = "compiled"
  entrypoint = "main.go"
  fixture    = "tests/go"
  run        = base.debian["12"]

  version "1.26" {
    from = { BASE = "golang:1.26" }
  }
}
`
	perl = `runtime "perl" {
  name       = "Perl"
  kind       = "interpreted"
  entrypoint = "main.pl"
  fixture    = "tests/perl"

  version "5.36" {
    from = { BASE = base.debian["12"] }
  }
}
`
)

func repository() fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range map[string]string{
		"runbake.hcl":                      project,
		"README.md":                        "read me",
		"common/launch.sh":                 "launch",
		"common/README.md":                 "read me",
		"probe/Dockerfile":                 "FROM golang:1.26 AS build\nCOPY . .\nFROM scratch\nCOPY --from=build /out /\n",
		"probe/Dockerfile.dockerignore":    "*\n!probe/*.go\n",
		"probe/main.go":                    "probe",
		"probe/README.md":                  "read me",
		"runtimes/debian/runtime.hcl":      debian,
		"runtimes/debian/Dockerfile":       "ARG BASE\nFROM ${BASE}\nCOPY launch.sh /\n",
		"runtimes/debian/launch.sh":        "launch",
		"runtimes/node/runtime.hcl":        node,
		"runtimes/node/Dockerfile":         "ARG BASE\nFROM ${BASE}\nARG NPM\nCOPY server.js src /app/\nCOPY --from=common launch.sh /\n",
		"runtimes/node/.dockerignore":      "**/*.test.js\n",
		"runtimes/node/server.js":          "server",
		"runtimes/node/src/a.js":           "a",
		"runtimes/node/src/a.test.js":      "test",
		"runtimes/node/README.md":          "read me",
		"runtimes/go/runtime.hcl":          golang,
		"runtimes/go/Dockerfile":           "ARG BASE\nFROM ${BASE} AS tools\nCOPY tools /t\nFROM ${BASE}\nCOPY . /src\nCOPY --from=tools /t /t\n",
		"runtimes/go/.dockerignore":        "*.md\nruntime.hcl\n",
		"runtimes/go/server.go":            "server",
		"runtimes/go/tools/t.go":           "tools",
		"runtimes/go/README.md":            "read me",
		"runtimes/perl/runtime.hcl":        perl,
		"runtimes/perl/Dockerfile":         "ARG BASE\nFROM ${BASE}\nCOPY server.pl /\n",
		"runtimes/perl/server.pl":          "server",
		"tests/node/index.js":              "fixture",
		"tests/node-behaviour/handler.js":  "behaviour",
		"tests/go/main.go":                 "fixture",
		"tests/perl/main.pl":               "fixture",
		"tests/unrelated/main.pl":          "unrelated",
		".github/workflows/ci.yml":         "on: push",
		"runtimes/node/src/deep/er/b.json": "{}",
	} {
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	m["runtimes/debian/launch.sh"].Mode = 0o755
	return m
}

func state(t *testing.T, fsys fs.FS) *affected.State {
	t.Helper()
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if diags = append(diags, more...); diags.HasErrors() {
		t.Fatal(diags)
	}
	f := bake.FromCatalogue(c)
	builds := append(f.Evaluate(f.Defaults()), f.EvaluateTests(f.Defaults())...)
	targets, err := inputs.Of(t.Context(), fsys, builds, inputs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &affected.State{File: f, Inputs: targets}
}

// change changes files of a repository.
type change func(m fstest.MapFS)

func edit(name, old, with string) change {
	return func(m fstest.MapFS) {
		text := string(m[name].Data)
		if !strings.Contains(text, old) {
			panic(fmt.Sprintf("%s does not have %q", name, old))
		}
		m[name].Data = []byte(strings.Replace(text, old, with, 1))
	}
}

func write(name, text string) change {
	return func(m fstest.MapFS) { m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
}

func remove(names ...string) change {
	return func(m fstest.MapFS) {
		for _, name := range names {
			delete(m, name)
		}
	}
}

func rename(from, to string) change {
	return func(m fstest.MapFS) {
		for name, file := range maps.Clone(m) {
			if rest, found := strings.CutPrefix(name, from); found {
				delete(m, name)
				m[to+rest] = file
			}
		}
	}
}

func mode(name string, mode fs.FileMode) change {
	return func(m fstest.MapFS) { m[name].Mode = mode }
}

func several(changes ...change) change {
	return func(m fstest.MapFS) {
		for _, c := range changes {
			c(m)
		}
	}
}

// TestCompare has one row for each kind of input. What is wanted is ids: those
// to build (and test), those only to test, those that are gone.
func TestCompare(t *testing.T) {
	const (
		nodes   = "node-18 node-22 node-24"
		all     = "debian-12 go-1.26 node-18 node-22 node-24 perl-5.36"
		testAll = "go-1.26 node-18 node-22 node-24 perl-5.36"
	)
	cases := []struct {
		name              string
		change            change
		build, test, gone string
	}{
		// Nothing.
		{"nothing", func(fstest.MapFS) {}, "", "", ""},
		{"a file beside all", write("README.md", "new"), "", "", ""},
		{"a workflow", write(".github/workflows/ci.yml", "new"), "", "", ""},
		{"times", func(m fstest.MapFS) {
			m["runtimes/node/server.js"].ModTime = m["runtimes/node/server.js"].ModTime.AddDate(1, 0, 0)
		}, "", "", ""},
		{"a comment in a definition", edit("runtimes/node/runtime.hcl", "runtime", "# A comment.\nruntime"), "", "", ""},
		{"the format of a definition", edit("runtimes/node/runtime.hcl", `  version "22"`, "\n\n"+`  version   "22"`), "", "", ""},
		{"a comment in the project", edit("runbake.hcl", "project", "# A comment.\nproject"), "", "", ""},
		{"the order of versions", edit("runtimes/node/runtime.hcl", "  version \"24\" {\n    from = { BASE = \"node:24\" }\n    args = { NPM = \"11\" }\n  }\n}", "}\nruntime \"node\" {\n  contexts = { common = \"common\" }\n  version \"24\" {\n    from = { BASE = \"node:24\" }\n    args = { NPM = \"11\" }\n  }\n}"), "", "", ""},
		{"cache", edit("runbake.hcl", "  test", "  cache {\n    type = \"gha\"\n  }\n\n  test"), "", "", ""},
		{"deprecated", edit("runtimes/node/runtime.hcl", "    args = { NPM = \"10\" }", "    args = { NPM = \"10\" }\n    deprecated = \"2026-01-01\""), "", "", ""},
		// Files of contexts.
		{"a file of a context", write("runtimes/node/server.js", "new"), nodes, nodes, ""},
		{"a new file of a context", write("runtimes/node/src/b.js", "new"), nodes, nodes, ""},
		{"a deep file of a context", write("runtimes/node/src/deep/er/b.json", "new"), nodes, nodes, ""},
		{"a file of a context is gone", remove("runtimes/node/src/a.js"), nodes, nodes, ""},
		{"a file has another name", rename("runtimes/node/src/a.js", "runtimes/node/src/c.js"), nodes, nodes, ""},
		{"a file that the Dockerfile does not take", write("runtimes/node/README.md", "new"), "", "", ""},
		{"a new file that the Dockerfile does not take", write("runtimes/node/notes.txt", "new"), "", "", ""},
		{"a file that is ignored", write("runtimes/node/src/a.test.js", "new"), "", "", ""},
		{"a file of a context that is taken whole", write("runtimes/go/new.go", "new"), "go-1.26", "go-1.26", ""},
		{"an ignored file of a context that is taken whole", write("runtimes/go/README.md", "new"), "", "", ""},
		{"a file of a stage that the image needs", write("runtimes/go/tools/t.go", "new"), "go-1.26", "go-1.26", ""},
		{"a file can be executed", mode("runtimes/node/server.js", 0o755), nodes, nodes, ""},
		{"a file cannot be executed any more", mode("runtimes/debian/launch.sh", 0o644), "debian-12 perl-5.36", "go-1.26 perl-5.36", ""},
		{"a file becomes a link", func(m fstest.MapFS) {
			m["runtimes/node/server.js"] = &fstest.MapFile{Data: []byte("src/a.js"), Mode: fs.ModeSymlink | 0o777}
		}, nodes, nodes, ""},
		{"the ignore file, with an effect", write("runtimes/node/.dockerignore", ""), nodes, nodes, ""},
		{"the ignore file, without an effect", write("runtimes/node/.dockerignore", "# Tests.\nsrc/*.test.js\n"), "", "", ""},
		{"a new ignore file of the Dockerfile", write("runtimes/node/Dockerfile.dockerignore", "src/deep\n**/*.test.js\n"), nodes, nodes, ""},
		// Dockerfiles.
		{"a Dockerfile", edit("runtimes/node/Dockerfile", "COPY", "RUN true\nCOPY"), nodes, nodes, ""},
		{"the Dockerfile of a base", edit("runtimes/debian/Dockerfile", "COPY", "RUN true\nCOPY"), "debian-12 perl-5.36", "go-1.26 perl-5.36", ""},
		// Named contexts.
		{"a file of a named context", write("common/launch.sh", "new"), nodes, nodes, ""},
		{"a file of a named context that nobody takes", write("common/README.md", "new"), "", "", ""},
		{"another folder as a named context", several(write("other/launch.sh", "other"), edit("runtimes/node/runtime.hcl", `"common" }`, `"other" }`)), nodes, nodes, ""},
		// Images of the repository.
		{"a file of a base", write("runtimes/debian/launch.sh", "new"), "debian-12 perl-5.36", "go-1.26 perl-5.36", ""},
		{"a base of a base", edit("runtimes/debian/runtime.hcl", "debian:bookworm-slim", "debian:bookworm-20260101-slim"), "debian-12 perl-5.36", "go-1.26 perl-5.36", ""},
		// Definitions.
		{"a base image", edit("runtimes/node/runtime.hcl", "node:22", "node:22.1"), "node-22", "node-22", ""},
		{"an argument of a version", edit("runtimes/node/runtime.hcl", `NPM = "11"`, `NPM = "12"`), "node-24", "node-24", ""},
		{"an argument of all versions", edit("runtimes/node/runtime.hcl", "  contexts", "  args = { HTTP_PROXY = \"http://proxy\" }\n  contexts"), nodes, nodes, ""},
		{"the name of a runtime", edit("runtimes/go/runtime.hcl", `"Go"`, `"Golang"`), "go-1.26", "go-1.26", ""},
		{"platforms of a version", edit("runtimes/node/runtime.hcl", `    args = { NPM = "10" }`, "    args = { NPM = \"10\" }\n    platforms = [\"linux/amd64\"]"), "node-22", "node-22", ""},
		{"tags of a version", edit("runtimes/node/runtime.hcl", `    args = { NPM = "11" }`, "    args = { NPM = \"11\" }\n    tags = [version.name, \"latest\"]"), "node-24", "", ""},
		{"labels of a version", edit("runtimes/node/runtime.hcl", `    args = { NPM = "11" }`, "    args = { NPM = \"11\" }\n    labels = { a = \"b\" }"), "node-24", "node-24", ""},
		{"the stage of a version", edit("runtimes/go/runtime.hcl", "  run ", "  target = \"tools\"\n  run "), "go-1.26", "go-1.26", ""},
		{"the name of an image", edit("runtimes/go/runtime.hcl", "  run ", "  image = \"golang\"\n  run "), "go-1.26", "", ""},
		{"a new version", edit("runtimes/node/runtime.hcl", "  version \"22\"", "  version \"26\" {\n    from = { BASE = \"node:26\" }\n  }\n\n  version \"22\""), "node-26", "node-26", ""},
		{"a version is gone", edit("runtimes/node/runtime.hcl", "  version \"18\" {\n    from       = { BASE = \"node:18\" }\n    deprecated = \"2025-04-30\"\n  }\n", ""), "", "", "node-18"},
		{"a version has another name", edit("runtimes/go/runtime.hcl", `"1.26"`, `"1.27"`), "go-1.27", "go-1.27", "go-1.26"},
		{"a new runtime", several(write("runtimes/php/runtime.hcl", strings.ReplaceAll(perl, "perl", "php")), write("runtimes/php/Dockerfile", "ARG BASE\nFROM ${BASE}\n"), write("tests/php/main.pl", "php")), "php-5.36", "php-5.36", ""},
		{"a runtime is gone", remove("runtimes/go/runtime.hcl", "runtimes/go/Dockerfile", "runtimes/go/server.go"), "", "", "go-1.26"},
		{"the folder of a runtime has another name", rename("runtimes/perl/", "runtimes/perl-5.36/"), "", "", ""},
		// Tests.
		{"a fixture", write("tests/node/index.js", "new"), "", nodes, ""},
		{"a new file of a fixture", write("tests/go/util.go", "new"), "", "go-1.26", ""},
		{"a function that behaves as tests ask", write("tests/node-behaviour/handler.js", "new"), "", nodes, ""},
		{"a fixture that nobody has", write("tests/unrelated/main.pl", "new"), "", "", ""},
		{"another fixture", several(write("tests/other/main.pl", "fixture, too"), edit("runtimes/perl/runtime.hcl", "tests/perl", "tests/other")), "", "perl-5.36", ""},
		{"the entry point", several(write("tests/perl/app.pl", "app"), edit("runtimes/perl/runtime.hcl", "main.pl", "app.pl")), "", "perl-5.36", ""},
		{"the command of an image", edit("runtimes/perl/Dockerfile", "COPY", "CMD [\"perl\"]\nCOPY"), "perl-5.36", "perl-5.36", ""},
		{"the probe", write("probe/main.go", "new"), "", testAll, ""},
		{"a file beside the probe", write("probe/README.md", "new"), "", "", ""},
		{"the Dockerfile of the probe", edit("probe/Dockerfile", "COPY . .", "COPY . ./"), "", testAll, ""},
		// The project.
		{"the registry", edit("runbake.hcl", "docker.io/acme", "ghcr.io/acme"), all, "perl-5.36", ""},
		{"labels of all", edit("runbake.hcl", "  test", "  labels = { a = \"b\" }\n\n  test"), all, testAll, ""},
		{"attestations", edit("runbake.hcl", "  test", "  attest {\n    sbom = false\n  }\n\n  test"), all, testAll, ""},
		{"platforms of all", edit("runbake.hcl", "  test", "  platforms = [\"linux/amd64\"]\n\n  test"), all, testAll, ""},
	}
	before := state(t, repository())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := repository()
			c.change(m)
			r := affected.Compare(before, *state(t, m), "")
			for _, part := range []struct{ name, got, want string }{
				{"build", ids(r.Build), c.build}, {"test", ids(r.Test), c.test}, {"gone", strings.Join(r.Removed, " "), c.gone},
			} {
				if part.got != part.want {
					t.Errorf("%s %q, want %q; reasons: %v %v", part.name, part.got, part.want, r.Build, r.Test)
				}
			}
		})
	}
	t.Logf("%d changes", len(cases))
}

// TestChecks: an image is checked again when it, what is asked, or the probe has
// changed, and for nothing else.
func TestChecks(t *testing.T) {
	checked := func() fstest.MapFS {
		m := repository()
		edit("runtimes/debian/runtime.hcl", "  version", "  check \"shell\" {\n    command = [\"sh\"]\n  }\n\n  version")(m)
		edit("runtimes/go/runtime.hcl", "  version", "  check \"go\" {\n    command = [\"go\"]\n  }\n\n  version")(m)
		return m
	}
	before := state(t, checked())
	for _, c := range []struct {
		name   string
		change change
		want   string // targets of tests
	}{
		{"a file beside all", write("README.md", "new"), ""},
		{"what is asked", edit("runtimes/debian/runtime.hcl", `["sh"]`, `["ash"]`), "check-debian-12"},
		{"a fixture", write("tests/go/main.go", "new"), "test-go-1_26"},
		{"a file of the image", write("runtimes/go/server.go", "new"), "test-go-1_26 check-go-1_26"},
		{"a file of the base", write("runtimes/debian/launch.sh", "new"), "check-debian-12 test-go-1_26 test-perl-5_36"},
		{"the probe", write("probe/main.go", "new"), "check-debian-12 test-go-1_26 check-go-1_26 test-node-18 test-node-22 test-node-24 test-perl-5_36"},
		{"no check", edit("runtimes/debian/runtime.hcl", "  check \"shell\" {\n    command = [\"sh\"]\n  }\n", ""), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := checked()
			c.change(m)
			var got []string
			for _, test := range affected.Compare(before, *state(t, m), "").Test {
				got = append(got, test.Target)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func ids(changes []affected.Change) string {
	var list []string
	for _, c := range changes {
		list = append(list, c.ID)
	}
	return strings.Join(list, " ")
}

// TestEverything: without a state before all is touched, for the reason given.
func TestEverything(t *testing.T) {
	r := affected.Compare(nil, *state(t, repository()), "because")
	if got := ids(r.Build); got != "debian-12 go-1.26 node-18 node-22 node-24 perl-5.36" {
		t.Errorf("builds %q", got)
	}
	for _, c := range slices.Concat(r.Build, r.Test) {
		if !slices.Equal(c.Reasons, []string{"because"}) {
			t.Errorf("%s: %q", c.ID, c.Reasons)
		}
	}
	r.Keep(func(_, deprecated string) bool { return deprecated == "" })
	if got := ids(r.Build); got != "debian-12 go-1.26 node-22 node-24 perl-5.36" {
		t.Errorf("builds %q", got)
	}
}

// TestReasons: what is said, where it is more than a component.
func TestReasons(t *testing.T) {
	m := repository()
	write("probe/main.go", "new")(m)
	edit("runtimes/node/runtime.hcl", "node:22", "node:22.1")(m)
	edit("runtimes/node/runtime.hcl", `"node:24" }`, `"node:24" }`+"\n    tags = [\"latest\"]")(m)
	r := affected.Compare(state(t, repository()), *state(t, m), "")
	got := map[string]string{}
	for _, c := range slices.Concat(r.Build, r.Test) {
		got[c.Target] = strings.Join(c.Reasons, "; ")
	}
	want := map[string]string{
		"node-22":        "base BASE changed from node:22 to node:22.1",
		"node-24":        "tag docker.io/acme/node-runtime:latest added; tag docker.io/acme/node-runtime:24 removed",
		"test-node-18":   "context .: probe/main.go changed",
		"test-node-22":   "image node-22 changed; context .: probe/main.go changed",
		"test-node-24":   "context .: probe/main.go changed",
		"test-go-1_26":   "context .: probe/main.go changed",
		"test-perl-5_36": "context .: probe/main.go changed",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
