package catalogue_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// TestDockerfileIsLink: BuildKit is given the folder of the Dockerfile, and
// follows links inside of it.
func TestDockerfileIsLink(t *testing.T) {
	for to, want := range map[string]string{
		"Dockerfile.real":         "",
		"docker/Dockerfile":       "",
		"../node/Dockerfile.real": "runtimes/node/Dockerfile is a symbolic link that leads out of its folder",
		"../../common/Dockerfile": "runtimes/node/Dockerfile is a symbolic link that leads out of its folder",
	} {
		fsys := fstest.MapFS{
			"runtimes/node/Dockerfile":        {Data: []byte(to), Mode: fs.ModeSymlink | 0o777},
			"runtimes/node/runtime.hcl":       {Data: []byte("runtime \"node\" {\n  name = \"Node.js\"\n  kind = \"interpreted\"\n  version \"22\" {}\n}\n")},
			"runtimes/node/Dockerfile.real":   {Data: []byte("FROM scratch\n")},
			"runtimes/node/docker/Dockerfile": {Data: []byte("FROM scratch\n")},
			"common/Dockerfile":               {Data: []byte("FROM scratch\n")},
		}
		withDefaults(fsys)
		_, diags, _ := resolve(fsys)
		var got []string
		for _, d := range diags {
			got = append(got, d.Summary)
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s: got %q, want %q", to, got, want)
		}
	}
}

// TestOnbuildImages: what a base of the repository takes in builds on it, these
// take; and what reads a Dockerfile is a base of no platform.
func TestOnbuildImages(t *testing.T) {
	fsys := fstest.MapFS{
		"runtimes/base/runtime.hcl": {Data: []byte("base \"base\" {\n  name = \"Base\"\n  version \"1\" {}\n}\n")},
		"runtimes/base/Dockerfile":  {Data: []byte("# syntax=docker/dockerfile:1.7\nFROM debian:12\nONBUILD COPY --from=tool:2 /t /t\n")},
		"runtimes/app/runtime.hcl":  {Data: []byte("runtime \"app\" {\n  name = \"App\"\n  kind = \"interpreted\"\n  from = { BASE = base.base[\"1\"] }\n  version \"1\" {}\n}\n")},
		"runtimes/app/Dockerfile":   {Data: []byte("ARG BASE\nFROM ${BASE}\n")},
	}
	withDefaults(fsys)
	c, diags, _ := resolve(fsys)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, v := range c.Versions() {
		for _, b := range v.Bases {
			name := v.ID + " " + b.Ref
			if b.Syntax {
				name += " syntax"
			}
			got = append(got, name)
		}
	}
	if want := "app-1 tool:2, base-1 docker/dockerfile:1.7 syntax, base-1 debian:12"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
