// Package workflow writes the workflows of GitHub Actions and the pipeline of
// GitLab that test and release a repository of runtimes. What is to be done is
// decided by runbake and bake; a step of a workflow is one command.
package workflow

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/distribution/reference"
	"golang.org/x/mod/module"
)

// Services that workflows can be written for.
const (
	GitHub = "github"
	GitLab = "gitlab"
)

// Repository is what the workflows need to know of a repository.
type Repository struct {
	Services  []string // that workflows are written for
	Registry  string   // and path, as in the definitions
	Others    []string // registries of images that have one of their own
	Platforms []string // of all images
	Jobs      []Job    // of a release: each image with its test, on each platform
	Own       bool     // it is runbake's own repository
	Secrets   []string // variables that builds take secrets from, sorted
	SSH       bool     // builds use an agent
	Allow     []string // what bake is allowed besides, sorted
	Folder    string   // of the definitions, from the root of the git repository; "" for the root
	// Submodules and LFS say what a checkout has beside the files of git.
	Submodules, LFS bool
	Version         string // of the runbake that writes them
	Settings
}

// Job is what one machine does: images and tests for one platform.
type Job struct {
	Platform string
	Targets  string // with spaces between
}

// File is one workflow.
type File struct {
	Name string // from the root
	Text []byte
}

var header = regexp.MustCompile(`^# Written by runbake workflow(?: of (v\d\S*))?(?: in (.+))?\. DO NOT EDIT\.\r?\n`)

// Header is what the first line of a file says of it.
type Header struct {
	Version string // of the release of runbake that wrote it; "" where none did
	Folder  string // of the definitions, from the root of the git repository; "" for the root
}

// ReadHeader reads the first line of a file; ok is false when something else
// wrote it.
func ReadHeader(text []byte) (h Header, ok bool) {
	m := header.FindSubmatch(text)
	if m == nil {
		return Header{}, false
	}
	return Header{string(m[1]), string(m[2])}, true
}

var release = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// Released reports whether a version of runbake can be installed by its name.
// What Go calls a commit without a tag is none.
func Released(version string) bool {
	return release.MatchString(version) && !module.IsPseudoVersion(version)
}

// Header is the first line of each file. The repository of runbake is always
// written for by what is in it, whatever the version.
func (r Repository) Header() string {
	h := "# Written by runbake workflow"
	if version := r.Release(); version != "" {
		h += " of " + version
	}
	if r.Folder != "" {
		h += " in " + r.Folder
	}
	return h + ". DO NOT EDIT."
}

// Path is a path of the definitions' folder, from the root of the repository.
func (r Repository) Path(name string) string { return path.Join(r.Folder, name) }

// Enter is the command that goes to the folder of the definitions.
func (r Repository) Enter() string {
	return "cd '" + strings.ReplaceAll(r.Folder, "'", `'\''`) + "'"
}

