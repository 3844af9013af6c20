package importer

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/importer/bakefile"
	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/folder"
	"github.com/runbake/runbake/pkg/importer/makefile"
	"github.com/runbake/runbake/pkg/importer/pipeline"
)

// Found is a file of a repository that makes images, or says something of them.
type Found struct {
	Name string
	Kind string // for people
	Why  string // it is not read; "" if it is
}

// Kinds of files, in the order in which they are read.
const (
	kindBake     = "bake file"
	kindPipeline = "pipeline"
	kindScript   = "shell script"
	kindPHP      = "registry in PHP"
	kindMake     = "Makefile"
	kindCompose  = "compose file"
	kindFolder   = "Dockerfile"
	kindOther    = "other"
)

var kindOrder = []string{kindBake, kindPipeline, kindScript, kindPHP, kindMake, kindCompose, kindFolder, kindOther}

// Bounds of what is looked at.
const (
	maxLookedAt    = 50_000 // files and folders
	maxFolderDepth = 8
)

// others are files that make images, and that nothing reads.
var others = map[string]string{
	"jenkinsfile": "a pipeline of Jenkins", "earthfile": "a file for Earthly", "tiltfile": "a file for Tilt",
	"skaffold.yaml": "a file for Skaffold", "skaffold.yml": "a file for Skaffold", "azure-pipelines.yml": "a pipeline of Azure",
	"azure-pipelines.yaml": "a pipeline of Azure", ".travis.yml": "a pipeline of Travis", ".drone.yml": "a pipeline of Drone",
	".woodpecker.yml": "a pipeline of Woodpecker", "bitbucket-pipelines.yml": "a pipeline of Bitbucket", "cloudbuild.yaml": "a build of Google Cloud",
	"cloudbuild.yml": "a build of Google Cloud", "buildspec.yml": "a build of AWS", "buildspec.yaml": "a build of AWS",
	"justfile": "a file for just", "taskfile.yml": "a file for Task",
	"taskfile.yaml": "a file for Task", "package.json": "a file for npm",
}

// otherPrograms are endings of files that are looked into for builds, though nothing
// reads them. Programs in other languages are many, and say more than they do.
var otherPrograms = []string{".ps1", ".psm1", ".bat", ".cmd"}

// otherOf says what a file is that nothing reads, and that may build images; "" for
// none.
func otherOf(name string) string {
	lower := strings.ToLower(path.Base(name))
	if path.Base(path.Dir(name)) == ".circleci" && (lower == "config.yml" || lower == "config.yaml") {
		return "a pipeline of CircleCI"
	}
	if ext := path.Ext(lower); slices.Contains(otherPrograms, ext) {
		return kinds[ext]
	}
	return others[lower]
}

// notByItself is why a bake file is not read that has another name than bake's own.
const notByItself = "bake does not read a file of this name by itself; name it to import it"

// bakeTarget is a block of a bake file.
var bakeTarget = regexp.MustCompile(`(?m)^[ \t]*target[ \t]+"`)

// Find looks for everything in a repository that makes images. What runbake has
// written is not among it, and neither are definitions.
func Find(fsys fs.FS) []Found {
	var all []Found
	looked := 0
	_ = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		looked++
		switch {
		case err != nil:
			return nil //nolint:nilerr // what cannot be read makes no image for anybody
		case looked > maxLookedAt:
			return fs.SkipAll
		case d.IsDir() && name != "." && (skipped(name) || strings.Count(name, "/") >= maxFolderDepth):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
			return nil
		}
		if f, is := look(fsys, name); is {
			all = append(all, f)
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b Found) int {
		return slices.Index(kindOrder, a.Kind) - slices.Index(kindOrder, b.Kind)
	})
	return all
}

// skipped are folders whose files belong to somebody else, or to a tool.
func skipped(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{"node_modules", "vendor", "testdata", "third_party"}, base) ||
		strings.HasPrefix(base, ".") && !slices.Contains([]string{".github", ".gitlab", ".docker", ".devcontainer", ".ci", ".circleci"}, base)
}

