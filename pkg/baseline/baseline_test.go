package baseline_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/baseline"
	"github.com/runbake/runbake/pkg/diag"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// TestParse: each archive is a baseline, and what is said of it. One without
// problems is written anew as it was.
func TestParse(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			src := archive.Files[0].Data
			f, diags := baseline.Parse(baseline.FileName, src)
			var got bytes.Buffer
			if err := diag.WriteText(&got, map[string][]byte{baseline.FileName: src}, diags, diag.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if len(diags) == 0 {
				got.Write(f.Encode())
				if !bytes.Equal(f.Encode(), src) {
					t.Errorf("%s", diff.Diff("read", src, "written", f.Encode()))
				}
			}
			if *update {
				archive.Files = []txtar.File{archive.Files[0], {Name: "want", Data: got.Bytes()}}
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := archive.Files[1].Data; !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s", diff.Diff("want", want, "got", got.Bytes()))
			}
		})
	}
}

func finding(file, rule, summary string, line int) *hcl.Diagnostic {
	d := &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary,
		Subject: &hcl.Range{Filename: file, Start: hcl.Pos{Line: line, Column: 1}, End: hcl.Pos{Line: line, Column: 2}},
	}
	if rule != "" {
		d.Extra = diag.Rule{ID: rule}
	}
	return d
}

func places(diags hcl.Diagnostics) string {
	var all []string
	for _, d := range diags {
		all = append(all, diag.Place(*d.Subject))
	}
	return strings.Join(all, " ")
}

// TestDivide: lines move, and a finding stays known; one more of its kind, one of
// another file, rule or text, and what no rule has made are news.
func TestDivide(t *testing.T) {
	f := baseline.Of(hcl.Diagnostics{
		finding("a", "r", "x in line 3", 3), finding("a", "s", "y", 1), finding("a", "s", "y", 9), finding("a", "", "invalid", 1),
	})
	if f.Len() != 3 {
		t.Errorf("%d findings are known", f.Len())
	}
	for _, test := range []struct {
		name        string
		found       hcl.Diagnostics
		news, known string
		gone        int
	}{
		{
			name:  "moved",
			found: hcl.Diagnostics{finding("a", "r", "x in line 44", 44), finding("a", "s", "y", 2), finding("a", "s", "y", 3)},
			known: "a:44:1 a:2:1 a:3:1",
		},
		{
			name: "one more",
			found: hcl.Diagnostics{
				finding("a", "r", "x in line 3", 3), finding("a", "s", "y", 1), finding("a", "s", "y", 2), finding("a", "s", "y", 3),
			},
			news: "a:1:1 a:2:1 a:3:1", known: "a:3:1",
		},
		{
			name:  "others",
			found: hcl.Diagnostics{finding("b", "r", "x in line 3", 1), finding("a", "q", "x in line 3", 2), finding("a", "r", "z", 3)},
			news:  "b:1:1 a:2:1 a:3:1", gone: 2,
		},
		{name: "invalid", found: hcl.Diagnostics{finding("a", "", "invalid", 1), finding("a", "s", "y", 2)}, news: "a:1:1", known: "a:2:1", gone: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			news, known := f.Divide(test.found)
			if places(news) != test.news || places(known) != test.known || len(f.Gone(test.found)) != test.gone {
				t.Errorf("new %q, known %q, gone %d", places(news), places(known), len(f.Gone(test.found)))
			}
		})
	}
}

// TestShrink: nothing comes in.
func TestShrink(t *testing.T) {
	before := baseline.Of(hcl.Diagnostics{finding("a", "r", "x", 1), finding("a", "r", "x", 2), finding("b", "r", "x", 1)})
	found := baseline.Of(hcl.Diagnostics{finding("a", "r", "x", 1), finding("c", "r", "x", 1)})
	want := baseline.Of(hcl.Diagnostics{finding("a", "r", "x", 1)})
	if got := before.Shrink(found); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzParse: whatever a baseline holds, there is an answer; what was understood is
// written so that it is understood alike.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		first, diags := baseline.Parse(baseline.FileName, src)
		if diags.HasErrors() {
			return
		}
		written := first.Encode()
		again, diags := baseline.Parse(baseline.FileName, written)
		if len(diags) > 0 || !bytes.Equal(again.Encode(), written) {
			t.Errorf("%q is written as %q, then as %q: %v", src, written, again.Encode(), diags)
		}
	})
}

// TestNames: what files are called and rules say is read as it was written.
func TestNames(t *testing.T) {
	for _, text := range []string{"a b", `"`, `\`, "${x}", "%{if x}", "$${", "a\nb", "e\u0301", "\u00e9", "\xff", "läuft 世界", "$", "%", "$$", `\${x}`} {
		found := hcl.Diagnostics{finding(text, "r", text, 1)}
		f, diags := baseline.Parse(baseline.FileName, baseline.Of(found).Encode())
		news, _ := f.Divide(found)
		if len(diags) > 0 || len(news) > 0 {
			t.Errorf("%q: %v, new: %v", text, diags, news)
		}
	}
}

// TestEverywhere: of a base that nobody asked about, its finding is told of what is
// built on it, and known there.
func TestEverywhere(t *testing.T) {
	f := baseline.Of(hcl.Diagnostics{finding("base", "r", "x", 1)})
	found := hcl.Diagnostics{finding("image", "r", "x", 2), finding("image", "r", "y", 3)}
	if news, known := f.Everywhere(found).Divide(found); places(news) != "image:3:1" || places(known) != "image:2:1" {
		t.Errorf("new %q, known %q", places(news), places(known))
	}
	if news, _ := f.Divide(found); places(news) != "image:2:1 image:3:1" {
		t.Errorf("of all images: new %q", places(news))
	}
	if f.Len() != 1 {
		t.Errorf("it has become longer: %v", f.Findings)
	}
}
