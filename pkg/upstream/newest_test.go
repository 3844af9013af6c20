package upstream_test

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/upstream"
)

// TestRewrite: tags are written where the name stands in one piece, in definitions
// and Dockerfiles, and nothing else is touched.
func TestRewrite(t *testing.T) {
	const runtime = `runtime "node" {
  name = "Node.js" # node:22.1.0-slim is what it was
  kind = "interpreted"

  version "22" {
    from = { BASE = "node:22.1.0-slim", TOOLS = "docker.io/library/tools:1.0" }
  }
  version "24" {
    from = { BASE = "node:${version.name}.1.0-slim", TOOLS = "tools:1.0" }
  }
}
`
	const dockerfile = `# syntax=docker/dockerfile:1.7
ARG BASE
ARG TOOLS=x
FROM debian:12.1 AS a
FROM debian:12.1 AS b
FROM ${TOOLS} AS c
FROM ${BASE}
COPY --from=a / /a
COPY --from=b / /b
COPY --from=c / /c
`
	fsys := fstest.MapFS{
		"runbake.hcl":               {Data: []byte("project {\n  registry = \"docker.io/acme\"\n}\n")},
		"runtimes/node/runtime.hcl": {Data: []byte(runtime)},
		"runtimes/node/Dockerfile":  {Data: []byte(dockerfile)},
	}
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if diags = append(diags, more...); diags.HasErrors() {
		t.Fatal(diags)
	}
	source := func(name string) []byte {
		src, _ := fs.ReadFile(fsys, name)
		return src
	}
	files, left := upstream.Rewrite(c, source, []upstream.Move{
		{Image: "docker.io/library/node:22.1.0-slim", Tag: "22.9.1-slim"},
		{Image: "docker.io/library/node:24.1.0-slim", Tag: "24.9.1-slim"},
		{Image: "docker.io/library/tools:1.0", Tag: "1.10"},
		{Image: "docker.io/library/debian:12.1", Tag: "12.11"},
	})
	want := map[string]string{
		"runtimes/node/runtime.hcl": `runtime "node" {
  name = "Node.js" # node:22.1.0-slim is what it was
  kind = "interpreted"

  version "22" {
    from = { BASE = "node:22.9.1-slim", TOOLS = "docker.io/library/tools:1.10" }
  }
  version "24" {
    from = { BASE = "node:${version.name}.1.0-slim", TOOLS = "tools:1.10" }
  }
}
`,
		"runtimes/node/Dockerfile": `# syntax=docker/dockerfile:1.7
ARG BASE
ARG TOOLS=x
FROM debian:12.11 AS a
FROM debian:12.11 AS b
FROM ${TOOLS} AS c
FROM ${BASE}
COPY --from=a / /a
COPY --from=b / /b
COPY --from=c / /c
`,
	}
	if len(files) != len(want) {
		t.Errorf("%d files", len(files))
	}
	for name, text := range want {
		if got := string(files[name]); got != text {
			t.Errorf("%s is\n%s", name, got)
		}
	}
	if got := fmt.Sprint(left); len(left) != 1 || left[0].Image != "docker.io/library/node:24.1.0-slim" || left[0].Range.Start.Line != 9 {
		t.Errorf("left %s", got)
	}
}
