package publish

import (
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/registry"
)

func repository() (*catalogue.Catalogue, *bake.File) {
	rt := &catalogue.Runtime{Key: "node"}
	f := &bake.File{Registry: "r.example/acme", Cache: catalogue.Cache{Type: "none"}}
	for _, name := range []string{"18", "22"} {
		v := &catalogue.Version{ID: "node-" + name, Target: "node-" + name, Runtime: rt}
		rt.Versions = append(rt.Versions, v)
		f.Targets = append(f.Targets, bake.Target{
			Name: v.Target, ID: v.ID, Image: "node", Tags: []string{name}, Platforms: []string{"linux/amd64"},
			Labels: map[string]string{},
		})
	}
	rt.Versions[0].Deprecated = "2025-04-30"
	return &catalogue.Catalogue{Runtimes: []*catalogue.Runtime{rt}}, f
}

func built(target, names string) map[string][]Built {
	return map[string][]Built{target: {{registry.Built{Target: target, Digest: "sha256:1", Names: strings.Split(names, ",")}, "a.json"}}}
}

// TestSelect: what there is something to publish of.
func TestSelect(t *testing.T) {
	c, _ := repository()
	one := built("node-22", "r.example/acme/node")
	for _, test := range []struct {
		name     string
		patterns []string
		built    map[string][]Built
		options  Options
		want     string
		err      string
	}{
		{"what the files have", nil, one, Options{Files: []string{"a.json"}}, "node-22", ""},
		{"by suffix, all that is not deprecated", nil, nil, Options{Suffixes: []string{"-amd64"}}, "node-22", ""},
		{"by suffix, what is named", []string{"node-18"}, nil, Options{Suffixes: []string{"-amd64"}}, "node-18", ""},
		{"promoted", nil, nil, Options{From: "s.example"}, "node-22", ""},
		{"all", nil, nil, Options{All: true}, "node-22", ""},
		{"nothing", nil, nil, Options{Files: []string{"a.json", "b.json"}}, "", "a.json, b.json: no image of this repository; was it built, and pushed?"},
		{"nothing of a name", []string{"node-18"}, one, Options{Files: []string{"a.json"}}, "", "a.json: no image of node-18; was it built, and pushed?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			versions, err := c.Select(test.patterns)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Select(c, versions, test.patterns, test.built, test.options)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			var ids []string
			for _, v := range got {
				ids = append(ids, v.ID)
			}
			if err != nil || strings.Join(ids, " ") != test.want {
				t.Errorf("got %q, %v; want %s", ids, err, test.want)
			}
		})
	}
	if got := Unknown(c, built("perl-5", "")); !slices.Equal(got, []string{"perl-5"}) {
		t.Errorf("unknown: %q", got)
	}
}

// TestReleases: an image has its names in each registry, each once, and one that
// never moves.
func TestReleases(t *testing.T) {
	c, f := repository()
	env := func(name string) (string, bool) { return "abc", name == "REVISION" }
	versions := c.Versions()[1:]
	all, err := Releases(f, versions, env, Options{Registries: []string{"a.example", "b.example/x", "a.example"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a.example/node:22", "a.example/node:22-abc", "b.example/x/node:22", "b.example/x/node:22-abc"}; !slices.Equal(all[0].Names, want) {
		t.Errorf("names: got %q, want %q", all[0].Names, want)
	}
	if want := []string{"a.example/node:22-abc", "b.example/x/node:22-abc"}; !slices.Equal(all[0].fixed, want) {
		t.Errorf("fixed: got %q, want %q", all[0].fixed, want)
	}
	if all, err = Releases(f, versions, env, Options{}); err != nil || all[0].Names[0] != "r.example/acme/node:22" {
		t.Errorf("without a registry: %q, %v", all[0].Names, err)
	}
	none := func(string) (string, bool) { return "", false }
	besides := Options{Besides: []string{"b.example"}}
	if all, err = Releases(f, versions, none, besides); err != nil || !slices.Equal(all[0].Repositories, []string{"r.example/acme/node", "b.example/node"}) {
		t.Errorf("with those of the project: %q, %v", all[0].Repositories, err)
	}
	trial := func(name string) (string, bool) { return "t.example", name == "REGISTRY" }
	if all, err = Releases(f, versions, trial, besides); err != nil || !slices.Equal(all[0].Repositories, []string{"t.example/node"}) {
		t.Errorf("of a trial: %q, %v", all[0].Repositories, err)
	}
	if _, err := Releases(f, versions, env, Options{Suffixes: []string{strings.Repeat("a", 200)}}); err == nil || !strings.HasPrefix(err.Error(), "--from-suffix=aaa") {
		t.Errorf("a wrong suffix: %v", err)
	}
}

// TestReleasesFrom: an image is promoted from the tag of its revision, from a
// staging tag, or else from its first tag.
func TestReleasesFrom(t *testing.T) {
	c, f := repository()
	versions := c.Versions()[1:]
	revision := func(name string) (string, bool) { return "abc", name == "REVISION" }
	none := func(string) (string, bool) { return "", false }
	for _, test := range []struct {
		name, from string
		suffixes   []string
		env        bake.Lookup
		want       string
		err        bool
	}{
		{"a registry", "s.example", nil, none, "s.example/node:22", false},
		{"a revision", "s.example", nil, revision, "s.example/node:22-abc", false},
		{"a staging tag", "s.example", []string{"-rc"}, revision, "s.example/node:22-rc", false},
		{"a staging tag beside it", "r.example/acme", []string{"-rc"}, none, "r.example/acme/node:22-rc", false},
		{"a revision beside it", "r.example/acme", nil, revision, "r.example/acme/node:22-abc", false},
		{"itself", "r.example/acme", nil, none, "", true},
		{"no registry", "S.example//", nil, none, "", true},
	} {
		all, err := Releases(f, versions, test.env, Options{From: test.from, Suffixes: test.suffixes})
		if test.err {
			if err == nil || !strings.HasPrefix(err.Error(), "--from-registry="+test.from+": ") {
				t.Errorf("%s: got %v", test.name, err)
			}
			continue
		}
		if err != nil || all[0].from != test.want {
			t.Errorf("%s: got %+v, %v; want %s", test.name, all, err, test.want)
		}
	}
}

// TestSources: where the builds have left an image, and what is refused.
func TestSources(t *testing.T) {
	r := Release{Names: []string{"a.example/node:22"}, Repositories: []string{"a.example/node"}}
	got, err := r.Sources(nil, []string{"-amd64"})
	if want := []registry.Source{{Image: "a.example/node:22-amd64", From: "a.example/node:22-amd64", Optional: true}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("by suffix: got %+v, %v", got, err)
	}
	got, err = r.Sources(built("node-22", "a.example/node:22")["node-22"], nil)
	if want := []registry.Source{{Image: "a.example/node@sha256:1", From: "a.json"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("by file: got %+v, %v", got, err)
	}
	const other = "a.json: the image was pushed to b.example/node, not to a.example/node; set REGISTRY as for the build, or give --registries"
	if _, err := r.Sources(built("node-22", "b.example/node:22")["node-22"], nil); err == nil || err.Error() != other {
		t.Errorf("of another registry: got %v", err)
	}
	nowhere := []Built{{registry.Built{Target: "node-22", Digest: "sha256:1"}, "a.json"}}
	if _, err := r.Sources(nowhere, nil); err == nil || err.Error() != "a.json: it does not say where the image was pushed to; build with --push" {
		t.Errorf("of nowhere: got %v", err)
	}
}
