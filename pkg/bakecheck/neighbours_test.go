package bakecheck_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	buildxbake "github.com/docker/buildx/bake"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
)

func TestNeighbours(t *testing.T) {
	f := example()
	src := f.Encode()
	for _, c := range []struct{ name, text, want string }{
		{
			"docker-compose.yml", "services:\n  go-1_9:\n    build: { context: ., dockerfile: Dockerfile.test, args: { DEBUG: '1' } }\n  web:\n    build: web\n",
			"it changes args, dockerfile of go-1_9; it adds web",
		},
		{"docker-bake.override.hcl", "target \"_image\" {\n  network = \"host\"\n}\n", "it changes network of _image"},
		{"docker-bake.override.json", "{\"target\": {\"more\": {}}}", "it adds more"},
		{"docker-bake.json", "{\"variable\": {\"REGISTRY\": {\"default\": \"evil.example\"}}}", ""},
		{"docker-bake.override.hcl", "variable \"REGISTRY\" {\n  default = \"evil.example\"\n}\n", "it changes tags of debian-12; tags of go-1_26; tags of go-1_9"},
		{"compose.yaml", "services: [", "bake cannot read both, and builds nothing"},
		{"bake.hcl", "target \"x\" {}\n", "none"},
	} {
		found, err := bakecheck.Neighbours(fstest.MapFS{c.name: {Data: []byte(c.text)}, bake.FileName: {Data: src}}, f)
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if len(found) > 0 {
			got = found[0].Changes
		}
		if got != c.want {
			t.Errorf("%s: want %q, got %q", c.name, c.want, got)
		}
	}
}

// TestDefaultFiles: the files that count as neighbours are those that bake
// reads.
func TestDefaultFiles(t *testing.T) {
	fsys := fstest.MapFS{}
	t.Chdir(t.TempDir())
	for _, stem := range []string{"compose", "docker-compose", "docker-bake", "docker-bake.override", "bake", "docker-compose.override", "compose.override"} {
		for _, end := range []string{".yaml", ".yml", ".json", ".hcl"} {
			fsys[stem+end] = &fstest.MapFile{Data: []byte("\n")}
			if err := os.WriteFile(stem+end, []byte("\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	read, err := buildxbake.ReadLocalFiles(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for _, f := range read {
		if f.Name != bake.FileName {
			want = append(want, f.Name)
		}
	}
	found, err := bakecheck.Neighbours(fsys, example())
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(found))
	for _, n := range found {
		got = append(got, n.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
}

// TestOverlay: a second file may set any attribute of a target, and everything
// else of it stays.
func TestOverlay(t *testing.T) {
	src := example().Encode()
	read := func(t *testing.T, more string) map[string]string {
		t.Helper()
		files := []buildxbake.File{{Name: bake.FileName, Data: src}}
		if more != "" {
			files = append(files, buildxbake.File{Name: "mine.hcl", Data: []byte(more)})
		}
		builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": "linux/amd64"}
		targets, _, err := buildxbake.ReadTargets(t.Context(), files, []string{"go-1_26"}, nil, builtin, map[string]string{"CACHE": "registry"}, &buildxbake.EntitlementConf{})
		if err != nil {
			t.Fatal(err)
		}
		x := targets["go-1_26"]
		return map[string]string{
			"args": fmt.Sprint(names(x.Args)), "labels": fmt.Sprint(names(x.Labels)), "annotations": fmt.Sprint(x.Annotations), "tags": fmt.Sprint(x.Tags),
			"platforms": fmt.Sprint(x.Platforms), "contexts": fmt.Sprint(names(x.Contexts)), "context": *x.Context, "dockerfile": *x.Dockerfile, "target": *x.Target,
			"cache-from": fmt.Sprint(x.CacheFrom), "cache-to": fmt.Sprint(x.CacheTo), "description": x.Description, "attest": fmt.Sprint(x.Attest), "output": fmt.Sprint(x.Outputs),
		}
	}
	plain := read(t, "")
	for attribute, value := range map[string]string{
		"args": `{ HTTP_PROXY = "http://proxy:3128" }`, "labels": `{ more = "1" }`, "annotations": `["manifest:more=1"]`, "tags": `["mine"]`,
		"platforms": `["linux/amd64"]`, "contexts": `{ more = "." }`, "context": `"elsewhere"`, "dockerfile": `"Other"`, "target": `"other"`,
		"cache-from": `["type=gha"]`, "cache-to": `["type=gha"]`, "description": `"mine"`, "attest": `["type=sbom,disabled=true"]`, "output": `["type=cacheonly"]`,
		"network": `"host"`, "no-cache": "true", "pull": "true", "secret": `["id=x"]`, "ssh": `["default"]`, "shm-size": `"64m"`, "ulimits": `["nofile=1024"]`,
		"extra-hosts": `{ a = "1.2.3.4" }`, "call": `"check"`, "entitlements": `["network.host"]`, "no-cache-filter": `["x"]`, "inherits": `["_image"]`,
	} {
		t.Run(attribute, func(t *testing.T) {
			got := read(t, fmt.Sprintf("target \"go-1_26\" {\n  %s = %s\n}\n", attribute, value))
			for name, want := range plain {
				if changed := got[name] != want; changed && name != attribute {
					t.Errorf("%s is another one: %s, not %s", name, got[name], want)
				} else if !changed && name == attribute {
					t.Errorf("%s stays %s", name, want)
				}
			}
			if got["args"] != plain["args"] && !strings.Contains(got["args"], "BASE") {
				t.Errorf("args lost what it had: %s", got["args"])
			}
		})
	}
}

func names[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for key := range m {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}
