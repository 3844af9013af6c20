package fact_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// TestPosition: lines and code points are counted from one, and offsets outside of
// a file are its ends.
func TestPosition(t *testing.T) {
	file := fact.NewFile("a.sh", []byte("ab\nçd\n\nx"))
	for offset, want := range map[int][2]int{
		-1: {1, 1}, 0: {1, 1}, 2: {1, 3}, 3: {2, 1}, 5: {2, 2}, 6: {2, 3}, 7: {3, 1}, 8: {4, 1}, 9: {4, 2}, 99: {4, 2},
	} {
		if got := file.Position(offset); got.Line != want[0] || got.Column != want[1] {
			t.Errorf("offset %d is %d:%d, want %d:%d", offset, got.Line, got.Column, want[0], want[1])
		}
	}
	if at := file.Span(5, 3); at.Start != at.End || at.Filename != "a.sh" {
		t.Errorf("a span that ends before it starts is %v", at)
	}
}

// TestRead: what cannot be a source is refused, without the path of the system.
func TestRead(t *testing.T) {
	fsys := fstest.MapFS{"good": {Data: []byte("x")}, "large": {Data: make([]byte, 1<<20+1)}}
	for name, want := range map[string]string{
		"good": "", "large": "it is larger than 1 MiB", "none": "file does not exist",
	} {
		file, err := fact.Read(fsys, name)
		switch {
		case want == "" && (err != nil || string(file.Text) != "x"):
			t.Errorf("%s: %v, %v", name, file, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// TestAdd: facts of two sources are those of one after the other, and the first
// registry is kept.
func TestAdd(t *testing.T) {
	one := &fact.Set{
		Texts: map[string][]byte{"a": []byte("a")}, Sources: []*fact.Source{{Name: "a"}},
		Registry: &fact.Registry{Name: "a"},
	}
	two := &fact.Set{
		Texts: map[string][]byte{"b": []byte("b")}, Sources: []*fact.Source{{Name: "b"}},
		Registry: &fact.Registry{Name: "b"}, Tests: []*fact.Test{{}},
	}
	one.Note(fact.Note{Text: "first"})
	two.Note(fact.Note{Text: "second"})
	two.Fail(fact.RuleFolder, fact.Start("b"), "failed", "", fact.Start("a"))
	two.Warn(fact.RuleTags, fact.Start("b"), "warned", "")
	one.Add(two)
	if len(one.Sources) != 2 || one.Sources[1].Name != "b" || one.Registry.Name != "a" || len(one.Tests) != 1 ||
		len(one.Notes) != 2 || one.Notes[1].Text != "second" || string(one.Texts["b"]) != "b" {
		t.Errorf("got %+v", one)
	}
	if len(one.Diagnostics) != 2 || one.Diagnostics[0].Severity != hcl.DiagError ||
		one.Diagnostics[1].Severity != hcl.DiagWarning {
		t.Fatalf("got %v", one.Diagnostics)
	}
	if f, ok := one.Diagnostics[0].Extra.(fact.Finding); !ok || f.Rule != fact.RuleFolder || len(f.Others) != 1 {
		t.Errorf("got %v", one.Diagnostics[0].Extra)
	}
}

// TestClone: what is changed of a clone is as it was in the registry.
func TestClone(t *testing.T) {
	rt := &fact.Runtime{Key: fact.Text{Value: "node"}}
	rt.Versions = []*fact.Version{{Runtime: rt, Build: fact.Text{Value: "a"}, Run: fact.Text{Value: "b"}}}
	registry := &fact.Registry{Runtimes: []*fact.Runtime{rt}}
	clone := registry.Clone()
	v := clone.Versions()[0]
	if v.Runtime != clone.Runtimes[0] || v.Runtime == rt || !v.OwnRun() {
		t.Errorf("got %+v", v)
	}
	v.Build, v.Runtime.Key = v.Run, fact.Text{Value: "other"}
	if !rt.Versions[0].OwnRun() || rt.Key.Value != "node" {
		t.Errorf("the registry has changed: %+v", rt)
	}
	if none := (*fact.Registry)(nil); none.Clone() != nil || none.Versions() != nil {
		t.Error("none has a clone, or versions")
	}
}

// TestText: a summary is one line, and a list of places ends.
func TestText(t *testing.T) {
	if got := fact.Shorten("docker \\\n  build\t."); got != `docker \ build .` {
		t.Errorf("got %q", got)
	}
	if got := fact.Shorten(strings.Repeat("ç", 81)); got != strings.Repeat("ç", 80)+"…" {
		t.Errorf("got %q", got)
	}
	places := make([]hcl.Range, 6)
	for i := range places {
		places[i] = fact.Start(string(rune('a' + i)))
	}
	if got := fact.Enumerate(places); got != "a:1:1, b:1:1, c:1:1, d:1:1 and 2 more" {
		t.Errorf("got %q", got)
	}
	b := &fact.Build{Context: fact.Text{Value: "a"}}
	if b.DockerfilePath() != "a/Dockerfile" {
		t.Errorf("got %q", b.DockerfilePath())
	}
	if b.Dockerfile = (&fact.Text{Value: "b/x"}); b.DockerfilePath() != "b/x" {
		t.Errorf("got %q", b.DockerfilePath())
	}
}
