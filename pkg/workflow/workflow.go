// Package workflow writes the workflows of GitHub Actions that test and release
// a repository of runtimes. What is to be done is decided by runbake and bake;
// a step of a workflow is one command.
package workflow

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"slices"
	"strings"
	"text/template"

	"github.com/distribution/reference"
)

// Dir is where GitHub looks for workflows.
const Dir = ".github/workflows"

// Repository is what the workflows need to know of a repository.
type Repository struct {
	Registry  string   // and path, as in the definitions
	Platforms []string // of all images
	Locked    bool     // base images are
	Own       bool     // it is runbake's own repository
	Version   string   // of runbake, when it is not; "" for the latest
}

// File is one workflow.
type File struct {
	Name string // from the root
	Text []byte
}

//go:embed test.yml release.yml
var texts embed.FS

// Files are the workflows of a repository, sorted by name.
func (r Repository) Files() ([]File, error) {
	all, err := template.New("").Delims("[[", "]]").Funcs(template.FuncMap{"quote": quote}).ParseFS(texts, "*.yml")
	if err != nil {
		return nil, err
	}
	var files []File
	for _, name := range []string{"release.yml", "test.yml"} {
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, name, r); err != nil {
			return nil, err
		}
		files = append(files, File{Dir + "/" + name, text.Bytes()})
	}
	return files, nil
}

// Host is the registry to log in to.
func (r Repository) Host() string {
	named, err := reference.ParseNormalizedNamed(r.Registry + "/image")
	if err != nil {
		return r.Registry
	}
	return reference.Domain(named)
}

// GitHubRegistry reports whether the token of a workflow can push images.
func (r Repository) GitHubRegistry() bool { return r.Host() == "ghcr.io" }

// Emulated reports whether GitHub has no machine for one of the platforms.
func (r Repository) Emulated() bool {
	return slices.ContainsFunc(r.Platforms, func(p string) bool { return p != "linux/amd64" && p != "linux/arm64" })
}

// Install is the command that installs runbake: a version of it, or in its own
// repository what is there.
func (r Repository) Install() string {
	if r.Own {
		return "go install ./cmd/runbake"
	}
	return "go install github.com/runbake/runbake/cmd/runbake@" + cmp.Or(r.Version, "latest")
}

// quote writes a string for YAML, which JSON is a part of, so that it is no
// expression of GitHub Actions either.
func quote(s string) (string, error) {
	text, err := json.Marshal(s)
	return strings.ReplaceAll(string(text), "${{", "${{ '${{' }}"), err
}
