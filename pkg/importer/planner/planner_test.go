package planner_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/planner"
)

// facts are made here line by line: no source is read.
type facts struct {
	fact.Set
	fsys fstest.MapFS
	line int
}

func newFacts() *facts { return &facts{fsys: fstest.MapFS{}} }

// at is a place of its own for each fact.
func (f *facts) at(source string) hcl.Range {
	f.line++
	pos := hcl.Pos{Line: f.line, Column: 1, Byte: f.line}
	return hcl.Range{Filename: source, Start: pos, End: pos}
}

func (f *facts) text(source, value string) fact.Text {
	return fact.Text{Value: value, Range: f.at(source)}
}

func (f *facts) source(name string) *fact.Source {
	at := slices.IndexFunc(f.Sources, func(s *fact.Source) bool { return s.Name == name })
	if at < 0 {
		f.Sources = append(f.Sources, &fact.Source{Name: name})
		at = len(f.Sources) - 1
	}
	return f.Sources[at]
}

// build is a build of a folder, which has a Dockerfile.
func (f *facts) build(source, tag, folder string, more ...func(*fact.Build)) {
	f.fsys[path.Join(folder, "Dockerfile")] = &fstest.MapFile{Data: []byte("FROM debian:12\nCMD [\"./launch.sh\"]\n")}
	b := &fact.Build{
		Script: source, Tags: []fact.Text{f.text(source, tag)}, Context: f.text(source, folder), Range: f.at(source),
	}
	for _, change := range more {
		change(b)
	}
	s := f.source(source)
	s.Events = append(s.Events, fact.Event{Build: b, Range: b.Range})
}

func pushed(b *fact.Build) { b.Push = true }

// registered is a version of a registry class.
func (f *facts) registered(key, version, build, run string) {
	if f.Registry == nil {
		f.Registry = &fact.Registry{Name: "class"}
	}
	rt := &fact.Runtime{Key: f.text("class", key), Name: f.text("class", strings.ToUpper(key))}
	rt.Versions = []*fact.Version{{
		Runtime: rt, Version: f.text("class", version), Build: f.text("class", build), Run: f.text("class", run),
		RunGiven: true, Range: f.at("class"),
	}}
	f.Registry.Runtimes = append(f.Registry.Runtimes, rt)
}

// said is all that a plan says: findings by their rule, and the ids of definitions.
func said(p *planner.Result) []string {
	var all []string
	for _, d := range diag.Sort(p.Diagnostics) {
		rule := ""
		if f, ok := d.Extra.(fact.Finding); ok {
			rule = f.Rule
		}
		all = append(all, rule+": "+d.Summary)
	}
	return all
}