// Expression is a string in an expression of GitHub Actions.
func (r Repository) Expression(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

//go:embed *.yml
var texts embed.FS

// Files are the workflows of a repository, sorted by name.
func (r Repository) Files() ([]File, error) {
	var files []File
	if slices.Contains(r.Services, GitHub) {
		for _, name := range []string{"lock.yml", "release.yml", "test.yml"} {
			files = append(files, File{Name: ".github/workflows/" + name})
		}
	}
	if slices.Contains(r.Services, GitLab) {
		files = append(files, File{Name: ".gitlab-ci.yml"})
	}
	for i, f := range files {
		text, err := execute(f.Name[strings.LastIndexByte(f.Name, '/')+1:], r)
		if err != nil {
			return nil, err
		}
		files[i].Text = text
	}
	return files, nil
}

// execute writes one of the texts.
func execute(name string, data any) ([]byte, error) {
	all, err := template.New("").Delims("[[", "]]").Funcs(template.FuncMap{
		"quote": quote, "literal": literal, "json": encode,
	}).ParseFS(texts, "*.yml")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = all.ExecuteTemplate(&text, strings.TrimPrefix(name, "."), data)
	return text.Bytes(), err
}

// AllowFlags are the flags of bake for what it asks before it does.
func (r Repository) AllowFlags() string {
	var flags strings.Builder
	for _, name := range r.Allow {
		flags.WriteString(" --allow=" + name)
	}
	return flags.String()
}

// Host is the registry to log in to for most images.
func (r Repository) Host() string { return hostOf(r.Registry) }

func hostOf(registry string) string {
	named, err := reference.ParseNormalizedNamed(registry + "/image")
	if err != nil {
		return registry
	}
	return reference.Domain(named)
}

// Login is a registry that is logged in to.
type Login struct {
	Host string
	// User and Password are names of variables and secrets that have them.
	User, Password string
}

// Logins are those of all registries, the project's first. That has REGISTRY_USER
// and REGISTRY_PASSWORD; those of others end with the host's name.
func (r Repository) Logins() []Login {
	if r.NoLogin {
		return nil
	}
	all := []Login{{r.Host(), "REGISTRY_USER", "REGISTRY_PASSWORD"}}
	for _, other := range r.Others {
		host := hostOf(other)
		if slices.ContainsFunc(all, func(l Login) bool { return l.Host == host }) {
			continue
		}
		end := strings.ToUpper(notInNames.ReplaceAllString(host, "_"))
		all = append(all, Login{host, "REGISTRY_USER_" + end, "REGISTRY_PASSWORD_" + end})
	}
	return all
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]`)

// OtherLogins are all but the first.
func (r Repository) OtherLogins() []Login { return r.Logins()[min(1, len(r.Logins())):] }

// GitHub reports whether the token of a workflow can push images.
func (l Login) GitHub() bool { return l.Host == "ghcr.io" }

// GitLab reports whether every job of GitLab has a password for the registry.
func (l Login) GitLab() bool { return l.Host == "registry.gitlab.com" }

// GitHubRegistry reports whether any images are pushed with the token of a workflow.
func (r Repository) GitHubRegistry() bool { return slices.ContainsFunc(r.Logins(), Login.GitHub) }

// GitLabRegistry reports whether every job of GitLab has a password for the
// project's registry.
func (r Repository) GitLabRegistry() bool {
	return slices.ContainsFunc(r.Logins()[:min(1, len(r.Logins()))], Login.GitLab)
}

// Emulated reports whether a platform is built on a machine of another one.
func (r Repository) Emulated() bool { return slices.ContainsFunc(r.Platforms, r.emulated) }

// RunsOn is the machine for what belongs to no platform.
func (r Repository) RunsOn() (string, error) {
	labels := r.GitHub("linux/amd64")
	if len(labels) == 1 {
		return labels[0], nil
	}
	return encode(labels)
}

// Setup is the action that installs a release of runbake, at the commit of its
// last change: it takes a version, so that workflows name the same commit whichever
// way somebody has got the program that writes them.
const Setup = "runbake/runbake/.github/actions/setup@20066019449226f4bcd12655637129d5f6276c43"

// install is the script that installs a release, and is part of each.
//
//go:embed install.sh
var install []byte

// Release is the release of runbake that workflows install, "" for none: then Go
// compiles it.
func (r Repository) Release() string {
	if r.Own || !Released(r.Version) {
		return ""
	}
	return r.Version
}

// Setup is the action that installs a release.
func (r Repository) Setup() string { return Setup }

// Install are the commands that install runbake: a release of it, by a script that
// is what it is here; the latest there is; or in its own repository what is there.
func (r Repository) Install() []string {
	if r.Own {
		return []string{"go install ./cmd/runbake"}
	}
	version := r.Release()
	if version == "" {
		return []string{"go install github.com/runbake/runbake/cmd/runbake@latest"}
	}
	const script = "/tmp/install-runbake"
	return []string{
		"curl -fsSL --retry 3 --output " + script + " https://github.com/runbake/runbake/releases/download/" + version + "/install.sh",
		fmt.Sprintf("echo '%x  %s' | sha256sum --check --quiet", sha256.Sum256(install), script),
		"sh " + script + " --version " + version + " --to /usr/local/bin",
	}
}

// quote writes a string for YAML, which JSON is a part of, so that it is no
// expression of GitHub Actions either.
func quote(s string) (string, error) {
	text, err := encode(s)
	return strings.ReplaceAll(text, "${{", "${{ '${{' }}"), err
}

func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}
