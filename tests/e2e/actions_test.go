package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// actions runs a workflow of GitHub Actions as it is written: jobs in the order
// of their needs, each in a fresh folder, each step with its environment, and
// from job to job nothing but outputs and artifacts. It knows as much of
// GitHub's language as the workflows of runbake use, and fails on the rest.
type actions struct {
	repository string                       // that is checked out
	contexts   map[string]string            // values of expressions
	env        func(runner string) []string // of a machine
	without    []string                     // what steps start with that cannot run here

	artifacts map[string]string // folder by name
	results   map[string]string // success, failure or skipped, by name of job
}

type workflowFile struct {
	Env  map[string]string
	Jobs yaml.Node // in the order of the file
}

type workflowJob struct {
	Name     string
	Needs    string
	If       string
	Outputs  map[string]string
	Strategy struct{ Matrix string }
	RunsOn   string `yaml:"runs-on"`
	Env      map[string]string
	Steps    []workflowStep
}

type workflowStep struct {
	ID, Uses, Run, If string
	With, Env         map[string]string
}

// run runs all jobs of a workflow.
func (a *actions) run(t *testing.T, text []byte) {
	t.Helper()
	var file workflowFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	a.artifacts, a.results = map[string]string{}, map[string]string{}
	for i := 0; i < len(file.Jobs.Content); i += 2 {
		name := file.Jobs.Content[i].Value
		var job workflowJob
		if err := file.Jobs.Content[i+1].Decode(&job); err != nil {
			t.Fatal(err)
		}
		a.job(t, name, job, file.Env)
		a.contexts["needs."+name+".result"] = a.results[name]
		t.Logf("job %s: %s", name, a.results[name])
	}
}

// job runs a job for each row of its matrix.
func (a *actions) job(t *testing.T, name string, job workflowJob, env map[string]string) {
	t.Helper()
	switch job.If {
	case "":
		if job.Needs != "" && a.results[job.Needs] != "success" {
			a.results[name] = "skipped"
			return
		}
	case "${{ !cancelled() && needs.build.result != 'skipped' }}":
		if a.results["build"] == "skipped" {
			a.results[name] = "skipped"
			return
		}
	default:
		t.Fatalf("unknown condition %q", job.If)
	}
	a.results[name] = "success"
	for i, row := range a.rows(t, job.Strategy.Matrix) {
		contexts := maps.Clone(a.contexts)
		for key, value := range row {
			contexts["matrix."+key] = value
		}
		contexts["strategy.job-index"] = strconv.Itoa(i)
		r := &actionsMachine{actions: a, contexts: contexts, dir: t.TempDir(), home: t.TempDir()}
		r.env = a.env(r.value(t, job.RunsOn))
		r.setenv(t, env)
		r.setenv(t, job.Env)
		title := name
		if job.Name != "" {
			title = r.value(t, job.Name)
		}
		if !r.steps(t, title, job.Steps) {
			a.results[name] = "failure"
		}
		for key, value := range job.Outputs {
			a.contexts["needs."+name+".outputs."+key] = r.value(t, value)
		}
	}
}

// rows are the rows of a matrix; one without values when there is none.
func (a *actions) rows(t *testing.T, matrix string) []map[string]string {
	t.Helper()
	if matrix == "" {
		return []map[string]string{nil}
	}
	inner := regexp.MustCompile(`^\$\{\{ fromJSON\((.*)\) \}\}$`).FindStringSubmatch(matrix)
	if inner == nil {
		t.Fatalf("unknown matrix %q", matrix)
	}
	var rows struct{ Include []map[string]string }
	if err := json.Unmarshal([]byte(a.contexts[inner[1]]), &rows); err != nil {
		t.Fatalf("%s: %v", matrix, err)
	}
	return rows.Include
}

// actionsMachine is a fresh machine that runs one job.
type actionsMachine struct {
	*actions
	contexts map[string]string
	dir      string // of the job
	home     string
	env      []string
}

