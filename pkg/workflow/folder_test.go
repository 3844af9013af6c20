package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/workflow"
)

// below is a repository whose definitions are in a folder with a hard name.
func below(services ...string) workflow.Repository {
	r := releaseOf("ghcr.io/acme")
	r.Services, r.Folder, r.Submodules, r.LFS = services, "services/bob's $x", true, true
	return r
}

// TestFolder: steps work in the folder, what actions read and write is there, and
// checkouts have what the folder needs.
func TestFolder(t *testing.T) {
	files, err := below(workflow.GitHub).Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if h, ok := workflow.ReadHeader(f.Text); !ok || h.Folder != "services/bob's $x" {
			t.Errorf("%s was written for %q, %v", f.Name, h.Folder, ok)
		}
		var d struct {
			Defaults struct {
				Run map[string]string `yaml:"run"`
			} `yaml:"defaults"`
			Jobs map[string]struct {
				Steps []struct {
					Uses, If string
					With     map[string]any
				}
			}
		}
		if err := yaml.Unmarshal(f.Text, &d); err != nil {
			t.Fatalf("%s: %v\n%s", f.Name, err, f.Text)
		}
		if got := d.Defaults.Run["working-directory"]; got != "services/bob's $x" {
			t.Errorf("%s: steps run in %q", f.Name, got)
		}
		for name, job := range d.Jobs {
			for _, s := range job.Steps {
				action, _, _ := strings.Cut(s.Uses, "@")
				switch action {
				case "actions/checkout":
					if s.With["submodules"] != "recursive" || s.With["lfs"] != true {
						t.Errorf("%s: %s checks out %v", f.Name, name, s.With)
					}
				case "actions/upload-artifact":
					if s.With["path"] != "services/bob's $x/metadata.json" {
						t.Errorf("%s: %s keeps %v", f.Name, name, s.With)
					}
				case "actions/download-artifact":
					if s.With["path"] != "services/bob's $x/built" {
						t.Errorf("%s: %s gets %v", f.Name, name, s.With)
					}
				}
				if strings.Contains(s.If, "hashFiles") && s.If != "hashFiles('services/bob''s $x/runbake.lock.hcl') != ''" {
					t.Errorf("%s: %s looks for %s", f.Name, name, s.If)
				}
			}
		}
	}
}

// TestHeader: the first line says which release wrote a file and for which folder,
// and is read as it is written, also with the line ends of Windows.
func TestHeader(t *testing.T) {
	for want, r := range map[string]workflow.Repository{
		"# Written by runbake workflow. DO NOT EDIT.\n":                         {},
		"# Written by runbake workflow in a b. DO NOT EDIT.\n":                  {Folder: "a b"},
		"# Written by runbake workflow of v1.2.3. DO NOT EDIT.\n":               {Version: "v1.2.3"},
		"# Written by runbake workflow of v1.2.3-rc.1 in of v2. DO NOT EDIT.\n": {Version: "v1.2.3-rc.1", Folder: "of v2"},
	} {
		r.Services, r.Registry = []string{workflow.GitHub, workflow.GitLab}, "ghcr.io/acme"
		files, err := r.Files()
		if err != nil || len(files) != 4 {
			t.Fatalf("%v: %d files", err, len(files))
		}
		for _, f := range files {
			if !strings.HasPrefix(string(f.Text), want) {
				t.Errorf("%s does not begin with %q:\n%.80s", f.Name, want, f.Text)
			}
			for _, text := range []string{string(f.Text), strings.ReplaceAll(string(f.Text), "\n", "\r\n")} {
				if h, ok := workflow.ReadHeader([]byte(text)); !ok || h != (workflow.Header{Version: r.Version, Folder: r.Folder}) {
					t.Errorf("%s: read is %+v, %v", f.Name, h, ok)
				}
			}
		}
	}
	for _, version := range []string{"(devel)", "v1.2.3+dirty", "v1.2.3\nrun: evil", "1.2.3", ""} {
		if h := (workflow.Repository{Version: version}).Header(); h != "# Written by runbake workflow. DO NOT EDIT." || workflow.Released(version) {
			t.Errorf("%q is a release: %q", version, h)
		}
	}
	if h := (workflow.Repository{Version: "v1.2.3", Own: true}).Header(); strings.Contains(h, "v1.2.3") {
		t.Errorf("the repository of runbake is written for by a release: %q", h)
	}
	if _, ok := workflow.ReadHeader([]byte("# by hand\n")); ok {
		t.Error("a file by hand was written by runbake")
	}
}

// TestGitLabFolder: every job that runs a command of ours or bake goes to the
// folder first, and artifacts are named from the root.
func TestGitLabFolder(t *testing.T) {
	p := gitlab(t, below())
	const folder = "services/bob's $$x/"
	const enter = `cd 'services/bob'\''s $x'`
	for _, name := range []string{".runbake", ".build", "sign"} {
		if before := p.Jobs[name].BeforeScript; !slices.Contains(before, enter) || before[len(before)-1] != enter {
			t.Errorf("%s begins with %q", name, before)
		}
	}
	for job, want := range map[string][]string{
		"affected": {folder + "affected.yml"}, ".build": {folder + "metadata-*.json"}, "publish": {folder + "published.txt", folder + "summary.md"},
	} {
		if got := p.Jobs[job].Artifacts.Paths; !slices.Equal(got, want) {
			t.Errorf("%s keeps %q, want %q", job, got, want)
		}
	}
	if got := p.Jobs["test"].Trigger.Include[0]["artifact"]; got != folder+"affected.yml" {
		t.Errorf("the tests are those of %s", got)
	}
	if p.Variables["GIT_SUBMODULE_STRATEGY"] != "recursive" {
		t.Error("submodules are not checked out")
	}
	text, err := workflow.Repository{Jobs: []workflow.Job{{Platform: "linux/amd64", Targets: "x"}}, Folder: "a/b"}.Child()
	if err != nil || !strings.Contains(string(text), "\n    - \"cd 'a/b'\"\n  script:\n") {
		t.Errorf("%v\n%s", err, text)
	}
}
