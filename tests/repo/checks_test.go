package repo_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/workflow"
)

// mustRun runs a command in the root of the repository; what it prints on
// failure is the failure.
func mustRun(t *testing.T, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return string(out)
}

// TestWorkflows: every action that workflows, and actions of ours, use is pinned by
// commit.
func TestWorkflows(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses:\s*(\S+)`)
	pinned := regexp.MustCompile(`@[0-9a-f]{40}$`)
	for _, name := range append(glob(t, ".github/workflows/*.yml"), glob(t, ".github/actions/*/action.yml")...) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range uses.FindAllStringSubmatch(string(text), -1) {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s: %s is not pinned by commit", name, m[1])
			}
		}
	}
}

// TestSetupAction: at the commit that written workflows name, the action that
// installs a release is what it is here.
func TestSetupAction(t *testing.T) {
	_, commit, _ := strings.Cut(workflow.Setup, "@")
	mustRun(t, "git", "merge-base", "--is-ancestor", commit, "HEAD")
	mustRun(t, "git", "diff", "--exit-code", commit, "--", ".github/actions/setup", "pkg/workflow/install.sh")
}

// TestServers looks at the sources of the runtimes with their own languages'
// tools, as far as the machine has them.
func TestServers(t *testing.T) {
	t.Run("go", func(t *testing.T) {
		dir := t.TempDir()
		for _, name := range []string{"go.mod", "server.go", "function.go", "testdata/main.go"} {
			text, err := os.ReadFile(filepath.Join(root, "runtimes/go", name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		mustRun(t, "go", "-C", dir, "vet", ".")
	})
	for _, script := range glob(t, "runtimes/*/*.sh") {
		t.Run(script, func(t *testing.T) {
			mustRun(t, "sh", "-n", script)
			text, err := os.ReadFile(filepath.Join(root, script))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "#!/bin/sh\n") || !strings.Contains(string(text), "\nset -eu\n") {
				t.Error("a script starts with #!/bin/sh and stops at errors: set -eu")
			}
		})
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s matches nothing: %v", pattern, err)
	}
	for i, name := range names {
		if names[i], err = filepath.Rel(root, name); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// TestCommitted: no program, nothing large, no half of a merge, and no path of
// somebody's machine.
func TestCommitted(t *testing.T) {
	private := privateFolders(t)
	conflict := regexp.MustCompile(`(?m)^(<{7}|>{7}) `)
	for name := range strings.Lines(mustRun(t, "git", "ls-files")) {
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 1<<20 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		if bytes.IndexByte(text, 0) >= 0 && !strings.Contains(name, "testdata/fuzz") && !isPicture(name, text) {
			t.Errorf("%s is binary", name)
		}
		if conflict.Match(text) && !strings.Contains(name, "testdata") {
			t.Errorf("%s has marks of a merge", name)
		}
		if strings.HasPrefix(filepath.Base(name), "Dockerfile") || strings.HasSuffix(name, "library.txtar") {
			continue // its folders are those of an image
		}
		if at := private.Find(text); at != nil {
			t.Errorf("%s names a folder of a machine: %q", name, at)
		}
	}
}

// isPicture reports a small picture of a document.
func isPicture(name string, text []byte) bool {
	return filepath.Dir(name) == "docs" && strings.HasSuffix(name, ".png") && bytes.HasPrefix(text, []byte("\x89PNG\r\n")) && len(text) < 150_000
}

// privateFolders finds paths of people's machines: of their homes, and of what
// stands beside this checkout.
func privateFolders(t *testing.T) *regexp.Regexp {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	folders := `/home|/Users|/root`
	if beside := filepath.Dir(top); beside != "/" && !strings.HasPrefix(top, os.TempDir()) {
		folders += "|" + regexp.QuoteMeta(beside)
	}
	return regexp.MustCompile(`(?:^|[\s"'=(:` + "`" + `])(?:` + folders + `)/\w`)
}