// value evaluates the expressions in a text. Secrets are empty here.
func (m *actionsMachine) value(t *testing.T, text string) string {
	t.Helper()
	return regexp.MustCompile(`\$\{\{ (.*?) \}\}`).ReplaceAllStringFunc(text, func(s string) string {
		name := s[len("${{ ") : len(s)-len(" }}")]
		value, known := m.contexts[name]
		if !known && !strings.HasPrefix(name, "secrets.") {
			t.Fatalf("unknown expression %s", s)
		}
		return value
	})
}

func (m *actionsMachine) setenv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(env)) {
		m.env = append(m.env, key+"="+m.value(t, env[key]))
	}
}

// steps runs the steps of a job, and reports whether all went well.
func (m *actionsMachine) steps(t *testing.T, title string, steps []workflowStep) bool {
	t.Helper()
	ok := true
	for _, s := range steps {
		switch s.If {
		case "":
			if !ok {
				continue
			}
		case "${{ !cancelled() }}":
		default:
			t.Fatalf("unknown condition %q", s.If)
		}
		err := m.step(t, title, s)
		if err != nil {
			t.Logf("%s: %v", title, err)
			ok = false
		}
	}
	return ok
}

func (m *actionsMachine) step(t *testing.T, title string, s workflowStep) error {
	t.Helper()
	if s.Run != "" {
		return m.command(t, title, s)
	}
	action, _, _ := strings.Cut(s.Uses, "@")
	switch action {
	case "actions/checkout":
		out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", "--depth=1", "file://"+m.repository, m.dir).CombinedOutput()
		if err != nil {
			return fmt.Errorf("checking out: %w\n%s", err, out)
		}
		return nil
	case "actions/upload-artifact":
		name := m.value(t, s.With["name"])
		if m.artifacts[name] != "" && s.With["overwrite"] != "true" {
			return fmt.Errorf("there is an artifact %s already", name)
		}
		text, err := os.ReadFile(filepath.Join(m.dir, s.With["path"]))
		if err != nil {
			return err
		}
		m.artifacts[name] = t.TempDir()
		return os.WriteFile(filepath.Join(m.artifacts[name], filepath.Base(s.With["path"])), text, 0o600)
	case "actions/download-artifact":
		for name, from := range m.artifacts {
			if matched, err := filepath.Match(s.With["pattern"], name); err != nil || !matched {
				continue
			}
			if err := os.CopyFS(filepath.Join(m.dir, s.With["path"], name), os.DirFS(from)); err != nil {
				return err
			}
		}
		return nil
	case "actions/setup-go", "docker/setup-buildx-action", "docker/setup-qemu-action", "sigstore/cosign-installer":
		return nil // the bench has it
	}
	t.Fatalf("unknown action %q", s.Uses)
	return nil
}

// command runs a command as GitHub does, and keeps the outputs of a step.
func (m *actionsMachine) command(t *testing.T, title string, s workflowStep) error {
	t.Helper()
	for _, part := range m.without {
		if strings.Contains(s.Run, part) {
			t.Logf("%s: NOT RUN, the bench has no %q: %s", title, strings.TrimSpace(part), s.Run)
			return nil
		}
	}
	t.Logf("%s$ %s", title, s.Run)
	output, summary := filepath.Join(m.home, "output"), filepath.Join(m.home, "summary")
	r := *m
	r.setenv(t, s.Env)
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", m.value(t, s.Run))
	cmd.Dir = m.dir
	cmd.Env = append(slices.Clone(r.env), "HOME="+m.home, "GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+summary)
	begin := time.Now()
	text, err := cmd.CombinedOutput()
	t.Logf("%s: %.1f s", title, time.Since(begin).Seconds())
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", s.Run, err, text[max(0, len(text)-4000):])
	}
	for file, use := range map[string]func(string){
		output: func(line string) {
			key, value, _ := strings.Cut(line, "=")
			m.contexts["steps."+s.ID+".outputs."+key] = value
		},
		summary: func(line string) { t.Logf("summary of %s: %s", title, line) },
	} {
		written, readErr := os.ReadFile(file)
		if os.IsNotExist(readErr) {
			continue
		}
		for line := range strings.Lines(string(written)) {
			use(strings.TrimSuffix(line, "\n"))
		}
		if removeErr := os.Remove(file); readErr != nil || removeErr != nil {
			t.Fatal(readErr, removeErr)
		}
	}
	return err
}
