// Package folder reads Dockerfiles that no script builds. What their images are
// called follows from where they lie, and from what other Dockerfiles of the
// repository call them.
package folder

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Options say what Dockerfiles do not.
type Options struct {
	Name     string // of the repository: an image that lies at its root is called so
	Registry string // and path, of all images; "" for what Dockerfiles take from one another
	Nowhere  string // the registry of images of which nothing says where they are pushed; "" for none, and no word
}

// image is the image of one Dockerfile.
type image struct {
	file    *fact.File
	parsed  *dockerfile.File // nil if it is none
	parts   []string         // of its path that can be in its name
	name    string
	version string
	tags    []string   // besides the version
	context string     // folder
	parent  *fact.Text // by which another image takes it first
}

func (i *image) id() string { return i.name + ":" + i.version }

// reader reads the Dockerfiles of one repository.
type reader struct {
	*fact.Set
	fsys   fs.FS
	images []*image
}

// Read reads Dockerfiles. There is an image for each, and the events are of one
// source: that all of them are there is no news for any.
func Read(fsys fs.FS, files []*fact.File, o Options) *fact.Set {
	r := &reader{Set: &fact.Set{Texts: map[string][]byte{}}, fsys: fsys}
	for _, f := range files {
		r.Texts[f.Name] = f.Text
		if why := notDockerfile(path.Base(f.Name)); why != "" {
			r.Fail(fact.RuleNotUnderstood, fact.Start(f.Name), fmt.Sprintf("%s is %s", f.Name, why),
				"Only Dockerfiles themselves are read. It is left out.")
			continue
		}
		r.images = append(r.images, r.image(f, o.Name))
	}
	r.distinguish()
	source := &fact.Source{}
	registry := r.registry(o)
	for _, i := range r.images {
		if source.Name == "" {
			source.Name = i.file.Name
		}
		b := i.build(source.Name, registry)
		source.Events = append(source.Events, fact.Event{Build: b, Range: b.Range})
	}
	if len(source.Events) > 0 {
		r.Sources = []*fact.Source{source}
	}
	return r.Set
}

// image finds out what the image of a Dockerfile is called, and what it is built
// in.
func (r *reader) image(f *fact.File, repository string) *image {
	i := &image{file: f}
	i.parts = parts(f.Name)
	word, _ := suffix(path.Base(f.Name))
	i.name, i.version = call(i.parts, word != "")
	if i.name == "" {
		i.name = cleaned(repository)
	}
	if i.name == "" {
		i.name = "image"
	}
	i.context = path.Dir(f.Name)
	if parsed, diags := dockerfile.Parse(f.Name, f.Text); !diags.HasErrors() {
		i.parsed = parsed
		i.context = r.context(i)
	}
	return i
}

// context is the folder that has what a Dockerfile copies: its own, or one around
// it.
func (r *reader) context(i *image) string {
	own := path.Dir(i.file.Name)
	sources := i.parsed.Sources("", nil, nil, nil)
	for dir := own; ; dir = path.Dir(dir) {
		if !slices.ContainsFunc(sources, func(s dockerfile.Source) bool { return s.Context == "" && !r.has(dir, s.Path) }) {
			if dir != own {
				r.Note(fact.Note{
					Range: sources[0].Range,
					Text:  fmt.Sprintf("%s is built in %s: what it copies is there", i.file.Name, called(dir)),
				})
			}
			return dir
		}
		if dir == "." {
			return own
		}
	}
}

func called(dir string) string {
	if dir == "." {
		return "the root of the repository"
	}
	return dir
}

// has reports a path of a folder, which may have wildcards.
func (r *reader) has(dir, name string) bool {
	found, err := fs.Glob(r.fsys, path.Join(dir, name))
	if err != nil || len(found) > 0 {
		return true // what cannot be looked for is taken to be there
	}
	_, err = fs.Stat(r.fsys, path.Join(dir, name))
	return err == nil
}

// distinguish gives images that would be called the same more of their paths.
func (r *reader) distinguish() {
	count := func() map[string]int {
		same := map[string]int{}
		for _, i := range r.images {
			same[i.id()]++
		}
		return same
	}
	for depth := 1; depth <= maxParts; depth++ {
		same := count()
		for _, i := range r.images {
			at := slices.Index(i.parts, i.name) - 1
			if same[i.id()] > 1 && at >= 0 {
				before := i.id()
				i.name = i.parts[at] + "-" + i.name
				i.parts = append(slices.Clone(i.parts[:at]), append([]string{i.name}, i.parts[at+2:]...)...)
				r.Note(fact.Note{
					Range: fact.Start(i.file.Name),
					Text:  fmt.Sprintf("%s is called %s: there are several %s", i.file.Name, i.id(), before),
				})
			}
		}
	}
	first := map[string]*image{}
	r.images = slices.DeleteFunc(r.images, func(i *image) bool {
		if other := first[i.id()]; other != nil {
			r.Fail(fact.RuleContradiction, fact.Start(i.file.Name), fmt.Sprintf("%s and %s would both be %s", i.file.Name,
				other.file.Name, i.id()), "An image has one Dockerfile. This one is left out; give it another name or folder.",
				fact.Start(other.file.Name))
			return true
		}
		first[i.id()] = i
		return false
	})
}

// build is the build of an image. registry is "" where images have bare names.
func (i *image) build(script, registry string) *fact.Build {
	at := fact.Start(i.file.Name)
	b := &fact.Build{
		Script: script, Range: at, Named: true,
		Context: fact.Text{Value: i.context, Range: at}, Parent: i.parent,
	}
	for _, tag := range append([]string{i.version}, i.tags...) {
		b.Tags = append(b.Tags, fact.Text{Value: path.Join(registry, i.name+":"+tag), Range: at})
	}
	if i.file.Name != path.Join(i.context, "Dockerfile") {
		b.Dockerfile = &fact.Text{Value: i.file.Name, Range: at}
	}
	return b
}

// notDockerfile says what a file beside Dockerfiles is; "" for a Dockerfile.
func notDockerfile(base string) string {
	lower := strings.ToLower(base)
	for _, other := range []struct{ end, what string }{
		{".dockerignore", "a list of files that are ignored"},
		{".template", "a template"},
		{".tmpl", "a template"},
		{".tpl", "a template"},
		{".j2", "a template"},
		{".jinja2", "a template"},
		{".in", "a template"},
		{".erb", "a template"},
		{".m4", "a template"},
		{".md", "a text"},
		{".txt", "a text"},
		{"~", "a copy"},
		{".bak", "a copy"},
		{".orig", "a copy"},
		{".old", "a copy"},
		{".swp", "a copy"},
		{".rej", "a copy"},
	} {
		if strings.HasSuffix(lower, other.end) {
			return other.what
		}
	}
	return ""
}

// Dockerfile reports a file that is called as Dockerfiles are.
func Dockerfile(name string) bool {
	_, is := suffix(path.Base(name))
	return is && notDockerfile(path.Base(name)) == ""
}

// Other says what a file is that is called like a Dockerfile, and none; "" for all
// others.
func Other(name string) string {
	if _, is := suffix(path.Base(name)); is {
		return notDockerfile(path.Base(name))
	}
	return ""
}

// place is where an image is taken.
func place(i *image, at hcl.Range) hcl.Range {
	if at.Filename == i.file.Name && at.Start.Line > 0 && at.End.Byte <= len(i.file.Text) {
		return at
	}
	return fact.Start(i.file.Name)
}
