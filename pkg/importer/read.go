package importer

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/importer/bakefile"
	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/folder"
	"github.com/runbake/runbake/pkg/importer/makefile"
	"github.com/runbake/runbake/pkg/importer/php"
	"github.com/runbake/runbake/pkg/importer/pipeline"
	"github.com/runbake/runbake/pkg/importer/script"
)

// reading reads the files of one import.
type reading struct {
	*fact.Set
	fsys    fs.FS
	options Options
	found   []Found // nil where files were named

	bakeFiles   []*fact.File // bake reads them as one
	unread      bool         // the bake files, of which no image is known then
	makefiles   []string     // found, and read where nothing else builds images
	compose     []string     // the same, where neither they nor Makefiles do
	dockerfiles []*fact.File // which may be built on one another
	sources     []*fact.Set  // of all others, each of one file
	registry    *fact.Registry
}

// named are the files to read: those that are named, what is in folders that are,
// or all that is found.
func (r *reading) named(names []string) []string {
	if len(names) == 0 {
		r.found = Find(r.fsys)
		return inUsualOrder(readable(r.found, "."))
	}
	var all []string
	var found []Found
	for _, name := range names {
		name = path.Clean(name)
		if info, err := fs.Stat(r.fsys, name); err == nil && info.IsDir() {
			if found == nil {
				found = Find(r.fsys)
			}
			all = append(all, inUsualOrder(readable(found, name))...)
			continue
		}
		all = append(all, name)
	}
	return all
}

// readable are the files of a folder that are read.
func readable(found []Found, dir string) []string {
	var names []string
	for _, f := range found {
		if f.Why == "" && (dir == "." || strings.HasPrefix(f.Name, dir+"/")) {
			names = append(names, f.Name)
		}
	}
	return names
}

// readAll reads files, each with the reader of its kind.
func (r *reading) readAll(names []string) *fact.Set {
	for _, name := range names {
		r.read(path.Clean(name))
	}
	if len(r.bakeFiles) == 0 && !builds(r.sources...) && !slices.ContainsFunc(r.sources, bakes) {
		for _, name := range r.makefiles {
			r.sources = append(r.sources, r.makefile(name))
		}
	} else {
		r.leave(kindMake, func(string) bool { return true })
	}
	r.withoutCalled()
	for _, s := range r.sources {
		r.Add(s)
	}
	settings := r.runs()
	r.bakeFiles = slices.Concat(r.beside(), r.bakeFiles)
	if len(r.bakeFiles) == 0 && !builds(r.Set) {
		for _, name := range r.composed() {
			r.bakeFile(name)
		}
	} else {
		r.leave(kindCompose, func(name string) bool { return !r.isBakeFile(name) })
	}
	r.found = slices.DeleteFunc(r.found, func(f Found) bool { // a run of bake names it
		return f.Why == notByItself && r.isBakeFile(f.Name)
	})
	if len(r.bakeFiles) > 0 {
		read := bakefile.Read(r.fsys, r.bakeFiles, settings)
		r.unread = read.Diagnostics.HasErrors() && !builds(read)
		r.Add(read)
	}
	if len(r.dockerfiles) > 0 && !r.alreadyBuilt() {
		o := folder.Options{Name: r.options.Name, Registry: r.options.Registry}
		if !builds(r.Set) { // else the registry is that of the others
			o.Nowhere = definition.NoRegistry
		}
		r.Add(folder.Read(r.fsys, r.dockerfiles, o))
	}
	return r.Set
}

