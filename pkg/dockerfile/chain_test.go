package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// TestChain shows the base, each RUN with its folder, user and what it sees of
// the variable V, and the end.
func TestChain(t *testing.T) {
	cases := []struct{ name, src, stage, want string }{
		{"one stage", "FROM a:1\nRUN x\nWORKDIR /w\nUSER u\nRUN y", "", "a:1 x@: y@/w:u end@/w:u"},
		{"relative folders", "FROM a:1\nWORKDIR /w\nWORKDIR b/../c\nRUN x", "", "a:1 x@/w/c: end@/w/c:"},
		{"the stage below", "FROM a:1 AS b\nUSER u\nRUN x\nFROM c:1\nRUN z\nFROM b\nRUN y", "", "a:1 x@:u y@:u end@:u"},
		{"a target", "FROM a:1 AS b\nRUN x\nFROM b\nRUN y", "b", "a:1 x@: end@:"},
		{"an argument", "FROM a:1\nARG V=d\nRUN x\nWORKDIR /$V", "", "a:1 x@:=d end@/d:"},
		{"an argument that is given", "FROM a:1\nARG G=d\nENV V=${G}\nRUN x", "", "a:1 x@:=given end@:"},
		{"a global argument", "ARG V=g\nFROM a:1\nRUN x\nARG V\nRUN y", "", "a:1 x@: y@:=g end@:"},
		{"arguments end with their stage, variables do not", "FROM a:1 AS b\nARG V=1\nENV W=2\nFROM b\nRUN x\nENV V=$W\nRUN y", "", "a:1 x@: y@:=2 end@:"},
		{"the platform", "FROM a:1\nARG TARGETARCH\nENV V=$TARGETARCH\nRUN x", "", "a:1 x@:=arm64 end@:"},
		{"scratch", "FROM scratch\nCOPY a /b", "", "scratch end@:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, diags := dockerfile.Parse("Dockerfile", []byte(c.src))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			chain, ok := f.Chain(c.stage, map[string]string{"G": "given"}, "linux/arm64", dockerfile.State{})
			if !ok {
				t.Fatal("no such stage")
			}
			got := []string{chain.Base}
			for i := range chain.Steps {
				s := &chain.Steps[i]
				run, is := s.Command.(*instructions.RunCommand)
				if !is {
					continue
				}
				text := fmt.Sprintf("%s@%s:%s", run.CmdLine[0], s.Workdir, s.User)
				if v, set := s.Lookup("V"); set {
					text += "=" + v
				}
				got = append(got, text)
			}
			got = append(got, fmt.Sprintf("end@%s:%s", chain.End.Workdir, chain.End.User))
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), c.want)
			}
		})
	}
	f, _ := dockerfile.Parse("Dockerfile", []byte("FROM a:1\n"))
	if _, ok := f.Chain("missing", nil, "linux/amd64", dockerfile.State{}); ok {
		t.Error("a stage that there is not was found")
	}
	start := dockerfile.State{Workdir: "/w", User: "u", Env: []string{"V=1"}}
	chain, _ := f.Chain("", nil, "linux/amd64", start)
	if chain.End.Workdir != "/w" || chain.End.User != "u" || len(chain.End.Env) != 1 {
		t.Errorf("what the base gives is lost: %+v", chain.End)
	}
}
