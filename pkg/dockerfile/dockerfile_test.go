package dockerfile_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

var both = []string{"linux/amd64", "linux/arm64"}

// TestImages lists what builds take: reference, then (arg) when the reference
// is an argument, then * for the one that the result is built on.
func TestImages(t *testing.T) {
	cases := []struct {
		name, src, stage string
		args             map[string]string
		want             string
	}{
		{"one", "FROM debian:12", "", nil, "debian:12*"},
		{"argument", "ARG BASE\nFROM ${BASE}", "", map[string]string{"BASE": "node:22"}, "node:22(BASE)*"},
		{"argument without braces", "ARG BASE\nFROM $BASE", "", map[string]string{"BASE": "node:22"}, "node:22(BASE)*"},
		{"default", "ARG BASE=node:20\nFROM ${BASE}", "", nil, "node:20(BASE)*"},
		{"default in FROM", "ARG BASE\nFROM ${BASE:-node:18}", "", nil, "node:18(BASE)*"},
		{"part of a reference", "ARG V=1\nFROM node:${V}-slim", "", map[string]string{"V": "22"}, "node:22-slim*"},
		{"argument of an argument", "ARG V=22\nARG BASE=node:${V}\nFROM ${BASE}", "", map[string]string{"V": "24"}, "node:24(BASE)*"},
		{"an undeclared argument is not set", "FROM node:${V:-1}", "", map[string]string{"V": "2"}, "node:1*"},
		{"stages", "FROM golang:1 AS build\nFROM debian:12\nCOPY --from=build /a /a", "", nil, "debian:12* golang:1"},
		{"stage by index", "FROM golang:1\nFROM debian:12\nCOPY --from=0 /a /a", "", nil, "debian:12* golang:1"},
		{"unused stage", "FROM golang:1 AS build\nFROM debian:12", "", nil, "debian:12*"},
		{"target", "FROM golang:1 AS build\nRUN true\nFROM debian:12", "build", nil, "golang:1*"},
		{"target in another case", "FROM golang:1 AS Build\nFROM debian:12", "BUILD", nil, "golang:1*"},
		{"stage on stage", "FROM golang:1 AS a\nCOPY --from=redis:7 /a /a\nFROM a AS b\nFROM b", "", nil, "golang:1* redis:7"},
		{"later stage", "FROM debian:12\nCOPY --from=late /a /a\nFROM redis:7 AS late", "0", nil, "debian:12* redis:7"},
		{"copy from an image", "FROM debian:12\nCOPY --from=composer:2 /a /b", "", nil, "debian:12* composer:2"},
		{"mount from an image", "FROM debian:12\nRUN --mount=type=bind,from=ghcr.io/x/tool:1,target=/t true", "", nil, "debian:12* ghcr.io/x/tool:1"},
		{"mount from a stage", "FROM redis:7 AS r\nFROM debian:12\nRUN --mount=from=r,target=/t true", "", nil, "debian:12* redis:7"},
		{"cache mount", "FROM debian:12\nRUN --mount=type=cache,target=/c true", "", nil, "debian:12*"},
		{"scratch", "FROM scratch\nCOPY a /a", "", nil, ""},
		{"twice", "FROM debian:12 AS a\nFROM debian:12\nCOPY --from=a /a /a", "", nil, "debian:12*"},
		{"platform", "FROM base-$TARGETARCH:1", "", nil, "base-amd64:1* base-arm64:1*"},
		{"platform by stage", "FROM x:1 AS s-amd64\nFROM y:1 AS s-arm64\nFROM s-${TARGETARCH}", "", nil, "x:1* y:1*"},
		{"build platform", "FROM --platform=$BUILDPLATFORM golang:1 AS b\nFROM debian:12\nCOPY --from=b /a /a", "", nil, "debian:12* golang:1"},
		{"digest", "FROM debian@sha256:" + strings.Repeat("a", 64), "", nil, "debian@sha256:" + strings.Repeat("a", 64) + "*"},
		{"heredoc", "FROM debian:12\nRUN <<EOF\nFROM x\nEOF\n", "", nil, "debian:12*"},
		{"continued line", "FROM \\\n  debian:12 \\\n  AS x\n", "", nil, "debian:12*"},
		{"windows line ends", "ARG BASE=node:1\r\nFROM ${BASE}\r\nRUN true\r\n", "", nil, "node:1(BASE)*"},
		{"escape directive", "# escape=`\nFROM debian:12\nRUN a `\n b\n", "", nil, "debian:12*"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			images, diags := f.Images(c.stage, c.args, both)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var got []string
			for _, i := range images {
				s := i.Ref
				if i.Arg != "" {
					s += "(" + i.Arg + ")"
				}
				if i.Root {
					s += "*"
				}
				got = append(got, s)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestArgs(t *testing.T) {
	f, diags := dockerfile.Parse("Dockerfile", []byte("ARG A\nARG B=2 C\nFROM x\nARG D=$A\n"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, a := range f.Args() {
		got = append(got, fmt.Sprintf("%s=%s %v %d", a.Name, a.Default, a.Global, a.Range.Start.Line))
	}
	want := []string{"A= true 1", "B=2 true 2", "C= true 2", "D=$A false 4"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzParse: whatever a Dockerfile holds, there is an answer, and problems are
// placed inside the file.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "FROM", "FROM a", "ARG A=b\nFROM ${A:-$B}", "FROM a AS b\nFROM b\nCOPY --from=9 / /", "RUN <<EOF\n", "FROM a\nRUN --mount=from=,target=x y",
		"# escape=`\nFROM a`\n", "FROM a AS a\nCOPY --from=a / /", "\xff\x00", "FROM ${A%%x}", "FROM a\nCOPY --from=99999999999999999999 / /", "# syntax=x\n# check=skip=all\nFROM a",
	} {
		f.Add(seed, "")
	}
	example, err := os.ReadFile("../../runtimes/go/Dockerfile")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example), "warm")
	f.Fuzz(func(t *testing.T, src, stage string) {
		file, diags := dockerfile.Parse("Dockerfile", []byte(src))
		if !diags.HasErrors() {
			images, more := file.Images(stage, map[string]string{"A": "x"}, both)
			diags = append(diags, more...)
			for _, i := range images {
				if i.Ref == "" {
					t.Error("an image without a name")
				}
			}
			file.Args()
			file.Chain(stage, map[string]string{"A": "x"}, "linux/arm64", dockerfile.State{})
			file.Contexts(stage, map[string]string{"A": "x"}, both, []string{"a", "b"})
		}
		for _, d := range diags {
			if d.Subject == nil || d.Subject.Start.Line < 1 || d.Subject.End.Byte > len(src) || d.Subject.End.Byte < d.Subject.Start.Byte {
				t.Errorf("%v is not inside the file", d.Subject)
			}
		}
	})
}
