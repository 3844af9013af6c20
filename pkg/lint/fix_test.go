package lint_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lint"
)

// over lays mended files over a repository.
func over(fsys fs.FS, fixed []lint.Fixed) fs.FS {
	under, is := fsys.(fstest.MapFS)
	if !is {
		panic("the tests have their files in memory")
	}
	mended := maps.Clone(under)
	for _, f := range fixed {
		file := *mended[f.Path]
		file.Data = f.Content
		if f.Executable {
			file.Mode |= 0o111
		}
		mended[f.Path] = &file
	}
	return mended
}

func mend(t *testing.T, fsys fs.FS) []lint.Fixed {
	t.Helper()
	fixed, err := lint.Mend(fsys, func(now fs.FS) (hcl.Diagnostics, error) {
		diags, _ := diagnostics(t, now)
		return diags, nil
	}, over)
	if err != nil {
		t.Fatal(err)
	}
	return fixed
}

// TestMend runs the cases of testdata/fix: what is below before/ becomes what is
// below after/. What is left stands in the section left, one rule a line. What was
// mended is not mended again.
func TestMend(t *testing.T) {
	names, err := filepath.Glob("testdata/fix/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before := variant(t, a, "before/")
			fixed := mend(t, before)
			after := over(before, fixed)
			got := txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				if strings.HasPrefix(f.Name, "before/") {
					got.Files = append(got.Files, f)
				}
			}
			for _, f := range fixed {
				suffix := ""
				if f.Executable {
					suffix = " (executable)"
				}
				text := strings.ReplaceAll(string(f.Content), "\r\n", "<CR>\n")
				got.Files = append(got.Files, txtar.File{Name: "after/" + f.Path + suffix, Data: []byte(text)})
			}
			left, _ := diagnostics(t, after)
			var rules []string
			for _, d := range left {
				rules = append(rules, diag.Place(*d.Subject)+" "+diag.RuleOf(d).ID+"\n")
			}
			got.Files = append(got.Files, txtar.File{Name: "left", Data: []byte(strings.Join(rules, ""))})
			if *update {
				if err := os.WriteFile(name, txtar.Format(&got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if want := txtar.Format(a); !bytes.Equal(want, txtar.Format(&got)) {
				t.Errorf("%s", diff.Diff("want", want, "got", txtar.Format(&got)))
			}
			if again := mend(t, after); len(again) > 0 {
				t.Errorf("mended again: %v", again)
			}
		})
	}
}

// TestFixable: each rule that is said to be mended is mended in some case.
func TestFixable(t *testing.T) {
	names, err := filepath.Glob("testdata/fix/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	mended := map[string]bool{}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		before := variant(t, a, "before/")
		count := func(fsys fs.FS) map[string]int {
			n := map[string]int{}
			diags, _ := diagnostics(t, fsys)
			for _, d := range diags {
				n[diag.RuleOf(d).ID]++
			}
			return n
		}
		after := count(over(before, mend(t, before)))
		for id, n := range count(before) {
			mended[id] = mended[id] || after[id] < n
		}
	}
	for _, id := range lint.Fixable() {
		if !mended[id] {
			t.Errorf("no case of testdata/fix mends %s: %v", id, slices.Sorted(maps.Keys(mended)))
		}
	}
}
