package bakefile_test

import (
	"flag"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	buildxbake "github.com/docker/buildx/bake"
	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/importer/bakefile"
	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

// repository is one case of a whole import.
type repository struct {
	name  string
	fsys  fstest.MapFS
	named []string // the files that are imported
	runs  []run    // how bake is run on them
}

// run is bake in a folder, with files.
type run struct {
	dir   string
	files []string
}

// repositories are the cases of imports that have bake files.
func repositories(t testing.TB) []repository {
	t.Helper()
	cases, err := filepath.Glob("../testdata/cases/bake-*.txtar")
	if err != nil || len(cases) < 25 {
		t.Fatal("too few cases", len(cases), err)
	}
	all := make([]repository, 0, len(cases))
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r := repository{name: strings.TrimSuffix(filepath.Base(name), ".txtar"), fsys: fstest.MapFS{}}
		for _, f := range archive.Files {
			if !strings.HasPrefix(f.Name, "want/") {
				r.fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
		}
		for line := range strings.Lines(string(archive.Comment)) {
			if names, ok := strings.CutPrefix(line, "runbake import "); ok {
				r.named = strings.Fields(names)
			}
			if words, ok := strings.CutPrefix(line, "bake "); ok {
				dir, files, _ := strings.Cut(strings.TrimSpace(words), " ")
				r.runs = append(r.runs, run{dir, strings.Fields(files)})
			}
		}
		if r.runs == nil {
			r.runs = []run{{".", r.named}}
		}
		all = append(all, r)
	}
	return all
}

// read is the reader for files of a file system.
func read(t testing.TB, fsys fs.FS, names ...string) *fact.Set {
	t.Helper()
	files := make([]*fact.File, 0, len(names))
	for _, name := range names {
		f, err := fact.Read(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return bakefile.Read(fsys, files, bakefile.Settings{})
}

// TestPlaces: whatever is found in the cases has a place in a file that was read,
// and is the same when it is read again.
func TestPlaces(t *testing.T) {
	for _, r := range repositories(t) {
		t.Run(r.name, func(t *testing.T) {
			first, err := fact.Read(r.fsys, r.named[0])
			if err != nil {
				t.Fatal(err)
			}
			facttest.Check(t, r.fsys, first, func(fsys fs.FS, _ *fact.File) *fact.Set { return read(t, fsys, r.named...) })
		})
	}
}

// samples have a value for every attribute of bake's targets.
var samples = map[string]string{
	"description":       `"An application"`,
	"inherits":          `["other"]`,
	"annotations":       `["org.example.a=b"]`,
	"attest":            `["type=sbom"]`,
	"context":           `"elsewhere"`,
	"contexts":          `{ a = "elsewhere" }`,
	"dockerfile":        `"Other"`,
	"dockerfile-inline": `"FROM alpine"`,
	"args":              `{ A = "1" }`,
	"labels":            `{ a = "1" }`,
	"tags":              `["acme/other:1"]`,
	"cache-from":        `["type=gha"]`,
	"cache-to":          `["type=gha"]`,
	"target":            `"stage"`,
	"secret":            `["id=a,env=A"]`,
	"ssh":               `["default"]`,
	"platforms":         `["linux/arm64"]`,
	"output":            `["type=registry"]`,
	"pull":              `true`,
	"no-cache":          `true`,
	"network":           `"none"`,
	"no-cache-filter":   `["a"]`,
	"shm-size":          `"64m"`,
	"ulimits":           `["nofile=1:2"]`,
	"resources":         `{ memory = "1g" }`,
	"call":              `"check"`,
	"entitlements":      `["network.host"]`,
	"extra-hosts":       `{ a = "10.0.0.1" }`,
	"policy":            `[{ filename = "a.rego" }]`,
}

// TestEveryAttribute: none of bake's attributes is lost without a word. What is
// found of a target with it is another than without it.
func TestEveryAttribute(t *testing.T) {
	find := func(more string) string {
		text := "target \"other\" {\n  args = { B = \"2\" }\n}\ntarget \"app\" {\n  " + more + "\n}\n"
		if !strings.HasPrefix(more, "tags ") {
			text = strings.Replace(text, "\"app\" {\n", "\"app\" {\n  tags = [\"acme/app:1\"]\n", 1)
		}
		fsys := fstest.MapFS{"docker-bake.hcl": {Data: []byte(text)}, "Dockerfile": {}, "elsewhere/Dockerfile": {}}
		var found strings.Builder
		for line := range strings.Lines(facttest.Text(read(t, fsys, "docker-bake.hcl"))) {
			_, said, _ := strings.Cut(line, ": ") // without the place
			found.WriteString(said)
		}
		return found.String()
	}
	plain := find("")
	target := reflect.TypeFor[buildxbake.Target]()
	checked := 0
	for field := range target.Fields() {
		name, kind, _ := strings.Cut(field.Tag.Get("hcl"), ",")
		if !field.IsExported() || kind == "label" {
			continue
		}
		sample, have := samples[name]
		if !have {
			t.Errorf("bake has an attribute %s, which nothing reads or reports: add a sample, and read it", name)
			continue
		}
		checked++
		if found := find(fmt.Sprintf("%s = %s", name, sample)); found == plain || strings.Contains(found, "Bake reads nothing") {
			t.Errorf("%s = %s is lost, or no sample:\n%s", name, sample, found)
		}
	}
	if checked != len(samples) {
		t.Errorf("%d attributes checked, and %d samples", checked, len(samples))
	}
}

// TestOther: what a file is that is none of bake's.
func TestOther(t *testing.T) {
	for name, c := range map[string][2]string{
		"a.hcl":       {"variable \"a\" {}\n", ""},
		"b.hcl":       {"target \"a\" {\n", ""}, // bake says what is wrong with it
		"lock.hcl":    {"image \"a\" {}\n", "a file of HCL, without targets"},
		"runtime.hcl": {"base \"a\" {}\n", "a definition already"},
		"a.json":      {`{"group": {}}`, ""},
		"b.json":      {`{"target"`, ""},
		"c.json":      {`{}`, "a file of JSON, without targets"},
		"a.yaml":      {"services:\n  a: {}\n", ""},
		"b.yml":       {"a: [\n", ""},
		"c.yml":       {"- services\n", "a file of YAML, without services"},
	} {
		if got := bakefile.Other(fact.NewFile(name, []byte(c[0]))); got != c[1] {
			t.Errorf("%s is %q, want %q", name, got, c[1])
		}
	}
}

// FuzzRead: whatever a bake file holds, reading it ends, and all places are
// places.
func FuzzRead(f *testing.F) {
	for _, r := range repositories(f) {
		for _, name := range r.named {
			f.Add(path.Ext(name), string(r.fsys[name].Data))
		}
	}
	f.Fuzz(func(t *testing.T, ext, text string) {
		switch ext {
		case ".hcl", ".json":
		default:
			for _, other := range []string{"extends", "include", "env_file"} { // compose reads these from the disk
				if strings.Contains(text, other) {
					return
				}
			}
			ext = ".yaml"
		}
		fsys := fstest.MapFS{"docker-bake" + ext: {Data: []byte(text)}, "app/Dockerfile": {Data: []byte("FROM a\n")}}
		facttest.Check(t, fsys, fact.NewFile("docker-bake"+ext, []byte(text)),
			func(fsys fs.FS, f *fact.File) *fact.Set {
				return bakefile.Read(fsys, []*fact.File{f}, bakefile.Settings{})
			})
	})
}
