package planner

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// verify reads the definitions back as generate will, and compares what bake
// makes of them with what the scripts build.
func (p *planner) verify(files []File) {
	fsys := overlay(p.fsys, files)
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	for _, d := range slices.Concat(diags, more) {
		rule := fact.RuleDefinition
		if strings.HasSuffix(d.Summary, "is never built") {
			if d.Subject != nil && p.builds(d.Subject.Filename) {
				continue // a script does, and why it is left out has been said
			}
			rule = fact.RuleFolder
		}
		p.tell(fsys, d, rule)
	}
	if diags.HasErrors() || more.HasErrors() {
		return
	}
	file := bake.FromCatalogue(c)
	builds := map[string]bake.Build{}
	for _, b := range file.Evaluate(file.Defaults()) {
		builds[b.ID] = b
	}
	for _, v := range p.versions {
		if b := builds[v.id()]; b.Target != nil && len(b.Tags) > 0 {
			p.renamed(v, b.Tags)
		}
		if what := p.differs(v, builds[v.id()]); what != "" {
			p.Fail(fact.RuleDefinition, v.build.Range,
				fmt.Sprintf("The definition of %s does not say what this builds", v.id()),
				fmt.Sprintf("They differ in %s. Please report it with this script.", what))
		}
	}
}

// builds reports a Dockerfile that a script builds.
func (p *planner) builds(dockerfile string) bool {
	for _, s := range p.scripts {
		if slices.ContainsFunc(s.Events,
			func(e fact.Event) bool { return e.Build != nil && e.Build.DockerfilePath() == dockerfile }) {
			return true
		}
	}
	return false
}

// differs names what a target has other than a build; "" if nothing.
func (p *planner) differs(v *version, t bake.Build) string {
	if t.Target == nil {
		return "everything"
	}
	b := v.build
	stage := ""
	if b.Target != nil {
		stage = b.Target.Value
	}
	args := pairs(slices.Concat(v.args, v.from))
	tags := map[string]bool{}
	for _, n := range v.image.names {
		if n.repo == v.repo {
			tags[n.tag] = true
		}
	}
	platforms := slices.Sorted(slices.Values(texts(b.Platforms)))
	contexts := map[string]string{}
	for name, context := range pairs(named(b)) {
		contexts[dockerfile.ContextName(name)] = context
	}
	for ref, to := range t.Contexts {
		if strings.HasPrefix(to, "target:") {
			contexts[ref] = to // where an image of the repository comes from
		}
	}
	switch {
	case t.Context != b.Context.Value:
		return "the context"
	case path.Join(t.Context, cmp.Or(t.Dockerfile, "Dockerfile")) != b.DockerfilePath():
		return "the Dockerfile"
	case t.Stage != stage:
		return "the stage"
	case !maps.Equal(t.Args, args):
		return "build arguments"
	case !maps.Equal(t.Contexts, contexts):
		return "named contexts"
	case len(platforms) > 0 && !v.softened && !slices.Equal(slices.Sorted(slices.Values(t.Platforms)), platforms):
		return "platforms"
	case !p.sameNames(v, t.Tags, tags):
		return "tags"
	case !p.sameRequirements(b, t):
		return "secrets, hosts or limits"
	}
	for _, l := range b.Labels {
		if t.Labels[l.Name] != l.Value {
			return "labels"
		}
	}
	return ""
}

// sameRequirements compares what steps need besides files. Entitlements of images
// that this one is built on are asked for as well.
func (p *planner) sameRequirements(b *fact.Build, t bake.Build) bool {
	network := ""
	if b.Network != nil {
		network = b.Network.Value
	}
	size := ""
	if b.ShmSize != nil {
		size = b.ShmSize.Value
	}
	ulimits := make([]string, 0, len(b.Ulimits))
	for _, u := range b.Ulimits {
		ulimits = append(ulimits, u.Name+"="+u.Value)
	}
	missing := slices.ContainsFunc(b.Entitlements, func(e fact.Text) bool { return !slices.Contains(t.Entitlements, e.Value) })
	return !missing && maps.Equal(t.Secrets, pairs(b.Secrets)) && maps.Equal(t.ExtraHosts, pairs(b.ExtraHosts)) &&
		slices.Equal(t.SSH, texts(b.SSH)) && slices.Equal(slices.Sorted(slices.Values(t.Ulimits)), ulimits) &&
		(t.Network == network || network == "default" && t.Network == "") && t.ShmSize == size
}