// read reads a file, or keeps it for a reader that takes several.
func (r *reading) read(name string) {
	src, err := fact.Read(r.fsys, name)
	if err != nil {
		r.Fail(fact.RuleNotUnderstood, fact.Start(name), fmt.Sprintf("Cannot read %s", name),
			fmt.Sprintf("Name a file of the repository, from its root (%v).", err))
		return
	}
	r.Texts[src.Name] = src.Text
	switch {
	case folder.Dockerfile(name):
		r.dockerfiles = append(r.dockerfiles, src)
	case pipeline.Named(name):
		r.sources = append(r.sources, pipeline.Read(r.fsys, src, pipeline.Options{Script: script.Read, GitConfig: r.options.GitConfig}))
	case makefile.Named(name) && r.isFound(name, kindMake):
		r.makefiles = append(r.makefiles, name)
	case makefile.Named(name):
		r.sources = append(r.sources, r.makefile(name))
	case otherKind(src) != "":
		r.Fail(fact.RuleNotUnderstood, fact.Start(src.Name), fmt.Sprintf("%s is %s", src.Name, otherKind(src)),
			"An import reads shell scripts, bake files in HCL, JSON and as compose, workflows of GitHub, pipelines of GitLab, "+
				"Makefiles, Dockerfiles, and a registry class and a table of tests in PHP. Name the files that build the images.")
	case isBakeFile(src) && r.isFound(name, kindCompose):
		r.compose = append(r.compose, name)
	case isBakeFile(src):
		r.bakeFile(name)
	case isPHP(src):
		found := php.Read(src)
		if r.registry != nil && found.Registry != nil {
			found.Fail(fact.RuleNotUnderstood, fact.Start(name), "There are two registry classes",
				fmt.Sprintf("The other is %s. This one was not read.", r.registry.Name))
			found.Tests = nil
		}
		if r.registry == nil {
			r.registry = found.Registry
		}
		r.sources = append(r.sources, found)
	default:
		r.sources = append(r.sources, script.Read(r.fsys, src))
	}
}

// makefile reads a Makefile.
func (r *reading) makefile(name string) *fact.Set {
	return makefile.Read(r.fsys, fact.NewFile(name, r.Texts[name]), makefile.Options{Script: script.Read})
}

// bakeFile keeps a bake file, which is read once, whoever builds it.
func (r *reading) bakeFile(name string) {
	if r.isBakeFile(name) {
		return
	}
	if src, err := fact.Read(r.fsys, name); err == nil {
		r.bakeFiles = append(r.bakeFiles, src)
	}
}

func (r *reading) isBakeFile(name string) bool {
	return slices.ContainsFunc(r.bakeFiles, func(f *fact.File) bool { return f.Name == name })
}

// isFound reports a file that was not named, and is of a kind.
func (r *reading) isFound(name, kind string) bool {
	return slices.ContainsFunc(r.found, func(f Found) bool { return f.Name == name && f.Kind == kind })
}

// leave says of files of a kind that were found why they are not read.
func (r *reading) leave(kind string, which func(name string) bool) {
	for i, f := range r.found {
		if f.Kind == kind && f.Why == "" && which(f.Name) {
			r.found[i].Why = "what is read builds no image of it; name it to import it"
			if kind != kindFolder {
				r.found[i].Why = "other files build images; name it to import it"
			}
		}
	}
}

// builds reports that an image is built.
func builds(sets ...*fact.Set) bool {
	return slices.ContainsFunc(sets, func(set *fact.Set) bool {
		return slices.ContainsFunc(set.Sources, func(s *fact.Source) bool {
			return slices.ContainsFunc(s.Events, func(e fact.Event) bool { return e.Build != nil })
		})
	})
}

// bakes reports that bake is run.
func bakes(set *fact.Set) bool { return len(set.Bakes) > 0 }

// withoutCalled leaves out scripts that were found, and that others run: they are
// read there, with what they are called with.
func (r *reading) withoutCalled() {
	if r.found == nil {
		return
	}
	kept := r.sources[:0:0]
	reads := func(a, b *fact.Set) bool { // a reads the file of b
		if len(a.Sources) == 0 || len(b.Sources) == 0 || a == b {
			return false
		}
		_, is := a.Texts[b.Sources[0].Name]
		return is
	}
	for i, s := range r.sources {
		called := slices.ContainsFunc(kept, func(o *fact.Set) bool { return reads(o, s) }) ||
			slices.ContainsFunc(r.sources[i+1:], func(o *fact.Set) bool { return reads(o, s) && !reads(s, o) })
		if !called {
			kept = append(kept, s)
		}
	}
	r.sources = kept
}

// alreadyBuilt reports that Dockerfiles were found, and are no images by themselves:
// something else builds images, and they are what it builds, or what nobody does.
func (r *reading) alreadyBuilt() bool {
	built := map[string]bool{}
	for _, s := range r.Sources {
		for _, e := range s.Events {
			if e.Build != nil {
				built[e.Build.DockerfilePath()] = true
			}
		}
	}
	if r.found != nil && len(built) == 0 && r.unread {
		for i, f := range r.found {
			if f.Kind == kindFolder && f.Why == "" {
				r.found[i].Why = "the bake files, which may build it, cannot be read; mend them, or name it to import it"
			}
		}
		return true
	}
	if r.found == nil || len(built) == 0 {
		return false
	}
	r.leave(kindFolder, func(name string) bool { return !built[name] })
	return true
}