// look says what a file is; is is false for one that has nothing to do with images.
func look(fsys fs.FS, name string) (f Found, is bool) {
	base := path.Base(name)
	f.Name = name
	if base == definition.ProjectFile || base == definition.RuntimeFile {
		return f, false
	}
	switch other, unread := folder.Other(name), otherOf(name); {
	case folder.Dockerfile(name):
		f.Kind = kindFolder
		if strings.Contains("/"+name, "/.devcontainer/") {
			f.Why = "it is to develop in; name it to import it"
		}
		return f, true
	case other != "":
		if strings.Contains(other, "template") {
			f.Kind, f.Why = kindOther, "it is "+other
			return f, true
		}
		return f, false
	case unread != "":
		text, err := fact.Read(fsys, name)
		f.Kind, f.Why = kindOther, "it is "+unread
		return f, err == nil && makesImages(text.Text)
	case strings.HasSuffix(base, ".hcl") && !strings.Contains(strings.ToLower(base), "bake"):
		text, err := fact.Read(fsys, name)
		f.Kind, f.Why = kindOther, notByItself
		return f, err == nil && bakeTarget.Match(text.Text) && bakefile.Other(text) == ""
	}
	src, err := candidate(fsys, name)
	if src == nil {
		f.Kind, f.Why = kindOther, fmt.Sprint(err)
		return f, err != nil
	}
	if bytes.HasPrefix(src.Text, []byte("# Written by runbake ")) {
		return f, false
	}
	f.Kind, is = kindOf(src)
	switch {
	case is:
	case f.Kind == kindPipeline:
		is = callsBuild(fsys, src, map[string]bool{})
		if !is && includesBuild(fsys, src) {
			f.Kind, f.Why, is = kindOther, "what it includes builds images, and included files are not read", true
		}
	case f.Kind == kindScript && otherKind(src) == "":
		is = runsBuild(fsys, src, map[string]bool{})
	}
	return f, is
}

// includedFile is a file that a pipeline of GitLab may include.
var includedFile = regexp.MustCompile(`[A-Za-z0-9_.-][A-Za-z0-9_./-]*\.ya?ml\b`)

// includesBuild reports a pipeline of GitLab with a file of the repository that builds
// images.
func includesBuild(fsys fs.FS, src *fact.File) bool {
	if !bytes.Contains(src.Text, []byte("include")) || strings.Contains("/"+src.Name, "/.github/") {
		return false
	}
	for _, name := range includedFile.FindAllString(string(src.Text), maxCalled) {
		if other, err := fact.Read(fsys, path.Clean(name)); err == nil && makesImages(other.Text) {
			return true
		}
	}
	return false
}

// otherScript is a script that another one sources or runs, behind a variable or not; a
// comment is none.
var otherScript = regexp.MustCompile(`(?m)^[ \t]*#.*|(?:\$\{?\w+\}?/)?([A-Za-z0-9_.-][A-Za-z0-9_./-]*\.(?:sh|bash))\b` +
	`|(?:^|[\s;&|(])(?:\.|source)[ \t]+["']?(?:\$\{?\w+\}?/)?([A-Za-z0-9_.-][A-Za-z0-9_./-]*)`)

// runsBuild reports a script that sources or runs one that builds images, directly or not:
// that one alone may not say what it is called with.
func runsBuild(fsys fs.FS, src *fact.File, seen map[string]bool) bool {
	for _, m := range otherScript.FindAllSubmatch(src.Text, -1) {
		name := strings.TrimLeft(string(m[1])+string(m[2]), "/")
		for _, file := range []string{path.Clean(name), path.Join(path.Dir(src.Name), name)} {
			if seen[file] || len(seen) > maxCalled || file == src.Name || !fs.ValidPath(file) {
				continue
			}
			seen[file] = true
			other, err := fact.Read(fsys, file)
			if err == nil && otherKind(other) == "" && (makesImages(other.Text) || runsBuild(fsys, other, seen)) {
				return true
			}
		}
	}
	return false
}

// localCall is a workflow or an action of the same repository.
var localCall = regexp.MustCompile(`\buses:\s*['"]?\./([^\s'"]+)`)

