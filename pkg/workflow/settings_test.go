package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/workflow"
)

// TestRunners: the longest beginning of a platform wins, and where nothing names a
// machine the service has one, or the one of amd64 emulates it.
func TestRunners(t *testing.T) {
	arm := map[string][]string{"linux/arm64": {"self-hosted", "arm"}}
	all := map[string][]string{"linux": {"any"}, "linux/arm": {"board"}, "linux/arm/v6": {"old"}}
	for _, c := range []struct {
		runners  map[string][]string
		platform string
		want     string
		emulated bool
	}{
		{nil, "linux/amd64", "ubuntu-24.04", false},
		{nil, "linux/arm64", "ubuntu-24.04-arm", false},
		{nil, "linux/riscv64", "ubuntu-24.04", true},
		{arm, "linux/amd64", "ubuntu-24.04", false},
		{arm, "linux/arm64", "self-hosted arm", false},
		{arm, "linux/s390x", "ubuntu-24.04", true},
		{all, "linux/amd64", "any", false},
		{all, "linux/arm64", "any", true},
		{all, "linux/arm/v7", "board", false},
		{all, "linux/arm/v6", "old", false},
		{all, "windows/amd64", "any", true},
		{map[string][]string{"linux/amd64": {"mine"}}, "linux/riscv64", "mine", true},
	} {
		r := workflow.Repository{
			Services: []string{workflow.GitHub}, Registry: "ghcr.io/acme", Platforms: []string{c.platform},
			Settings: workflow.Settings{Runners: c.runners},
		}
		if got := strings.Join(r.GitHub(c.platform), " "); got != c.want || r.Emulated() != c.emulated {
			t.Errorf("%v: %s is built on %s, emulated %v", c.runners, c.platform, got, r.Emulated())
		}
	}
}

// settings are those of a project that has its own of everything.
var settings = workflow.Settings{
	Runners:  map[string][]string{"linux": {"self-hosted", "x64"}, "linux/arm64": {"arm"}},
	Branches: []string{"main", "release/*"}, MergeGroup: true, Schedule: "17 3 * * 1", LoginTests: true, Site: true,
}

// TestGitHubSettings: what a project says of its workflows is in them, and what it
// does not say is not.
func TestGitHubSettings(t *testing.T) {
	r := repositories()["GitHub"]
	plain, _ := read(t, r)
	r.Settings = settings
	texts, _ := read(t, r)
	for _, c := range []struct{ file, line string }{
		{"test.yml", "  push:\n    branches: [\"main\",\"release/*\"]\n  merge_group:\n"},
		{"test.yml", "cancel-in-progress: ${{ github.event_name == 'pull_request' }}"},
		{"test.yml", "          SINCE: ${{ github.base_ref && format('origin/{0}', github.base_ref) || github.event.merge_group.base_sha || github.event.before }}\n"},
		{"test.yml", "    permissions:\n      contents: read\n      packages: read\n"},
		{"test.yml", "docker login \"$REGISTRY_HOST\""},
		{"release.yml", "  schedule: # everything anew, without caches: packages that have been fixed since come in\n    - cron: \"17 3 * * 1\"\n"},
		{"release.yml", "  REVISION: ${{ github.event_name != 'schedule' && github.sha || '' }} # its tag never moves\n"},
		{"release.yml", "--metadata-file metadata.json ${{ github.event_name == 'schedule' && '--no-cache' || '' }} $TARGETS\n"},
		{"release.yml", "      - run: runbake site --out site --query-registry\n      - uses: actions/upload-pages-artifact@"},
		{"lock.yml", "    runs-on: [\"self-hosted\",\"x64\"]\n"},
	} {
		if !strings.Contains(texts[c.file], c.line) {
			t.Errorf("%s has no %q:\n%s", c.file, c.line, texts[c.file])
		}
		if strings.Contains(plain[c.file], c.line) {
			t.Errorf("%s has %q without settings", c.file, c.line)
		}
	}
	for name, text := range texts {
		if strings.Contains(text, "runs-on: ubuntu") {
			t.Errorf("%s has a machine of GitHub's", name)
		}
	}
	for _, login := range []workflow.Settings{{NoLogin: true}, {}, {LoginTests: true}} {
		r.Settings = login
		texts, _ := read(t, r)
		got := fmt.Sprint(strings.Contains(texts["release.yml"], "docker login"), strings.Contains(texts["test.yml"], "docker login"))
		if want := fmt.Sprint(!login.NoLogin, login.LoginTests); got != want {
			t.Errorf("%+v: logs in to release and test: %s, want %s", login, got, want)
		}
	}
}

// TestPassed: one job says whether all that must pass did.
func TestPassed(t *testing.T) {
	texts, _ := read(t, repositories()["GitHub"])
	var doc struct {
		Jobs map[string]struct {
			Needs any
			If    string
			Steps []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(texts["test.yml"]), &doc); err != nil {
		t.Fatal(err)
	}
	var others []string
	for name := range doc.Jobs {
		if name != "passed" {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	passed := doc.Jobs["passed"]
	needs, _ := passed.Needs.([]any)
	var names []string
	for _, n := range needs {
		names = append(names, fmt.Sprint(n))
	}
	slices.Sort(names)
	if passed.If != "always()" || !slices.Equal(names, others) {
		t.Errorf("passed runs if %s, and needs %v of %v", passed.If, names, others)
	}
}

// TestGitLabSettings: likewise for GitLab.
func TestGitLabSettings(t *testing.T) {
	r := releaseOf("registry.example/x")
	r.Services, r.Settings = []string{workflow.GitLab}, settings
	p := gitlab(t, r)
	want := map[string]string{"RUNNER_LINUX_AMD64": "self-hosted", "RUNNER_LINUX_AMD64_2": "x64", "RUNNER_LINUX_ARM64": "arm"}
	for name, tag := range want {
		if p.Variables[name] != tag {
			t.Errorf("%s is %q, want %q", name, p.Variables[name], tag)
		}
	}
	if got := fmt.Sprint(p.Jobs["build on linux/amd64"].Tags); got != "[$RUNNER_LINUX_AMD64 $RUNNER_LINUX_AMD64_2]" {
		t.Errorf("built on %s", got)
	}
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	text := string(files[len(files)-1].Text)
	for _, line := range []string{
		`    - if: $CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "main"`,
		`    - if: $CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH =~ /^release\/[^/]*$/`,
		"    - SINCE=${CI_MERGE_REQUEST_DIFF_BASE_SHA:-$CI_COMMIT_BEFORE_SHA}",
		`    - if: $CI_PIPELINE_SOURCE == "schedule" && $REBUILD`,
		`${REBUILD:+--no-cache} $TARGETS`,
		`    - runbake site --out "$CI_PROJECT_DIR/public" --query-registry`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q:\n%s", line, text)
		}
	}
	child, err := r.Child()
	if err != nil || !strings.Contains(string(child), `docker login "$REGISTRY_HOST"`) || !strings.Contains(string(child), `REGISTRY_HOST: "registry.example"`) {
		t.Errorf("%v\n%s", err, child)
	}
	r.Settings = workflow.Settings{NoLogin: true}
	if files, err = r.Files(); err != nil || strings.Contains(string(files[len(files)-1].Text), "login") {
		t.Errorf("logs in: %v\n%s", err, files[len(files)-1].Text)
	}
}
