package lint_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/diag"
)

// TestSourcesThatAreLinks: a link that is copied must lead to something in the
// context; one in a folder that is copied stays a link.
func TestSourcesThatAreLinks(t *testing.T) {
	for copied, want := range map[string]string{
		"COPY inside /x/":              "",
		"COPY dangling /x/":            "dangling leads to nothing in the context [copy-source]",
		"COPY outside /x/":             "outside leads to nothing in the context [copy-source]",
		"COPY out* /x/":                "out* leads to nothing in the context [copy-source]",
		"COPY folder /x/":              "",
		"COPY folder/dangling /x/":     "folder/dangling leads to nothing in the context [copy-source]",
		"ADD ../server.js /x/":         "",
		"COPY hidden /x/":              `Attempting to Copy file "hidden" that is excluded by .dockerignore [CopyIgnoredFile]`,
		"COPY to-hidden /x/":           `Attempting to Copy file "to-hidden" that is excluded by .dockerignore [CopyIgnoredFile]`,
		"COPY ${UNKNOWN}/missing /x/":  "",
		"ADD https://example.com/x /x": "",
	} {
		fsys := good(t)
		link := func(name, to string) {
			fsys["runtimes/node/"+name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
		}
		link("inside", "server.js")
		link("folder/dangling", "nowhere")
		link("to-hidden", "hidden")
		fsys["runtimes/node/hidden"] = &fstest.MapFile{Data: []byte("x")}
		fsys["runtimes/node/.dockerignore"] = &fstest.MapFile{Data: []byte("hidden\n")}
		if strings.Contains(copied, "dangling") {
			link("dangling", "nowhere")
		}
		if strings.Contains(copied, "out") {
			link("outside", "../../runbake.hcl")
		}
		name := "runtimes/node/Dockerfile"
		fsys[name].Data = []byte("FROM node:22.1.0-slim AS build\n" + copied + "\n" + string(fsys[name].Data) +
			"COPY --from=build /x /x\n")
		diags, _ := diagnostics(t, fsys)
		var got []string
		for _, d := range diags {
			if d.Subject.Start.Line == 2 {
				got = append(got, d.Summary+" ["+diag.RuleOf(d).ID+"]")
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %q, want %q", copied, got, want)
		}
	}
}