// callsBuild reports a workflow that calls what builds images, directly or not. seen are
// the files that have been looked at.
func callsBuild(fsys fs.FS, src *fact.File, seen map[string]bool) bool {
	for _, m := range localCall.FindAllSubmatch(src.Text, -1) {
		name := path.Clean(string(m[1]))
		for _, file := range []string{name, path.Join(name, "action.yml"), path.Join(name, "action.yaml")} {
			if seen[file] || len(seen) > maxCalled {
				continue
			}
			seen[file] = true
			other, err := fact.Read(fsys, file)
			if err == nil && (makesImages(other.Text) || callsBuild(fsys, other, seen)) {
				return true
			}
		}
	}
	return false
}

// maxCalled is how many files are looked at for what one workflow calls.
const maxCalled = 100

// candidate reads a file whose name may be one of those that make images. Without
// one of these the file is nil; one that cannot be read has an error as well.
func candidate(fsys fs.FS, name string) (*fact.File, error) {
	base := strings.ToLower(path.Base(name))
	ext := path.Ext(base)
	bake := (ext == ".hcl" || ext == ".json") && strings.Contains(base, "bake")
	yaml := ext == ".yml" || ext == ".yaml"
	switch {
	case bake, pipeline.Named(name), makefile.Named(name), yaml && strings.Contains(base, "compose"):
		return fact.Read(fsys, name)
	case slices.Contains([]string{".sh", ".bash", ".zsh", ".ksh", ".php", ""}, ext):
		if src, err := fact.Read(fsys, name); err == nil {
			return src, nil
		}
	}
	return nil, nil
}

// kindOf is what an import takes a file for; is is false if it makes no image.
func kindOf(src *fact.File) (kind string, is bool) {
	base := strings.ToLower(path.Base(src.Name))
	switch {
	case pipeline.Named(src.Name):
		return kindPipeline, makesImages(src.Text)
	case makefile.Named(src.Name):
		return kindMake, makesImages(src.Text)
	case isBakeFile(src):
		if strings.Contains(base, "compose") {
			return kindCompose, bakefile.Other(src) == "" && composeBuilds.Match(src.Text)
		}
		return kindBake, bakefile.Other(src) == ""
	case isPHP(src):
		return kindPHP, registryPHP.Match(src.Text)
	case path.Ext(base) == "" && !bytes.HasPrefix(src.Text, []byte("#!")):
		return "", false
	}
	return kindScript, otherKind(src) == "" && makesImages(src.Text)
}

var (
	composeBuilds = regexp.MustCompile(`(?m)^\s+build:`)
	registryPHP   = regexp.MustCompile(`\baddVersion\s*\(|['"]tarname['"]\s*=>`)
	commandBuilds = regexp.MustCompile(
		`\b(docker|podman|nerdctl|buildah)\b[^\n]*\b(build|buildx|bake|bud)\b|\bkaniko/executor\b`)
)

// makesImages reports a text that has to do with building images.
func makesImages(text []byte) bool { return commandBuilds.Match(text) }

// maxListed is how many files of a kind are named for people.
const maxListed = 6

// WriteFound says what was found, a line for each kind, and for each file that is
// not read why.
func WriteFound(w io.Writer, found []Found) error {
	var out strings.Builder
	for _, kind := range kindOrder {
		var names []string
		for _, f := range found {
			if f.Kind == kind && f.Why == "" {
				names = append(names, f.Name)
			}
		}
		if len(names) > 0 {
			fmt.Fprintf(&out, "found %s: %s\n", plural(len(names), kind), some(names))
		}
	}
	reasons := map[string][]string{}
	var order []string
	for _, f := range found {
		if f.Why == "" {
			continue
		}
		if reasons[f.Why] == nil {
			order = append(order, f.Why)
		}
		reasons[f.Why] = append(reasons[f.Why], f.Name)
	}
	for _, why := range order {
		fmt.Fprintf(&out, "not read: %s: %s\n", some(reasons[why]), why)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasPrefix(what, "registry"):
		return fmt.Sprintf("%d files of a %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// some lists names, the first ones of many.
func some(names []string) string {
	if len(names) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}
