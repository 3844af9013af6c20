package workflow_test

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/workflow"
)

// document is as much of a workflow as the tests look at.
type document struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Timeout     int `yaml:"timeout-minutes"`
		Steps       []struct {
			Uses, Run string
			Env       map[string]string
		}
	}
}

// read makes the workflows of a repository.
func read(t *testing.T, r workflow.Repository) (texts map[string]string, docs map[string]document) {
	t.Helper()
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	texts, docs = map[string]string{}, map[string]document{}
	for _, f := range files {
		name := path.Base(f.Name)
		var d document
		if err := yaml.Unmarshal(f.Text, &d); err != nil {
			t.Fatalf("%s: %v\n%s", f.Name, err, f.Text)
		}
		texts[name], docs[name] = string(f.Text), d
	}
	return texts, docs
}

func repositories() map[string]workflow.Repository {
	github := []string{workflow.GitHub}
	both := []string{"linux/amd64", "linux/arm64"}
	return map[string]workflow.Repository{
		"GitHub":   {Services: github, Registry: "ghcr.io/acme", Platforms: both, Version: "v1.2.3"},
		"Hub":      {Services: github, Registry: "acme", Platforms: both},
		"own":      {Services: github, Registry: "docker.io/runbake", Platforms: both, Own: true},
		"emulated": {Services: github, Registry: "localhost:5000/x", Platforms: []string{"linux/riscv64"}},
	}
}

// TestLeast: pull requests have no secrets and may only read; in a release only
// jobs that push may write packages, and only where GitHub is the registry, and
// only the one that signs has a token to say who it is. The lock may be changed
// by a request only.
func TestLeast(t *testing.T) {
	for name, r := range repositories() {
		texts, docs := read(t, r)
		if strings.Contains(texts["test.yml"], "secrets.") || strings.Contains(texts["test.yml"], "write") {
			t.Errorf("%s: test.yml has secrets, or may write", name)
		}
		if got := fmt.Sprint(docs["test.yml"].Permissions); got != "map[contents:read]" {
			t.Errorf("%s: test.yml has %s", name, got)
		}
		want := map[string]string{"plan": "map[contents:read]", "build": "map[contents:read]", "publish": "map[contents:read id-token:write]"}
		if name == "GitHub" {
			want["build"], want["publish"] = "map[contents:read packages:write]", "map[contents:read id-token:write packages:write]"
		}
		for _, file := range []string{"release.yml", "lock.yml"} {
			if got := docs[file].Permissions; got == nil || len(got) > 0 {
				t.Errorf("%s: %s has %v, want none", name, file, got)
			}
		}
		if got := fmt.Sprint(docs["lock.yml"].Jobs["update"].Permissions); got != "map[contents:write pull-requests:write]" || len(docs["lock.yml"].Jobs) != 1 {
			t.Errorf("%s: lock.yml has %s", name, got)
		}
		for job, permissions := range want {
			if got := fmt.Sprint(docs["release.yml"].Jobs[job].Permissions); got != permissions {
				t.Errorf("%s: %s has %s, want %s", name, job, got, permissions)
			}
		}
	}
}

// TestPinned: actions of others are named by commit, with the version beside it, and
// every job ends.
func TestPinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for name, r := range repositories() {
		texts, docs := read(t, r)
		for file, text := range texts {
			for line := range strings.Lines(text) {
				if _, uses, found := strings.Cut(strings.TrimSpace(line), "uses: "); found && uses != workflow.Setup && !pinned.MatchString(uses) {
					t.Errorf("%s: %s: %q is not pinned", name, file, uses)
				}
			}
			for job, j := range docs[file].Jobs {
				if j.Timeout == 0 {
					t.Errorf("%s: %s: %s has no timeout", name, file, job)
				}
			}
		}
	}
}

func hostile() []string {
	return []string{
		"${{ secrets.REGISTRY_PASSWORD }}", "$${{ github.token }}", "x${{", "\"", "'", "a\"\nrun: evil", "a\n      - run: evil\n",
		"# no", "[[ .Own ]]", "\\", "\u2028", "a\x00b", "x: y", "& * ! |", "<a&b>", "ümlaut", "$(evil)", "`evil`", "$CI_JOB_TOKEN", "$$x", "${x}",
	}
}

// TestHostile: what comes from definitions is a value and nothing else,
// whatever is in it.
func TestHostile(t *testing.T) {
	for _, text := range hostile() {
		benign := workflow.Repository{Services: []string{workflow.GitHub}, Registry: "registry.example/x", Version: "(devel)"}
		_, want := read(t, benign)
		texts, got := read(t, workflow.Repository{Services: []string{workflow.GitHub}, Registry: text, Version: text})
		for file, d := range want {
			for job, j := range d.Jobs {
				if len(got[file].Jobs) != len(d.Jobs) || len(got[file].Jobs[job].Steps) != len(j.Steps) {
					t.Fatalf("%q changes the steps of %s:\n%s", text, file, texts[file])
				}
				for i, s := range j.Steps {
					check := func(value, benign, instead string) {
						t.Helper()
						// What GitHub makes of the expression for an opening of one.
						value = strings.ReplaceAll(value, "${{ '${{' }}", "\x01{{")
						if instead != benign && strings.Contains(value, "${{") {
							t.Errorf("%q is an expression in %s", text, file)
						}
						if value = strings.ReplaceAll(value, "\x01", "$"); value != instead {
							t.Errorf("%q in %s is %q, want %q", text, file, value, instead)
						}
					}
					now := got[file].Jobs[job].Steps[i]
					check(now.Run, s.Run, s.Run)
					check(now.Env["REGISTRY_HOST"], s.Env["REGISTRY_HOST"], strings.ReplaceAll(s.Env["REGISTRY_HOST"], "registry.example", text))
				}
			}
		}
	}
}
