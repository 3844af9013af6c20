package workflow_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/workflow"
)

// pipeline is a pipeline of GitLab.
type pipeline struct {
	Workflow  struct{ Rules []map[string]any }
	Stages    []string
	Variables map[string]string
	Jobs      map[string]gitlabJob `yaml:",inline"`
}

// gitlabJob is a job as GitLab knows it: another key is an error here.
type gitlabJob struct {
	Extends      any
	Stage        string
	Image        string
	Services     []map[string]any
	Tags         []string
	Timeout      string
	Rules        []map[string]any
	Needs        []string
	Variables    map[string]string
	BeforeScript []string `yaml:"before_script"`
	Script       []string
	AfterScript  []string `yaml:"after_script"`
	Artifacts    struct {
		Paths    []string
		When     string
		ExpireIn string `yaml:"expire_in"`
	}
	Parallel struct {
		Matrix []map[string][]string
	}
	Trigger struct {
		Include  []map[string]string
		Strategy string
	}
	IDTokens      map[string]map[string]string `yaml:"id_tokens"`
	ResourceGroup string                       `yaml:"resource_group"`
	Interruptible bool
}

func readPipeline(t *testing.T, text []byte) pipeline {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	var p pipeline
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// gitlab makes the pipeline of a repository.
func gitlab(t *testing.T, r workflow.Repository) pipeline {
	t.Helper()
	r.Services = []string{workflow.GitLab}
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name != ".gitlab-ci.yml" || !bytes.HasPrefix(files[0].Text, []byte("# Written by runbake workflow")) {
		t.Fatalf("files: %v", files)
	}
	return readPipeline(t, files[0].Text)
}

// inherited are a job and all that it extends, itself first.
func (p pipeline) inherited(t *testing.T, name string) []gitlabJob {
	t.Helper()
	j, found := p.Jobs[name]
	if !found {
		t.Fatalf("there is no job %q", name)
	}
	all := []gitlabJob{j}
	switch parents := j.Extends.(type) {
	case string:
		all = append(all, p.inherited(t, parents)...)
	case []any:
		for _, parent := range slices.Backward(parents) { // the last one wins
			all = append(all, p.inherited(t, fmt.Sprint(parent))...)
		}
	}
	return all
}

// first is what the nearest of some jobs says.
func first[T any](jobs []gitlabJob, of func(gitlabJob) T, given func(T) bool) (value T) {
	for _, j := range jobs {
		if value = of(j); given(value) {
			return value
		}
	}
	return value
}

func (p pipeline) stage(t *testing.T, job string) int {
	t.Helper()
	stage := first(p.inherited(t, job), func(j gitlabJob) string { return j.Stage }, func(s string) bool { return s != "" })
	return slices.Index(append([]string{".pre"}, p.Stages...), stage)
}

func releaseOf(registry string) workflow.Repository {
	return workflow.Repository{Registry: registry, Platforms: []string{"linux/amd64", "linux/arm64", "linux/riscv64"}, Jobs: []workflow.Job{
		{Platform: "linux/amd64", Targets: "node-24 test-node-24"},
		{Platform: "linux/amd64", Targets: "debian-12"},
		{Platform: "linux/arm64", Targets: "node-24 test-node-24"},
		{Platform: "linux/riscv64", Targets: "debian-12"},
	}}
}

// TestPipeline: every job has a stage, a machine, an image and an end; what it
// needs is there, and so is what it reads of others; and what is built is what
// the definitions say.
func TestPipeline(t *testing.T) {
	p := gitlab(t, releaseOf("registry.gitlab.com/acme/runtimes"))
	built := map[string][]string{}
	for name, j := range p.Jobs {
		all := p.inherited(t, name)
		if strings.HasPrefix(name, ".") {
			continue
		}
		if p.stage(t, name) < 1 {
			t.Errorf("%s has no stage", name)
		}
		for _, need := range j.Needs {
			if p.stage(t, need) > p.stage(t, name) {
				t.Errorf("%s needs %s, which comes later", name, need)
			}
		}
		if len(j.Trigger.Include) == 0 {
			tags := first(all, func(j gitlabJob) []string { return j.Tags }, func(s []string) bool { return s != nil })
			if len(tags) != 1 || p.Variables[strings.TrimPrefix(tags[0], "$")] == "" {
				t.Errorf("%s has machines %q", name, tags)
			}
			image := first(all, func(j gitlabJob) string { return j.Image }, func(s string) bool { return s != "" })
			timeout := first(all, func(j gitlabJob) string { return j.Timeout }, func(s string) bool { return s != "" })
			script := first(all, func(j gitlabJob) []string { return j.Script }, func(s []string) bool { return s != nil })
			if image == "" || timeout == "" || len(script) == 0 {
				t.Errorf("%s: image %q, timeout %q, script %q", name, image, timeout, script)
			}
		}
		if rules := first(all, func(j gitlabJob) []map[string]any { return j.Rules }, func(r []map[string]any) bool { return r != nil }); len(rules) == 0 {
			t.Errorf("%s has no rules: it would run in every pipeline", name)
		}
		for _, row := range j.Parallel.Matrix {
			built[j.Variables["PLATFORM"]] = append(built[j.Variables["PLATFORM"]], row["TARGETS"]...)
		}
	}
	if got, want := fmt.Sprint(built), "map[linux/amd64:[node-24 test-node-24 debian-12] linux/arm64:[node-24 test-node-24] linux/riscv64:[debian-12]]"; got != want {
		t.Errorf("built: %s, want %s", got, want)
	}
	include := p.Jobs["test"].Trigger.Include
	if len(include) != 1 || !slices.Contains(p.Jobs[include[0]["job"]].Artifacts.Paths, include[0]["artifact"]) || !slices.Contains(p.Jobs["test"].Needs, include[0]["job"]) {
		t.Errorf("the tests are those of %v", include)
	}
	for _, c := range []struct{ makes, file, reads, command string }{
		{"affected", "affected.yml", "affected", "> affected.yml"},
		{".build", "metadata-*.json", ".build", "metadata-$CI_JOB_ID.json"},
		{".build", "metadata-*.json", "publish", "'metadata-*.json'"},
		{"publish", "published.txt", "publish", "--digest-file published.txt"},
		{"publish", "published.txt", "sign", "cosign sign --yes < published.txt"},
		{"publish", "published.txt", "sign", "< published.txt"},
	} {
		if !slices.Contains(p.Jobs[c.makes].Artifacts.Paths, c.file) || !strings.Contains(strings.Join(p.Jobs[c.reads].Script, "\n"), c.command) {
			t.Errorf("%s is to make %s, and %s to have %q", c.makes, c.file, c.reads, c.command)
		}
	}
	if when := p.Jobs["publish"].Artifacts.When; when != "always" {
		t.Errorf("what is published is signed %q, want always", when)
	}
}

// TestGitLabLeast: only the job that signs can say who it is, and jobs for merge
// requests have no password.
func TestGitLabLeast(t *testing.T) {
	for _, registry := range []string{"registry.gitlab.com/acme", "registry.example/acme"} {
		p := gitlab(t, releaseOf(registry))
		for name, j := range p.Jobs {
			if got := fmt.Sprint(j.IDTokens); got != "map[]" && (name != "sign" || got != "map[SIGSTORE_ID_TOKEN:map[aud:sigstore]]") {
				t.Errorf("%s has %s", name, got)
			}
			request := strings.Contains(fmt.Sprint(first(p.inherited(t, name), func(j gitlabJob) []map[string]any { return j.Rules },
				func(r []map[string]any) bool { return r != nil })), "merge_request_event")
			for _, part := range p.inherited(t, name) {
				all := fmt.Sprint(part.Variables, part.BeforeScript, part.Script)
				if request && (strings.Contains(all, "PASSWORD") || strings.Contains(all, "TOKEN")) {
					t.Errorf("%s has a password", name)
				}
			}
		}
		want := map[string]string{"registry.gitlab.com/acme": "$CI_REGISTRY_PASSWORD", "registry.example/acme": ""}[registry]
		if got := p.Jobs[".release"].Variables["REGISTRY_PASSWORD"]; got != want {
			t.Errorf("%s: the password is %q, want %q", registry, got, want)
		}
	}
}

// TestChild: what is touched becomes jobs; GitLab takes no pipeline without any,
// and no matrix of more than 200.
func TestChild(t *testing.T) {
	var many []workflow.Job
	for i := range 450 {
		many = append(many, workflow.Job{Platform: "linux/arm64", Targets: fmt.Sprintf("node-%d", i)})
	}
	for name, c := range map[string]struct {
		jobs []workflow.Job
		want map[string]int
		tags string
	}{
		"none": {nil, map[string]int{"nothing is touched": 0}, "map[RUNNER_LINUX_AMD64:mine]"},
		"two": {
			[]workflow.Job{{Platform: "linux/amd64", Targets: "a test-a"}, {Platform: "linux/arm/v7", Targets: "a test-a"}},
			map[string]int{".test": 0, "test on linux/amd64": 1, "test on linux/arm/v7": 1},
			"map[RUNNER_LINUX_AMD64:mine RUNNER_LINUX_ARM_V7:mine]",
		},
		"many": {
			many,
			map[string]int{".test": 0, "test on linux/arm64, part 1": 200, "test on linux/arm64, part 2": 200, "test on linux/arm64, part 3": 50},
			"map[RUNNER_LINUX_AMD64:mine RUNNER_LINUX_ARM64:saas-linux-small-arm64]",
		},
	} {
		text, err := workflow.Repository{
			Jobs: c.jobs, Settings: workflow.Settings{Runners: map[string][]string{"linux/amd64": {"mine"}}},
		}.Child()
		if err != nil {
			t.Fatal(err)
		}
		p := readPipeline(t, text)
		got := map[string]int{}
		for job, j := range p.Jobs {
			got[job] = 0
			for _, row := range j.Parallel.Matrix {
				got[job] += len(row["TARGETS"])
			}
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v\n%s", name, got, c.want, text)
		}
		if tags := fmt.Sprint(p.Variables); tags != c.tags {
			t.Errorf("%s: %s, want %s", name, tags, c.tags)
		}
		if len(p.Workflow.Rules) != 1 {
			t.Errorf("%s: the jobs would not run for a merge request", name)
		}
	}
}

// TestGitLabHostile: what comes from definitions is a value and nothing else.
func TestGitLabHostile(t *testing.T) {
	want := gitlab(t, releaseOf("registry.example/x"))
	for _, text := range hostile() {
		r := releaseOf(text)
		r.Version = text
		r.Jobs[0].Targets = text
		got := gitlab(t, r)
		if !slices.Equal(slices.Sorted(maps.Keys(got.Jobs)), slices.Sorted(maps.Keys(want.Jobs))) {
			t.Fatalf("%q changes the jobs", text)
		}
		expanded := strings.ReplaceAll(text, "$", "$$")
		for name, value := range map[string]string{
			"host": got.Jobs[".release"].Variables["REGISTRY_HOST"], "targets": got.Jobs["build on linux/amd64"].Parallel.Matrix[0]["TARGETS"][0],
		} {
			if value != expanded {
				t.Errorf("%q: the %s is %q", text, name, value)
			}
		}
		if install := got.Jobs[".runbake"].BeforeScript; len(install) != 1 || !strings.HasSuffix(install[0], "@latest") {
			t.Errorf("%q: installed by %q", text, install)
		}
		for name, j := range want.Jobs {
			if !slices.Equal(j.Script, got.Jobs[name].Script) {
				t.Errorf("%q changes what %s does", text, name)
			}
		}
	}
}

// TestVersions: the programs of the pipeline are of the versions that runbake is
// built of and tested with.
func TestVersions(t *testing.T) {
	var modules strings.Builder
	for _, name := range []string{"../../go.mod", "../../.github/tools/cosign/go.mod"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		modules.Write(text)
	}
	versions := regexp.MustCompile(`moby/buildkit:(\S+)|golang:([0-9.]+)-|(\S+)/cmd/(?:cosign|crane)@(\S+)|cosign-release: (\S+)`)
	found := 0
	for _, name := range []string{"gitlab-ci.yml", "gitlab-parts.yml", "release.yml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range versions.FindAllStringSubmatch(string(text), -1) {
			found++
			var line string
			switch {
			case m[1] != "":
				line = "github.com/moby/buildkit " + m[1]
			case m[2] != "":
				line = "go " + m[2]
			case m[4] != "":
				line = m[3] + " " + m[4]
			default:
				line = "github.com/sigstore/cosign/v3 " + m[5]
			}
			if !strings.Contains(modules.String(), line) {
				t.Errorf("%s has %s, which go.mod has not", name, line)
			}
		}
	}
	if found != 7 {
		t.Errorf("%d versions found, want 7", found)
	}
}
