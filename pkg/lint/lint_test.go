package lint_test

import (
	"flag"
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

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lint"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// lint loads, resolves and checks a repository, and returns the sources of
// everything that has diagnostics.
func diagnostics(t testing.TB, fsys fs.FS) (hcl.Diagnostics, map[string][]byte) {
	t.Helper()
	set, diags := definition.Load(fsys)
	more, sources := check(t, set, fsys)
	return diag.Sort(append(diags, more...)), sources
}

// check is diagnostics for definitions that are loaded.
func check(t testing.TB, set *definition.Set, fsys fs.FS) (hcl.Diagnostics, map[string][]byte) {
	t.Helper()
	c, diags := catalogue.Resolve(set, fsys)
	sources := maps.Clone(set.Sources)
	checkout := lint.Checkout{LFS: true}
	if _, err := fs.Stat(fsys, ".gitmodules"); err == nil {
		checkout.Submodules = []string{"runtimes/node/module"}
	}
	diags = append(diags, lint.Check(t.Context(), c, c.Versions(), fsys, checkout)...)
	for _, d := range diags {
		if d.Subject != nil && sources[d.Subject.Filename] == nil {
			if src, err := fs.ReadFile(fsys, d.Subject.Filename); err == nil {
				sources[d.Subject.Filename] = src
			}
		}
	}
	return diags, sources
}

func text(t testing.TB, fsys fs.FS) string {
	t.Helper()
	diags, sources := diagnostics(t, fsys)
	var b strings.Builder
	if err := diag.WriteText(&b, sources, diags, diag.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// good is a repository without a finding.
func good(t testing.TB) fstest.MapFS {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/good.txtar")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, f := range archive.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys
}

// variant is the good repository with the files of an archive that have a
// prefix laid over it. An empty file takes one away; CR and +x stand in the
// archive's comment: "crlf: <file>", "executable: <file>".
func variant(t testing.TB, a *txtar.Archive, prefix string) fstest.MapFS {
	t.Helper()
	fsys := good(t)
	for _, f := range a.Files {
		name, is := strings.CutPrefix(f.Name, prefix)
		switch {
		case !is:
		case len(f.Data) == 0:
			delete(fsys, name)
		default:
			fsys[name] = &fstest.MapFile{Data: slices.Clone(f.Data)}
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		what, name, _ := strings.Cut(strings.TrimSpace(line), ": ")
		name, is := strings.CutPrefix(name, prefix)
		if !is || fsys[name] == nil {
			continue
		}
		switch what {
		case "crlf":
			fsys[name].Data = []byte(strings.ReplaceAll(string(fsys[name].Data), "\n", "\r\n"))
		case "executable":
			fsys[name].Mode = 0o755
		}
	}
	return fsys
}

// TestRules runs the cases of testdata/rules, one archive for each rule: what is
// below bad/ breaks it, with exactly the diagnostics of the section want, and
// what is below good/ does not.
func TestRules(t *testing.T) {
	if got := text(t, good(t)); got != "" {
		t.Fatalf("the good repository has findings:\n%s", got)
	}
	for _, rule := range contract.Checked(contract.InFiles) {
		t.Run(rule.ID, func(t *testing.T) {
			got := archive(t, filepath.Join("testdata/rules", rule.ID+".txtar"))
			if !strings.Contains(got, "["+rule.ID+"]\n") {
				t.Errorf("the case does not break the rule:\n%s", got)
			}
		})
	}
	names, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(names) != len(contract.Checked(contract.InFiles)) {
		t.Errorf("%d archives for %d rules: %v", len(names), len(contract.Checked(contract.InFiles)), err)
	}
}

// TestFolders runs the cases of testdata/folders: what people really write.
func TestFolders(t *testing.T) {
	names, err := filepath.Glob("testdata/folders/*.txtar")
	if err != nil || len(names) < 12 {
		t.Fatalf("%d cases: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { archive(t, name) })
	}
}

// archive runs one case and returns the diagnostics of its bad half.
func archive(t *testing.T, name string) string {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, variant(t, a, "good/")); got != "" {
		t.Errorf("the good half has findings:\n%s", got)
	}
	got := text(t, variant(t, a, "bad/"))
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	if i < 0 {
		i = len(a.Files)
		a.Files = append(a.Files, txtar.File{Name: "want"})
	}
	want := string(a.Files[i].Data)
	if *update {
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got != want {
		t.Errorf("diagnostics differ:\n%s", diff.Diff("want", []byte(want), "got", []byte(got)))
	}
	return got
}

// TestOwn: the runtimes of this repository have no finding.
func TestOwn(t *testing.T) {
	if got := text(t, os.DirFS("../..")); got != "" {
		t.Error(got)
	}
}
