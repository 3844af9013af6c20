package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/build"
	"github.com/runbake/runbake/pkg/reproducible"
)

// schemas is where the schemas of all kinds are.
var schemas = filepath.Join("..", "..", "docs", "schemas")

// CheckJSON holds what a command wrote against the schema of its kind, and finds
// properties that the schema does not describe.
func CheckJSON(dir string, text []byte) error {
	var head struct{ Kind string }
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	schema, err := os.ReadFile(filepath.Join(dir, filepath.Base(head.Kind)+".json"))
	if err != nil {
		return err
	}
	var document any
	if err := json.Unmarshal(schema, &document); err != nil {
		return err
	}
	closeObjects(document)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", document); err != nil {
		return err
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		return err
	}
	written, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return compiled.Validate(written)
}

// closeObjects lets objects have no other properties than those that are described.
// Published schemas leave them open, so that later versions may add some.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case []any:
		for _, v := range s {
			closeObjects(v)
		}
	case map[string]any:
		if _, described := s["properties"].(map[string]any); described && s["type"] == "object" {
			s["additionalProperties"] = false
		}
		for _, v := range s {
			closeObjects(v)
		}
	}
}

// kindsOf are the kinds of the JSON that commands write, where they are not called
// as the command.
var kindsOf = map[string][]string{"build": {"build", "reproducibility"}}

// TestSchemas: each command that writes JSON has schemas, and a script or a test that
// holds it against them; there is no other schema.
func TestSchemas(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	left := map[string]bool{}
	entries, err := os.ReadDir(schemas)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left[e.Name()] = true
	}
	for _, c := range Commands() {
		if !slices.Contains(c.Formats, "json") {
			continue
		}
		kinds := kindsOf[c.Name]
		if kinds == nil {
			kinds = []string{c.Name}
			if !runsJSON(string(all), c.Name) {
				t.Errorf("no script runs runbake %s --format json", c.Name)
			}
		}
		for _, kind := range kinds {
			if !left[kind+".json"] {
				t.Errorf("runbake %s writes JSON without a schema, docs/schemas/%s.json", c.Name, kind)
			}
			delete(left, kind+".json")
		}
	}
	for name := range left {
		t.Errorf("docs/schemas/%s is of nothing that a command writes", name)
	}
}

// runsJSON reports whether a script has a command write JSON.
func runsJSON(scripts, command string) bool {
	for line := range strings.Lines(scripts) {
		if strings.Contains(line, "exec runbake "+command+" ") &&
			strings.Contains(strings.Replace(line, "=json", " json", 1), "--format json") {
			return true
		}
	}
	return false
}

// TestBuildJSON: what only real builds write has its schema, with everything that
// may be in it and with as little as may be.
func TestBuildJSON(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	failed := build.Image{
		ID: "go-1.26", Target: "go-1_26", State: "failed", Image: "go:1.26", Tags: []string{"go:1.26"}, Error: "exit code: 7",
		Platforms: []string{"linux/amd64"}, Step: "[2/2] RUN go build", Log: []string{"go: oh"},
	}
	pushed := failed
	pushed.State, pushed.Digest, pushed.Size, pushed.Why, pushed.Cached = "pushed", digest, 7, []string{"new"}, 3
	pushed.Error, pushed.Step, pushed.Log = "", "", nil
	differs := reproducible.Image{Platform: "linux/amd64", First: digest, Differences: []reproducible.Difference{
		{Layer: 2, Instruction: "RUN make", Path: "a", Changes: []reproducible.Change{{What: reproducible.WhatMode}}},
		{Changes: []reproducible.Change{{What: reproducible.WhatConfig, Name: "config.User", Second: `"me"`}}},
	}}
	outcome := &build.Outcome{Plan: &build.Plan{File: &bake.File{}}}
	for name, write := range map[string]func(*app) error{
		"built": func(a *app) error { return a.reportBuilt(outcome, []build.Image{failed, pushed}, "json") },
		"none":  func(a *app) error { return a.reportBuilt(outcome, nil, "json") },
		"twice": func(a *app) error {
			return a.reportVerified(outcome, []build.Verified{
				{ID: "a-1", Target: "a-1", State: build.Reproducible, Epoch: 1, Platforms: []reproducible.Image{differs}},
				{ID: "b-1", Target: "b-1", State: "failed", Error: "oh", Step: "RUN", Log: []string{"x"}, Platforms: []reproducible.Image{}},
			}, "json")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&app{env: Env{Stdout: &out}}); err != nil {
				t.Fatal(err)
			}
			if err := CheckJSON(schemas, out.Bytes()); err != nil {
				t.Errorf("%v\n%s", err, &out)
			}
		})
	}
}

// TestCheckJSON: a kind that is not known, a property that is not described, and a
// value that may not be there are found.
func TestCheckJSON(t *testing.T) {
	const good = `{"version": 1, "kind": "lock", "items": [{"change": "gone", "image": "docker.io/library/node:22"}]}`
	if err := CheckJSON(schemas, []byte(good)); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		`"lock"`: `"lok"`, `"version": 1`: `"version": 2`, `"image":`: `"name":`, `"gone"`: `"lost", "more": 1`,
		`"change": "gone"`: `"change": "went"`, `[{`: `{"a": {`,
	} {
		if bad := strings.Replace(good, from, to, 1); CheckJSON(schemas, []byte(bad)) == nil {
			t.Errorf("%s is said to be right", bad)
		}
	}
}
