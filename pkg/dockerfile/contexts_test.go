package dockerfile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestContexts lists what builds take from their contexts: name:path.
func TestContexts(t *testing.T) {
	cases := []struct {
		name, src, stage string
		args             map[string]string
		want             string
	}{
		{"nothing", "FROM debian:12\nRUN true", "", nil, ""},
		{"copy", "FROM debian:12\nCOPY a.txt dir/b.txt /x/", "", nil, ":a.txt :dir/b.txt"},
		{"all", "FROM debian:12\nCOPY a.txt /\nCOPY . /x", "", nil, ":."},
		{"absolute", "FROM debian:12\nCOPY /a/../b /x", "", nil, ":b"},
		{"above", "FROM debian:12\nCOPY ../../a /x", "", nil, ":a"},
		{"wildcard", "FROM debian:12\nCOPY src/*.go /x/", "", nil, ":src/*.go"},
		{"json form", "FROM debian:12\nCOPY [\"a b\", \"/x\"]", "", nil, ":a b"},
		{"add", "FROM debian:12\nADD a.tar https://example.com/b git@github.com:a/b.git /x/", "", nil, ":a.tar"},
		{"heredoc", "FROM debian:12\nCOPY <<EOF /x\nhello\nEOF\n", "", nil, ""},
		{"parents", "FROM debian:12\nCOPY --parents a/./b/c /x/", "", nil, ":a/b/c"},
		{"mount", "FROM debian:12\nRUN --mount=target=/src true", "", nil, ":."},
		{"mount of a path", "FROM debian:12\nRUN --mount=type=bind,source=go.mod,target=/go.mod true", "", nil, ":go.mod"},
		{"mounts of nothing", "FROM debian:12\nRUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=type=secret,id=s true", "", nil, ""},
		{"from a stage", "FROM golang:1 AS build\nCOPY main.go .\nFROM debian:12\nCOPY --from=build /a /a", "", nil, ":main.go"},
		{"unused stage", "FROM golang:1 AS build\nCOPY main.go .\nFROM debian:12\nCOPY a /a", "", nil, ":a"},
		{"target", "FROM golang:1 AS build\nCOPY main.go .\nFROM debian:12\nCOPY a /a", "build", nil, ":main.go"},
		{"named context", "FROM debian:12\nCOPY --from=common launch.sh /\nCOPY --from=other x /", "", nil, "common:launch.sh"},
		{"whole named context", "FROM debian:12\nCOPY --from=common / /", "", nil, "common:."},
		{"mount of a named context", "FROM debian:12\nRUN --mount=from=common,target=/c true", "", nil, "common:."},
		{"built on a named context", "FROM common\nCOPY a /", "", nil, ":a common:."},
		{"stage in place of a context", "FROM debian:12 AS common\nCOPY a /\nFROM debian:12\nCOPY --from=common b /", "", nil, ":a common:."},
		{"stage by its number beside a context of that name", "FROM debian:12\nCOPY a /\nFROM debian:12\nCOPY --from=0 b /", "", nil, ":a"},
		{"mount of a context that is called like a number", "FROM debian:12\nRUN --mount=from=0,target=/c true", "", nil, "0:."},
		{"argument", "FROM debian:12\nARG F=a\nCOPY ${F}.txt /", "", nil, ":a.txt"},
		{"argument that is given", "FROM debian:12\nARG F=a\nCOPY ${F}.txt /", "", map[string]string{"F": "b"}, ":b.txt"},
		{"argument that is not declared", "FROM debian:12\nCOPY ${F}.txt /", "", map[string]string{"F": "b"}, ":."},
		{"global argument", "ARG F=a\nFROM debian:12\nARG F\nCOPY $F /", "", nil, ":a"},
		{"argument of an argument", "FROM debian:12\nARG A=x\nARG B=${A}/y\nCOPY $B /", "", nil, ":x/y"},
		{"environment", "FROM debian:12\nENV D=dir E=$D\nCOPY ${D}/a ${E}/b /", "", nil, ":."},
		{"environment of the stage below", "FROM debian:12 AS a\nENV D=dir\nFROM a\nCOPY $D/a /", "", nil, ":dir/a"},
		{"environment of the image", "FROM debian:12\nCOPY ${HOME:-x} /", "", nil, ":."},
		{"platform", "FROM debian:12\nARG TARGETARCH\nCOPY bin/$TARGETARCH /", "", nil, ":bin/amd64 :bin/arm64"},
		{"building machine", "FROM debian:12\nARG BUILDARCH\nCOPY bin/$BUILDARCH /", "", nil, ":."},
		{"add of an argument", "FROM debian:12\nARG U=https://example.com\nADD ${U}/a b /", "", nil, ":b"},
		{"add of git", "FROM debian:12\nADD --checksum=sha256:0123456789012345678901234567890123456789012345678901234567890123 https://github.com/a/b.git#v1 /b/", "", nil, ""},
		{"add of a folder like git", "FROM debian:12\nADD github.com/a /b/", "", nil, ":github.com/a"},
		{"link and exclude", "FROM debian:12\nCOPY --link --exclude=*.md docs /", "", nil, ":docs"},
		{"parents with wildcards", "FROM debian:12\nCOPY --parents src/**/*.go /", "", nil, ":src/**/*.go"},
		{"a heredoc beside a file", "FROM debian:12\nCOPY a <<b /x/\ntext\nb\n", "", nil, ":a"},
		{"a script that names files", "FROM debian:12\nRUN <<EOT\ncp a /b\nEOT\n", "", nil, ""},
		{"secret and ssh", "FROM debian:12\nRUN --mount=type=secret,id=a,required=true,target=/s --mount=type=ssh true", "", nil, ""},
		{"a context of one platform", "FROM debian:12\nCOPY --from=big x /", "", nil, "big:x big::linux/arm64:x"},
		{"no such stage", "FROM debian:12\nCOPY a /", "nowhere", nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			taken := f.Contexts(c.stage, c.args, both, []string{"0", "common", "big", "big::linux/arm64"})
			var got []string
			for _, name := range slices.Sorted(maps.Keys(taken)) {
				for _, p := range taken[name] {
					got = append(got, fmt.Sprintf("%s:%s", name, p))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("takes %q, want %q", s, c.want)
			}
		})
	}
}
