// Package repo_test checks the repository itself: its imports, its format, that
// it compiles everywhere, and what is committed.
package repo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const (
	module = "github.com/runbake/runbake/"
	root   = "../.."
)

// boundary is what a package may import of ours, and of the modules that are
// heavy or belong to one place.
type boundary struct {
	ours  []string
	heavy []string // prefixes
}

// guarded are imports that only the packages which name them may have, directly
// or through others of ours.
var guarded = []string{
	"github.com/docker/buildx", "github.com/moby/buildkit", "github.com/google/go-containerregistry", "github.com/spf13/cobra",
	"github.com/hashicorp/hcl", "os/exec", "net/http",
}

// boundaries has a row for every package: a new one must be added, and with it
// the decision what it may know.
var boundaries = map[string]boundary{
	"pkg/envelope":   {nil, nil},
	"pkg/diag":       {[]string{"pkg/envelope", "pkg/sink"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/repofs":     {nil, nil},
	"pkg/sink":       {nil, nil},
	"pkg/budget":     {nil, []string{"github.com/hashicorp/hcl"}},
	"pkg/graph":      {[]string{"pkg/catalogue"}, nil},
	"pkg/sbom":       {nil, nil},
	"pkg/site":       {[]string{"pkg/catalogue", "pkg/graph", "pkg/lock", "pkg/sbom", "pkg/sink"}, nil},
	"pkg/fixture":    {nil, nil},
	"pkg/definition": {[]string{"pkg/budget", "pkg/diag"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/platform":   {nil, nil},
	"pkg/dockerfile": {[]string{"pkg/budget", "pkg/diag", "pkg/platform"}, []string{"github.com/hashicorp/hcl", "github.com/moby/buildkit/frontend/dockerfile"}},
	"pkg/check":      {nil, nil},
	"pkg/catalogue":  {[]string{"pkg/check", "pkg/definition", "pkg/diag", "pkg/dockerfile", "pkg/platform"}, []string{"github.com/hashicorp/hcl"}},
	"bake":           {[]string{"pkg/catalogue", "pkg/check", "pkg/definition", "pkg/dockerfile", "pkg/platform"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/sealed":     {nil, nil},
	"pkg/bakecheck":  {[]string{"bake", "pkg/budget", "pkg/catalogue", "pkg/sealed"}, []string{"github.com/docker/buildx", "github.com/hashicorp/hcl"}},
	"pkg/baseline":   {[]string{"pkg/budget", "pkg/diag"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/changeset":  {[]string{"pkg/repofs"}, nil},
	"pkg/library":    {nil, nil},
	"pkg/scaffold": {
		[]string{"pkg/catalogue", "pkg/changeset", "pkg/contract", "pkg/definition", "pkg/diag", "pkg/dockerfile"},
		[]string{"github.com/hashicorp/hcl"},
	},
	"pkg/engine":          {[]string{"bake", "pkg/budget", "pkg/dockerfile", "pkg/platform"}, []string{"github.com/docker/buildx", "github.com/moby/buildkit"}},
	"pkg/engine/embedded": {[]string{"pkg/gomodule"}, []string{"github.com/moby/buildkit", "os/exec"}},
	"pkg/gomodule":        {nil, []string{"os/exec"}},
	"pkg/bundled":         {nil, nil},
	"pkg/changes":         {[]string{"pkg/envelope", "pkg/sbom", "pkg/sink"}, nil},
	"pkg/describe":        {[]string{"pkg/changes", "pkg/registry"}, nil},
	"pkg/lock": {
		[]string{"pkg/budget", "pkg/catalogue", "pkg/diag", "pkg/platform"}, []string{"github.com/hashicorp/hcl"},
	},
	"pkg/epoch":   {[]string{"bake", "pkg/catalogue", "pkg/dockerfile", "pkg/git"}, nil},
	"pkg/push":    {[]string{"bake", "pkg/inputs", "pkg/registry"}, nil},
	"pkg/publish": {[]string{"bake", "pkg/catalogue", "pkg/registry"}, nil},
	"pkg/build": {
		[]string{
			"bake", "pkg/catalogue", "pkg/engine", "pkg/epoch", "pkg/inputs", "pkg/push", "pkg/registry", "pkg/reproducible",
		}, nil,
	},
	"pkg/upstream": {[]string{"pkg/catalogue", "pkg/diag", "pkg/lock", "pkg/registry"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/repository": {
		[]string{"bake", "pkg/catalogue", "pkg/definition", "pkg/diag", "pkg/lock"}, []string{"github.com/hashicorp/hcl"},
	},
	"pkg/registry": {nil, []string{
		"github.com/google/go-containerregistry", "github.com/moby/buildkit/cmd/buildkitd/config",
		"github.com/moby/buildkit/util/resolver", "net/http",
	}},
	"pkg/reproducible": {nil, []string{"github.com/google/go-containerregistry"}},
	"pkg/shell":        {[]string{"pkg/budget"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/buildcheck":   {[]string{"pkg/diag"}, []string{"github.com/moby/buildkit"}},
	"pkg/lint": {
		[]string{
			"pkg/buildcheck", "pkg/catalogue", "pkg/contract", "pkg/definition", "pkg/diag", "pkg/dockerfile", "pkg/shell",
		},
		[]string{"github.com/hashicorp/hcl", "github.com/moby/buildkit/frontend/dockerfile"},
	},
	"pkg/listing": {[]string{"pkg/catalogue", "pkg/envelope", "pkg/sink"}, nil},
	// Readers of sources → facts ← the planner: neither side knows the other.
	"pkg/importer": {
		[]string{
			"pkg/changeset", "pkg/definition", "pkg/diag", "pkg/envelope", "pkg/importer/bakefile", "pkg/importer/fact",
			"pkg/importer/folder", "pkg/importer/makefile", "pkg/importer/php", "pkg/importer/pipeline", "pkg/importer/planner", "pkg/importer/script",
		},
		[]string{"github.com/hashicorp/hcl"},
	},
	"pkg/importer/bakefile":      {[]string{"pkg/budget", "pkg/importer/fact"}, []string{"github.com/docker/buildx", "github.com/hashicorp/hcl"}},
	"pkg/importer/fact":          {[]string{"pkg/budget", "pkg/diag"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/importer/fact/facttest": {[]string{"pkg/diag", "pkg/importer/fact"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/importer/folder":        {[]string{"pkg/dockerfile", "pkg/importer/fact"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/importer/makefile":      {[]string{"pkg/importer/fact"}, nil},
	"pkg/importer/php":           {[]string{"pkg/diag", "pkg/importer/fact"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/importer/pipeline":      {[]string{"pkg/importer/fact"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/importer/script":        {[]string{"pkg/importer/fact"}, []string{"github.com/hashicorp/hcl"}},
	"pkg/importer/planner": {
		[]string{
			"bake", "pkg/catalogue", "pkg/changeset", "pkg/contract", "pkg/definition", "pkg/diag", "pkg/dockerfile",
			"pkg/importer/fact",
		},
		[]string{"github.com/hashicorp/hcl"},
	},
	"pkg/inputs": {[]string{"bake", "pkg/dockerfile", "pkg/sealed"}, nil},
	"pkg/affected": {
		[]string{"bake", "pkg/catalogue", "pkg/envelope", "pkg/epoch", "pkg/git", "pkg/inputs", "pkg/repository"}, nil,
	},
	"pkg/workflow": {nil, nil},
	"pkg/git":      {[]string{"pkg/repofs"}, []string{"os/exec"}},
	// The probe is compiled without a network: the standard library only.
	"pkg/contract":          {nil, nil},
	"pkg/conformance":       {[]string{"pkg/contract"}, nil},
	"pkg/conformance/probe": {[]string{"pkg/check", "pkg/conformance", "pkg/contract", "pkg/fixture"}, []string{"net/http", "os/exec"}},
	"pkg/testrun": {
		[]string{
			"bake", "pkg/bundled", "pkg/catalogue", "pkg/check", "pkg/conformance", "pkg/conformance/probe", "pkg/diag",
			"pkg/engine", "pkg/gomodule", "pkg/platform", "pkg/repofs",
		}, []string{"github.com/hashicorp/hcl"},
	},
	"cmd/probe": {[]string{"pkg/check", "pkg/conformance", "pkg/conformance/probe", "pkg/contract"}, nil},
	"pkg/cli": {
		[]string{
			"bake", "pkg/affected", "pkg/bakecheck", "pkg/baseline", "pkg/budget", "pkg/build", "pkg/catalogue", "pkg/changes", "pkg/changeset",
			"pkg/conformance", "pkg/contract", "pkg/definition", "pkg/describe", "pkg/diag", "pkg/engine", "pkg/engine/embedded", "pkg/envelope", "pkg/epoch",
			"pkg/fixture", "pkg/git", "pkg/graph", "pkg/importer", "pkg/inputs", "pkg/library", "pkg/lint", "pkg/listing", "pkg/lock",
			"pkg/platform", "pkg/publish", "pkg/push", "pkg/registry", "pkg/repofs", "pkg/repository", "pkg/reproducible",
			"pkg/sbom", "pkg/scaffold", "pkg/sink", "pkg/site", "pkg/testrun", "pkg/upstream", "pkg/workflow",
		},
		[]string{"github.com/hashicorp/hcl", "github.com/spf13/cobra"},
	},
	"cmd/runbake": {[]string{"pkg/cli"}, nil},
}

type goPackage struct {
	ImportPath string
	GoFiles    []string
	Imports    []string
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "tests/") {
			continue
		}
		seen[name] = true
		rule, known := boundaries[name]
		if !known {
			t.Errorf("%s has no row in boundaries; decide what it may import", name)
			continue
		}
		for _, path := range p.Imports {
			if ours, found := strings.CutPrefix(path, module); found {
				if !slices.Contains(rule.ours, ours) {
					t.Errorf("%s may not import %s", name, ours)
				}
				continue
			}
			isHeavy := func(prefix string) bool { return strings.HasPrefix(path+"/", prefix+"/") }
			if slices.ContainsFunc(guarded, isHeavy) && !slices.ContainsFunc(rule.heavy, isHeavy) {
				t.Errorf("%s may not import %s", name, path)
			}
		}
	}
	for name := range boundaries {
		if !seen[name] {
			t.Errorf("boundaries has a row for %s, which does not exist", name)
		}
	}
}

// TestArchitecture: the document names every package, and its table of imports
// that belong to one place is what the packages do.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	packages := list(t)
	row := regexp.MustCompile(`(?m)^\| ` + "`([^`]+)`" + ` \| (.*) \|$`)
	quoted := regexp.MustCompile("`([^`]+)`")
	_, imports, found := strings.Cut(string(text), "| import | only in |\n")
	if !found {
		t.Fatal("architecture.md has no table of imports")
	}
	places, _, _ := strings.Cut(string(text), "| import | only in |\n")
	known := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(places, -1) {
		known[m[1]] = true
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !strings.HasPrefix(name, "tests/") && !strings.HasSuffix(name, "test") && !known[name] {
			t.Errorf("architecture.md does not say what %s is", name)
		}
	}
	imports, _, _ = strings.Cut(imports, "\n\n")
	rows := row.FindAllStringSubmatch(imports, -1)
	if len(rows) < 5 {
		t.Fatalf("the table of imports has %d rows", len(rows))
	}
	for _, m := range rows {
		var want []string
		for _, place := range quoted.FindAllStringSubmatch(m[2], -1) {
			want = append(want, place[1])
		}
		if got := importersOf(packages, m[1]); !slices.Equal(got, want) {
			t.Errorf("%s is imported by %q, and architecture.md says %q", m[1], got, want)
		}
	}
}

// importersOf are the packages, but those of tests, that import a path or one
// below it; a path of ours without those below it.
func importersOf(packages []goPackage, path string) []string {
	var importers []string
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "tests/") {
			continue
		}
		if slices.ContainsFunc(p.Imports, func(i string) bool {
			return i == module+path || strings.HasPrefix(i+"/", path+"/")
		}) {
			importers = append(importers, name)
		}
	}
	return importers
}

// TestProbeIsSmall: what the probe is made of has the standard library only, the
// table of the contract too, and its image is built from all of it.
func TestProbeIsSmall(t *testing.T) {
	packages := list(t)
	ignored := probeIgnores(t)
	todo, seen := []string{module + "cmd/probe"}, map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		at := slices.IndexFunc(packages, func(p goPackage) bool { return p.ImportPath == name })
		for _, file := range packages[at].GoFiles {
			file = strings.TrimPrefix(name, module) + "/" + file
			if out, err := ignored.MatchesOrParentMatches(file); err != nil || out {
				t.Errorf("%s is not in the context of the probe's image (%v)", file, err)
			}
		}
		for _, path := range packages[at].Imports {
			first, _, _ := strings.Cut(path, "/")
			switch {
			case strings.HasPrefix(path, module):
				todo = append(todo, path)
			case strings.Contains(first, "."):
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	if !seen[module+"pkg/contract"] {
		t.Error("the probe does not have the contract")
	}
}

// probeIgnores is what the image of the probe is not built from.
func probeIgnores(t *testing.T) *patternmatcher.PatternMatcher {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "cmd/probe/Dockerfile.dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return matcher
}

// TestImportersKnowFactsOnly: a reader of sources knows neither another reader nor
// the planner, and the planner knows no reader.
func TestImportersKnowFactsOnly(t *testing.T) {
	const importer, fact = module + "pkg/importer/", module + "pkg/importer/fact"
	sides := 0
	for _, p := range list(t) {
		if !strings.HasPrefix(p.ImportPath, importer) {
			continue
		}
		sides++
		for _, path := range p.Imports {
			if strings.HasPrefix(path+"/", importer) && path != fact {
				t.Errorf("%s may import %s only, and imports %s", p.ImportPath, fact, path)
			}
		}
	}
	if sides < 5 {
		t.Errorf("only %d packages below %s", sides, importer)
	}
}

// list is every package of the module.
func list(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,GoFiles,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