// sameNames compares full names. Where the registry was given, or a script
// names none, only what stands behind it counts.
func (p *planner) sameNames(v *version, have []string, tags map[string]bool) bool {
	if len(have) != len(tags) {
		return false
	}
	registry := p.given
	if v.path != "" && !p.chosen {
		registry = v.path
	}
	for _, full := range have {
		named, err := reference.ParseNormalizedNamed(full)
		if err != nil {
			return false
		}
		tagged, ok := named.(reference.Tagged)
		if !ok || !tags[tagged.Tag()] {
			return false
		}
		want := name{registry: registry, repo: v.repo, tag: tagged.Tag()}
		if !p.chosen && want.full() != named.String() {
			return false
		}
	}
	return true
}

// overlay is a file system with files laid over it.
func overlay(fsys fs.FS, files []File) fs.FS {
	o := overlayFS{fsys, map[string][]byte{}, map[string]map[string]bool{}}
	for _, f := range files {
		o.files[f.Name] = f.Text
		for name := f.Name; name != "."; name = path.Dir(name) {
			dir := path.Dir(name)
			if o.dirs[dir] == nil {
				o.dirs[dir] = map[string]bool{}
			}
			o.dirs[dir][path.Base(name)] = name != f.Name
		}
	}
	return o
}

type overlayFS struct {
	fs.FS
	files map[string][]byte
	dirs  map[string]map[string]bool // name in a folder → is a folder
}

// Open opens one of the files, or a file below.
func (o overlayFS) Open(name string) (fs.File, error) {
	if text, ok := o.files[name]; ok {
		return openFile{bytes.NewReader(text), newEntry(name, len(text), false)}, nil
	}
	return o.FS.Open(name)
}

// ReadDir lists the files of both.
func (o overlayFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	if err != nil && o.dirs[name] == nil {
		return nil, err
	}
	for child, dir := range o.dirs[name] {
		if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == child }) {
			entries = append(entries, newEntry(child, 0, dir))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// Stat finds folders that only the files make.
func (o overlayFS) Stat(name string) (fs.FileInfo, error) {
	if text, ok := o.files[name]; ok {
		return newEntry(name, len(text), false), nil
	}
	info, err := fs.Stat(o.FS, name)
	if err != nil && o.dirs[name] != nil {
		return newEntry(name, 0, true), nil
	}
	return info, err
}

type openFile struct {
	*bytes.Reader
	info entryInfo
}

// Stat describes the file.
func (f openFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close does nothing: there is nothing open.
func (f openFile) Close() error { return nil }

type entryInfo struct {
	name string
	size int
	dir  bool
}

func newEntry(name string, size int, dir bool) entryInfo {
	return entryInfo{path.Base(name), size, dir}
}

// Name is the last part of the path.
func (e entryInfo) Name() string { return e.name }

// Size is the length of the text.
func (e entryInfo) Size() int64 { return int64(e.size) }

// IsDir reports a folder.
func (e entryInfo) IsDir() bool { return e.dir }

// ModTime is not known.
func (e entryInfo) ModTime() time.Time { return time.Time{} }

// Sys is nothing.
func (e entryInfo) Sys() any { return nil }

// Type is that of the mode.
func (e entryInfo) Type() fs.FileMode { return e.Mode().Type() }

// Info is the entry itself.
func (e entryInfo) Info() (fs.FileInfo, error) { return e, nil }

// Mode is that of what can be read.
func (e entryInfo) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

var (
	_ fs.ReadDirFS = overlayFS{}
	_ fs.StatFS    = overlayFS{}
)