// TestPlan: what definitions come of facts, and what is said of them.
func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*facts)
		want  []string // what is said
		file  string   // a definition
		has   string   // what stands in it
	}{
		"nothing": {func(*facts) {}, nil, "", ""},
		"one image": {
			func(f *facts) { f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed) },
			nil, "runtimes/node-22/runtime.hcl", `runtime "node" {`,
		},
		"two sources build one image": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				f.build("b", "node-runtime:22", "runtimes/node-22")
			},
			nil, "runbake.hcl", `"ghcr.io/acme"`,
		},
		"two sources build different images of one name": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				f.build("b", "node-runtime:22", "runtimes/node-22", func(b *fact.Build) {
					b.Args = []fact.Pair{{Name: "A", Value: "1"}}
				})
			},
			[]string{"contradiction: node-runtime:22 is built with other build arguments elsewhere"},
			"", "",
		},
		"one source lacks an image": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:20", "runtimes/node-20", pushed)
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				f.build("b", "node-runtime:22", "runtimes/node-22")
			},
			[]string{"missing: node-runtime:20 is not in b"},
			"runtimes/node-20/runtime.hcl", `version "20"`,
		},
		"a push of what nobody builds": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				name := f.text("a", "ghcr.io/acme/other:1")
				f.source("a").Events = append(f.source("a").Events, fact.Event{Push: &name, Range: name.Range})
			},
			[]string{"not-built: ghcr.io/acme/other:1 is pushed, and not built"},
			"", "",
		},
		"names of one build": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				from, to := f.text("a", "ghcr.io/acme/node-runtime:22"), f.text("a", "ghcr.io/acme/node-runtime:latest")
				f.source("a").Events = append(f.source("a").Events,
					fact.Event{Target: &to, From: []fact.Text{from}, Range: to.Range})
			},
			nil, "runtimes/node-22/runtime.hcl", `["22", "latest"]`,
		},
		"platforms joined to one image": {
			func(f *facts) {
				var from []fact.Text
				for _, platform := range []string{"linux/amd64", "linux/arm64"} {
					tag := "ghcr.io/acme/node-runtime:22-" + path.Base(platform)
					f.build("a", tag, "runtimes/node-22", func(b *fact.Build) {
						b.Platforms = []fact.Text{f.text("a", platform)}
					})
					from = append(from, f.text("a", tag))
				}
				to := f.text("a", "ghcr.io/acme/node-runtime:22")
				f.source("a").Events = append(f.source("a").Events,
					fact.Event{Target: &to, From: from, Range: to.Range})
			},
			nil, "runbake.hcl", `["linux/amd64", "linux/arm64"]`,
		},
		"a folder that is not there": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				f.build("a", "ghcr.io/acme/node-runtime:20", "runtimes/node-02", pushed)
				delete(f.fsys, "runtimes/node-02/Dockerfile")
			},
			[]string{"folder: Folder runtimes/node-02 does not exist"},
			"", "",
		},
		"a compiled runtime and what runs it": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/go-runtime:1", "runtimes/go-1", pushed)
				f.build("a", "ghcr.io/acme/debian-base:12", "runtimes/debian-12", pushed)
				f.registered("go", "1", "go-runtime:1", "debian-base:12")
			},
			nil, "runtimes/go-1/runtime.hcl", `base.debian["12"]`,
		},
		"registered with the image of another": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/go-runtime:1", "runtimes/go-1", pushed)
				f.registered("go", "1", "go-runtime:1", "go-runtime:1")
				f.registered("rust", "1", "go-runtime:1", "go-runtime:1")
			},
			[]string{"registered-image: rust 1 is registered with the image of go-1"},
			"", "",
		},
		"a test of what is not there": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				f.Tests = []*fact.Test{{
					Key: f.text("table", "node-2"), Runtime: f.text("table", "node-2"),
					Code: f.text("table", "node.tar.gz"), Range: f.at("table"),
				}}
			},
			[]string{"test: node-22 has no test", `test: Test "node-2" never runs: there is no node-2`},
			"", "",
		},
		"a definition that is there": {
			func(f *facts) {
				f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
				f.fsys["runtimes/node-22/runtime.hcl"] = &fstest.MapFile{Data: []byte("\n")}
			},
			[]string{"definition-exists: runtimes/node-22/runtime.hcl exists"},
			"", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFacts()
			c.given(f)
			before := facttest.Text(&f.Set)
			p := planner.Plan(f.fsys, &f.Set, "")
			if got := said(p); !slices.Equal(got, c.want) {
				t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if after := facttest.Text(&f.Set); before != after {
				t.Errorf("the facts have changed from\n%s\nto\n%s", before, after)
			}
			if c.file == "" {
				return
			}
			at := slices.IndexFunc(p.Files, func(f planner.File) bool { return f.Name == c.file })
			if at < 0 || !strings.Contains(string(p.Files[at].Text), c.has) {
				t.Errorf("%s without %s: %s", c.file, c.has, texts(p.Files))
			}
		})
	}
}

func texts(files []planner.File) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "\n%s:\n%s", f.Name, f.Text)
	}
	return b.String()
}

// TestRegistry: the registry that is given takes the place of those that images are
// pushed to, and each other name is noted.
func TestRegistry(t *testing.T) {
	f := newFacts()
	f.build("a", "ghcr.io/acme/node-runtime:22", "runtimes/node-22", pushed)
	p := planner.Plan(f.fsys, &f.Set, "example.com/images")
	if len(p.Files) != 2 || !strings.Contains(string(p.Files[0].Text), `"example.com/images"`) {
		t.Errorf("got %s", texts(p.Files))
	}
	renamed := "ghcr.io/acme/node-runtime:22 is example.com/images/node-runtime:22"
	if !slices.ContainsFunc(p.Notes, func(n fact.Note) bool { return n.Kind == fact.Renamed && n.Text == renamed }) {
		t.Errorf("got %v", p.Notes)
	}
}
