package repo_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEnvironment: every variable of the environment that the program asks for has
// its row in the documents, and no other has one.
func TestEnvironment(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## Environment and exit codes\n")
	if !found {
		t.Fatal("docs/operations.md has no section of the environment")
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(section, -1) {
		told[m[1]] = true
	}
	read := map[string]bool{"DOCKER_CONFIG": true} // libraries ask for it by themselves
	asked := regexp.MustCompile(`(?:LookupEnv|env)\("([A-Z_]+)"\)|(?:env[A-Z]\w+|Variable) += "([A-Z_]+)"`)
	for _, dir := range []string{"cmd/runbake", "pkg"} {
		err := fs.WalkDir(os.DirFS(filepath.Join(root, dir)), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			source, err := os.ReadFile(filepath.Join(root, dir, name))
			for _, m := range asked.FindAllStringSubmatch(string(source), -1) {
				read[m[1]+m[2]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// These are variables of the emitted file, which have a table of their own, and the user's home.
	for _, other := range []string{"PLATFORM", "REGISTRY", "HOME"} {
		delete(read, other)
	}
	for name := range read {
		if !told[name] {
			t.Errorf("docs/operations.md does not tell of %s", name)
		}
	}
	for name := range told {
		if !read[name] {
			t.Errorf("docs/operations.md tells of %s, which nothing reads", name)
		}
	}
}
