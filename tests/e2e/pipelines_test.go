package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// pipelines runs a pipeline of GitLab as it is written: jobs in the order of
// their stages, each in a fresh folder, and from job to job nothing but
// artifacts. It knows as much of GitLab's language as the pipeline of runbake
// uses, and fails on the rest.
type pipelines struct {
	repository string
	rules      map[string]bool   // which conditions hold
	variables  map[string]string // that GitLab sets
	env        func(tag string) []string
	without    []string // what commands start with that cannot run here

	results map[string]string // success or failure, by name of job
	files   map[string][]byte // what jobs have left, by name
	jobs    int
}

type gitlabJob struct {
	Stage        string
	Tags         []string
	Rules        []gitlabRule
	Needs        []string
	Variables    map[string]string
	BeforeScript []string `yaml:"before_script"`
	Script       []string
	Artifacts    struct {
		Paths []string
		When  string
	}
	Parallel struct {
		Matrix []map[string][]string
	}
	Trigger struct{ Include []struct{ Artifact string } }
}

type gitlabRule struct {
	If, When string
	Exists   []string
}

// run runs all jobs of a pipeline, those of pipelines that it triggers too.
func (p *pipelines) run(t *testing.T, text []byte) {
	t.Helper()
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var head struct {
		Stages    []string
		Variables map[string]string
	}
	all := map[string]any{}
	if err := file.Decode(&head); err != nil {
		t.Fatal(err)
	}
	if err := file.Decode(&all); err != nil {
		t.Fatal(err)
	}
	if head.Stages == nil {
		head.Stages = []string{"test"}
	}
	failed := false
	for _, stage := range head.Stages {
		before := failed
		for i := 0; i < len(file.Content[0].Content); i += 2 {
			name := file.Content[0].Content[i].Value
			if strings.HasPrefix(name, ".") || slices.Contains([]string{"workflow", "stages", "variables"}, name) {
				continue
			}
			job := p.read(t, all, name)
			if job.Stage != stage || !p.wanted(t, job, before) {
				continue
			}
			p.results[name] = "success"
			for _, row := range rowsOf(job.Parallel.Matrix) {
				if !p.job(t, name, job, []map[string]string{head.Variables, job.Variables, row}) {
					p.results[name], failed = "failure", true
				}
			}
			t.Logf("job %s: %s", name, p.results[name])
		}
	}
}

// read is a job with what it extends.
func (p *pipelines) read(t *testing.T, all map[string]any, name string) gitlabJob {
	t.Helper()
	text, err := yaml.Marshal(extended(t, all, name))
	if err != nil {
		t.Fatal(err)
	}
	job := gitlabJob{Stage: "test"}
	if err := yaml.Unmarshal(text, &job); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return job
}

// extended lays a job over those that it extends: maps are merged, everything
// else is replaced.
func extended(t *testing.T, all map[string]any, name string) map[string]any {
	t.Helper()
	job, ok := all[name].(map[string]any)
	if !ok {
		t.Fatalf("there is no job %q", name)
	}
	merged := map[string]any{}
	parents, several := job["extends"].([]any)
	if !several && job["extends"] != nil {
		parents = []any{job["extends"]}
	}
	for _, layer := range append(parents, nil) {
		from := job
		if layer != nil {
			from = extended(t, all, fmt.Sprint(layer))
		}
		for key, value := range from {
			under, isMap := merged[key].(map[string]any)
			over, overMap := value.(map[string]any)
			if isMap && overMap {
				value = maps.Clone(under)
				maps.Copy(value.(map[string]any), over)
			}
			merged[key] = value
		}
	}
	return merged
}

// wanted reports whether a job runs in this pipeline.
func (p *pipelines) wanted(t *testing.T, job gitlabJob, failed bool) bool {
	t.Helper()
	if len(job.Rules) == 0 {
		return !failed // a pipeline that another one triggers
	}
	for _, r := range job.Rules {
		holds, known := p.rules[r.If]
		if !known || r.When != "" && r.When != "always" {
			t.Fatalf("unknown rule %+v", r)
		}
		missing := slices.ContainsFunc(r.Exists, func(name string) bool {
			_, err := os.Stat(filepath.Join(p.repository, name))
			return err != nil
		})
		if holds && !missing {
			return !failed || r.When == "always"
		}
	}
	return false
}

func rowsOf(matrix []map[string][]string) []map[string]string {
	rows := []map[string]string{}
	for _, m := range matrix {
		for name, values := range m {
			for _, value := range values {
				rows = append(rows, map[string]string{name: value})
			}
		}
	}
	if len(rows) == 0 {
		rows = append(rows, nil)
	}
	return rows
}

// job runs one job, and reports whether it went well.
func (p *pipelines) job(t *testing.T, name string, job gitlabJob, layers []map[string]string) bool {
	t.Helper()
	if len(job.Trigger.Include) > 0 {
		child := *p
		child.results = map[string]string{}
		child.run(t, p.files[job.Trigger.Include[0].Artifact])
		p.jobs = child.jobs
		for job, result := range child.results {
			p.results[name+": "+job] = result
		}
		return !slices.Contains(slices.Collect(maps.Values(child.results)), "failure")
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", "file://"+p.repository, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for file, text := range p.files {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.jobs++
	values := map[string]string{"CI_JOB_ID": strconv.Itoa(p.jobs)}
	maps.Copy(values, p.variables)
	for _, layer := range layers {
		for key, value := range layer {
			values[key] = os.Expand(value, func(v string) string {
				if v == "$" {
					return v
				}
				return values[v]
			})
		}
	}
	ok := p.commands(t, name, dir, values[strings.TrimPrefix(job.Tags[0], "$")], values, slices.Concat(job.BeforeScript, job.Script))
	if ok || job.Artifacts.When == "always" {
		p.keep(t, dir, job.Artifacts.Paths)
	}
	return ok
}

// commands runs what a job does, as GitLab does.
func (p *pipelines) commands(t *testing.T, name, dir, tag string, values map[string]string, commands []string) bool {
	t.Helper()
	var script []string
	for _, c := range commands {
		if i := slices.IndexFunc(p.without, func(part string) bool { return strings.Contains(c, part) }); i >= 0 {
			t.Logf("%s: NOT RUN, the bench has no %q: %s", name, p.without[i], c)
			continue
		}
		script = append(script, c)
	}
	t.Logf("%s (%s)$ %s", name, values["TARGETS"], strings.Join(script, "; "))
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.Join(script, "\n"))
	cmd.Dir = dir
	cmd.Env = p.env(tag)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		cmd.Env = append(cmd.Env, key+"="+values[key])
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%s: %v\n%s", name, err, out[max(0, len(out)-4000):])
	}
	return err == nil
}

// keep keeps the artifacts of a job.
func (p *pipelines) keep(t *testing.T, dir string, patterns []string) {
	t.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if p.files[filepath.Base(name)] == nil {
				p.files[filepath.Base(name)] = text
			}
		}
	}
}
