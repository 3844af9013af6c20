package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// gitlabRehearsal runs the pipeline of GitLab for a merge request and for a
// release, as runbake writes it for a smaller copy of this repository.
func gitlabRehearsal(t *testing.T, s *stack, signing *signer, machines map[string][]string) {
	t.Helper()
	repository, registry := repositoryCopy(t), s.Registry()+"/gitlab"
	keepRuntimes(t, repository, "debian", "perl")
	replaceIn(t, filepath.Join(repository, "runbake.hcl"), "project {\n", "project {\n  workflows = [\"gitlab\"]\n")
	for _, command := range []string{"generate", "workflow"} {
		if out, stderr, err := s.runIn(t, repository, nil, command); err != nil {
			t.Fatalf("%v\n%s%s", err, out, stderr)
		}
	}
	git(t, repository, "add", "--all")
	git(t, repository, "commit", "--quiet", "--message=for GitLab")
	text, err := os.ReadFile(filepath.Join(repository, ".gitlab-ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	request, tagged := `$CI_PIPELINE_SOURCE == "merge_request_event"`, `$CI_COMMIT_TAG =~ /^v/`
	pipeline := func(t *testing.T, holds string, variables map[string]string) *pipelines {
		t.Helper()
		rules := map[string]bool{
			request: false, tagged: false, `$CI_PIPELINE_SOURCE == "web" && $CI_COMMIT_REF_PROTECTED == "true"`: false,
			`$CI_PIPELINE_SOURCE == "schedule" && $LOCK_TOKEN`: false,
		}
		rules[holds] = true
		p := &pipelines{
			repository: repository, rules: rules, variables: variables, results: map[string]string{}, files: map[string][]byte{},
			env: func(tag string) []string {
				machine := map[string]string{"saas-linux-small-amd64": "ubuntu-24.04", "saas-linux-small-arm64": "ubuntu-24.04-arm"}[tag]
				return slices.Concat([]string{"PATH=" + programs(t, s.Bench, signing) + ":" + os.Getenv("PATH"), "REGISTRY=" + registry}, signing.env(), machines[machine])
			},
			without: []string{"go install ", "docker login ", "crane auth login ", "buildx create "},
		}
		p.run(t, text)
		return p
	}

	t.Run("release", func(t *testing.T) {
		p := pipeline(t, tagged, map[string]string{"CI_COMMIT_SHA": "0123abc", "CI_COMMIT_TAG": "v1"})
		for _, job := range []string{"build on linux/amd64", "build on linux/arm64", "publish", "sign"} {
			if p.results[job] != "success" {
				t.Fatalf("jobs: %v", p.results)
			}
		}
		t.Logf("%s", p.files["summary.md"])
		if got := strings.Count(string(p.files["summary.md"]), " published |"); got != 2 || len(p.results) != 4 {
			t.Errorf("%d images are published, by %v", got, p.results)
		}
		for _, image := range []string{"perl-runtime:5.36", "debian-base:12"} {
			if err := signing.verify(t.Context(), registry+"/"+image); err != nil {
				t.Errorf("%s is not signed: %v", image, err)
			}
		}
	})

	t.Run("merge request", func(t *testing.T) {
		replaceIn(t, filepath.Join(repository, "runtimes/debian/Dockerfile"), "\nEXPOSE ", "\nLABEL changed=yes\nEXPOSE ")
		git(t, repository, "commit", "--quiet", "--all", "--message=change")
		base, err := exec.CommandContext(t.Context(), "git", "-C", repository, "rev-parse", "HEAD~1").Output()
		if err != nil {
			t.Fatal(err)
		}
		p := pipeline(t, request, map[string]string{"CI_MERGE_REQUEST_DIFF_BASE_SHA": strings.TrimSpace(string(base))})
		for _, job := range []string{"check", "affected", "test", "test: test on linux/amd64", "test: test on linux/arm64"} {
			if p.results[job] != "success" {
				t.Errorf("%s: %q", job, p.results[job])
			}
		}
		if got := strings.Count(string(p.files["affected.yml"]), "- \"debian-12\"\n"); got != 2 || len(p.results) != 5 || p.jobs != 4 {
			t.Errorf("%d jobs for debian-12, %d in all: %v\n%s", got, p.jobs, p.results, p.files["affected.yml"])
		}
	})
}

// keepRuntimes removes all runtimes of a copy but for some.
func keepRuntimes(t *testing.T, repository string, kept ...string) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(repository, "runtimes/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if slices.Contains(kept, filepath.Base(f)) {
			keepFirst(t, filepath.Join(f, "runtime.hcl"))
			continue
		}
		if err := os.RemoveAll(f); err != nil {
			t.Fatal(err)
		}
	}
}

// versionBlocks are the versions of a definition of this repository.
var versionBlocks = regexp.MustCompile(`(?s)\n\n  version "[^"]+" \{\n.*?\n  \}`)

// keepFirst removes all versions of a definition but the first one.
func keepFirst(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	write(t, name, versionBlocks.ReplaceAllStringFunc(string(text), func(block string) string {
		if seen++; seen > 1 {
			return ""
		}
		return block
	}))
}
