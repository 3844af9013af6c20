package catalogue_test

import (
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/check"
)

// TestAsked: what is around a version counts, the innermost of a name, in the
// order in which the names first appear; defaults are filled in, and a server is
// what the image starts with.
func TestAsked(t *testing.T) {
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"runbake.hcl": `project {
  registry = "docker.io/acme"
  contract = "none"
  check "a" { command = ["project"] }
  check "b" { command = ["project"] }
}`,
		"runtimes/os/runtime.hcl": "base \"os\" {\n  name = \"OS\"\n  version \"1\" {}\n}\n",
		"runtimes/os/Dockerfile":  "FROM scratch\nENTRYPOINT [\"entry\"]\nCMD [\"os\"]\n",
		"runtimes/api/Dockerfile": "FROM docker.io/acme/os-base:1\nCMD [\"api\"]\n",
		"runtimes/api/runtime.hcl": `runtime "api" {
  name = "API"
  check "b" {
    files = { "/b" = { mode = "0755", owner = "0", content = "${version.name}" }, "/a" = { exists = false } }
  }
  check "c" { serves = { port = 80 } }
  version "1" {}
  version "2" {
    check "a" {
      command     = ["${version.id}"]
      environment = { A = "${runtime.key}" }
      exit        = 3
      stdout      = "x"
      stderr      = "y"
    }
    check "d" {
      command = ["own"]
      serves  = { port = 8080, path = "/x", status = 404, body = "z", within = "2s" }
    }
  }
}`,
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, diags, _ := resolve(fsys)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	files := func(version string) string {
		return `{"name":"b","exit":0,"files":[{"path":"/b","mode":"0755","owner":"0","content":"` + version + `"},{"path":"/a","absent":true}]},`
	}
	const server = `{"name":"c","command":["entry","api"],"exit":0,"serves":{"port":80,"path":"/","status":200,"within":60000000000}}`
	want := map[string]string{
		"os-1":  `[{"name":"a","command":["project"],"exit":0},{"name":"b","command":["project"],"exit":0}]`,
		"api-1": `[{"name":"a","command":["project"],"exit":0},` + files("1") + server + `]`,
		"api-2": `[{"name":"a","command":["api-2"],"environment":{"A":"api"},"exit":3,"stdout":"x","stderr":"y"},` +
			files("2") + server +
			`,{"name":"d","command":["own"],"exit":0,"serves":{"port":8080,"path":"/x","status":404,"body":"z","within":2000000000}}]`,
	}
	for _, v := range c.Versions() {
		text := check.Encode(v.Checks)
		if text != want[v.ID] {
			t.Errorf("%s:\n%s\nwant\n%s", v.ID, text, want[v.ID])
		}
		if _, err := check.Decode([]byte(text)); err != nil {
			t.Errorf("%s: the probe would refuse them: %v", v.ID, err)
		}
	}
}

// TestUnknownStart: a server whose start nobody knows is refused, also where images
// are built on one another in a circle.
func TestUnknownStart(t *testing.T) {
	for dockerfile, want := range map[string]string{
		"FROM nginx:1\n":                     "What a-1 starts with is not known",
		"FROM nginx:1\nCMD [\"x\"]\n":        "",
		"FROM nginx:1\nENTRYPOINT []\n":      "What a-1 starts with is not known",
		"FROM docker.io/acme/a-base:1\n":     "What a-1 starts with is not known",
		"FROM nginx:1\nENTRYPOINT [\"x\"]\n": "",
	} {
		fsys := fstest.MapFS{
			"runtimes/a/runtime.hcl": {
				Data: []byte(
					"base \"a\" {\n  name = \"A\"\n  check \"c\" { serves = { port = 80 } }\n  version \"1\" {}\n}\n",
				),
			},
			"runtimes/a/Dockerfile": {Data: []byte(dockerfile)},
		}
		withDefaults(fsys)
		_, diags, _ := resolve(fsys)
		got := ""
		if len(diags) > 0 {
			got = diags[0].Summary
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", dockerfile, got, want)
		}
	}
}
