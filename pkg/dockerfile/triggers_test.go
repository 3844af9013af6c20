package dockerfile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestTriggers: what ONBUILD of stages and of images makes a build take; the
// image "ghcr.io/acme/base:1" leaves three instructions.
func TestTriggers(t *testing.T) {
	base, diags := dockerfile.Parse("Dockerfile", []byte("FROM x:1\nONBUILD ARG F=c\nONBUILD COPY ${F} /c\nFROM y:1\nONBUILD COPY no /\nRUN true\nFROM x:1 AS last\n"+
		"ONBUILD COPY --from=tool:2 /t /t\nONBUILD RUN --mount=source=d,target=/d true\nONBUILD CMD [\"start\"]\n"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	cases := []struct{ name, src, stage, images, contexts string }{
		{"an image", "FROM ghcr.io/acme/base:1\nCOPY a /", "", "ghcr.io/acme/base:1 tool:2", "a d"},
		{"an image by an argument", "ARG B=ghcr.io/acme/base:1\nFROM $B\n", "", "ghcr.io/acme/base:1 tool:2", "d"},
		{"another image", "FROM ghcr.io/acme/base:2\nCOPY a /", "", "ghcr.io/acme/base:2", "a"},
		{"files of the image only", "FROM x:1\nCOPY --from=ghcr.io/acme/base:1 /a /a", "", "x:1 ghcr.io/acme/base:1", ""},
		{"a stage", "FROM x:1 AS s\nONBUILD COPY a /\nCOPY b /\nFROM s\nCOPY c /", "", "x:1", "a b c"},
		{"the stage itself", "FROM x:1 AS s\nONBUILD COPY a /\nCOPY b /\nFROM s\nCOPY c /", "s", "x:1", "b"},
		{"one generation only", "FROM x:1 AS s\nONBUILD COPY a /\nFROM s AS t\nCOPY b /\nFROM t\nCOPY c /", "", "x:1", "a b c"},
		{"a stage that nothing else reaches", "FROM z:1 AS far\nCOPY f /f\nFROM x:1 AS s\nONBUILD COPY --from=far /f /\nFROM s\n", "", "x:1 z:1", "f"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			f = f.With(map[string][]string{"ghcr.io/acme/base:1": base.Triggers("")})
			images, diags := f.Images(c.stage, nil, both)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var refs []string
			for _, i := range images {
				refs = append(refs, i.Ref)
			}
			if got := strings.Join(refs, " "); got != c.images {
				t.Errorf("images %q, want %q", got, c.images)
			}
			taken := f.Contexts(c.stage, nil, both, nil)
			if got := strings.Join(taken[dockerfile.MainContext], " "); got != c.contexts || len(taken) > 1 {
				t.Errorf("takes %q, want %q (%v)", got, c.contexts, slices.Collect(maps.Keys(taken)))
			}
		})
	}
	f, _ := dockerfile.Parse("Dockerfile", []byte("FROM acme/x\n"))
	_, command := f.With(map[string][]string{"docker.io/acme/x:latest": base.Triggers("last")}).Start("", nil)
	if fmt.Sprint(command) != "[start]" {
		t.Errorf("the command is %v", command)
	}
	if left := base.Triggers("nowhere"); left != nil {
		t.Errorf("no such stage leaves %q", left)
	}
}

// TestSyntax: what reads the Dockerfile is an image too.
func TestSyntax(t *testing.T) {
	cases := []struct {
		src  string
		args map[string]string
		want string
	}{
		{"# syntax=docker/dockerfile:1.7\nFROM scratch", nil, "docker/dockerfile:1.7 syntax machine line 1"},
		{"#!/usr/bin/x\n# escape=`\n# syntax = docker/dockerfile:1 and more\nFROM scratch", nil, "docker/dockerfile:1 syntax machine line 3"},
		{"# a comment\n# syntax=docker/dockerfile:1.7\nFROM scratch", nil, ""},
		{"# syntax=docker/dockerfile:1.7\nFROM scratch", map[string]string{"BUILDKIT_SYNTAX": "acme/own:2"}, "acme/own:2 syntax machine line 1"},
		{"FROM scratch", map[string]string{"BUILDKIT_SYNTAX": "acme/own:2 x"}, "acme/own:2 syntax machine line 1"},
		{"FROM scratch", nil, ""},
	}
	for _, c := range cases {
		f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		images, _ := f.Images("", c.args, both)
		got := ""
		for _, i := range images {
			got += fmt.Sprintf("%s syntax machine line %d", i.Ref, i.Range.Start.Line)
			if !i.Syntax || !i.Machine || i.Root || len(i.Platforms) > 0 {
				t.Errorf("%+v", i)
			}
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.src, got, c.want)
		}
	}
}
