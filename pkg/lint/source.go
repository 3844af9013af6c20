package lint

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// sourceState is what a build finds at a path of a context.
type sourceState int

const (
	sourceThere sourceState = iota
	sourceMissing
	sourceDangling // a link to nothing, or out of the context
	sourceIgnored  // there, and left out by an ignore file
)

// copySource reports what an instruction takes and the context does not have.
func copySource(s *subject) []finding {
	var found []finding
	for _, source := range s.sources(s.version, s.image) {
		what := source.Path
		if source.Context != dockerfile.MainContext {
			what = fmt.Sprintf("%s of the context %s", source.Path, source.Context)
		}
		switch dir := s.contextOf(s.version, source.Context); s.sourceState(s.version, source) {
		case sourceMissing:
			f := finding{
				at: source.Range, summary: "There is no " + what,
				detail: fmt.Sprintf("The context is %s.", dir),
			}
			if wild(source.Path) { // which BuildKit accepts
				f.soft, f.summary = true, "Nothing matches "+what
				f.detail = "BuildKit copies nothing then, and says nothing."
			}
			if s.checkout.Sparse {
				f.detail += " This checkout is sparse, and may leave it out: git sparse-checkout list."
			}
			found = append(found, f)
		case sourceDangling:
			found = append(found, finding{
				at: source.Range, summary: fmt.Sprintf("%s leads to nothing in the context", what),
				detail: fmt.Sprintf("It is a symbolic link, or finds one, and none leads out of the context, "+
					"which is %s.", dir),
			})
		case sourceThere, sourceIgnored:
		}
	}
	return found
}

// ignoredSources are the findings of BuildKit's check CopyIgnoredFile, which
// needs the context. A source that is named fails the build.
func (l *linter) ignoredSources(v *catalogue.Version, img *image) []finding {
	var found []finding
	for _, source := range l.sources(v, img) {
		if l.sourceState(v, source) == sourceIgnored {
			found = append(found, finding{
				at: source.Range, summary: fmt.Sprintf("Attempting to Copy file %q that is excluded by .dockerignore",
					source.Path),
				detail: "Take it out of .dockerignore, or do not copy it.", soft: wild(source.Path),
			})
		}
	}
	return found
}

// sources are the paths that the build of a version takes from folders.
func (l *linter) sources(v *catalogue.Version, img *image) []dockerfile.Source {
	found, done := l.taken[v]
	if !done {
		all := img.file.Sources(v.Stage, v.Args, v.Platforms, slices.Sorted(maps.Keys(v.Contexts)))
		found = slices.DeleteFunc(all, func(s dockerfile.Source) bool { return l.contextOf(v, s.Context) == "" })
		l.taken[v] = found
	}
	return found
}

// contextOf is the folder of a context; "" when it is none.
func (*linter) contextOf(v *catalogue.Version, name string) string {
	if name == dockerfile.MainContext {
		return v.Context
	}
	if dir := v.Contexts[name]; dockerfile.KindOf(dir) == dockerfile.FolderContext {
		return dir
	}
	return ""
}

// sourceState looks for a path in its context.
func (l *linter) sourceState(v *catalogue.Version, source dockerfile.Source) sourceState {
	dir, named := l.contextOf(v, source.Context), ""
	if source.Context == dockerfile.MainContext {
		named = v.Dockerfile
	}
	context := l.folder(dir, named)
	if wild(source.Path) {
		matches := func(name string) bool { _, whole := match(source.Path, name); return whole }
		dangles := func(name string) bool {
			below, whole := match(source.Path, name)
			if !whole || below != "" { // links below a folder stay links
				return false
			}
			_, err := dockerfile.Follow(l.fsys, dir, name)
			return err != nil
		}
		switch {
		case slices.ContainsFunc(context.names, dangles):
			return sourceDangling
		case context.partial, strings.Contains(source.Path, "**"), slices.ContainsFunc(context.names, matches):
			return sourceThere
		case slices.ContainsFunc(context.ignored, matches):
			return sourceIgnored
		}
		return sourceMissing
	}
	target, err := dockerfile.Follow(l.fsys, dir, source.Path)
	if err != nil {
		if _, lerr := fs.Lstat(l.fsys, path.Join(dir, source.Path)); lerr == nil {
			return sourceDangling
		}
		return sourceMissing
	}
	below := strings.TrimPrefix(strings.TrimPrefix(target, path.Clean(dir)), "/")
	if path.Clean(dir) == "." {
		below = target
	}
	if context.excludes(below) {
		return sourceIgnored
	}
	return sourceThere
}

// excludes reports whether an ignore file leaves out a path and all below it.
func (f *folder) excludes(name string) bool {
	if f.ignore == nil || name == "" || name == "." {
		return false
	}
	out, err := f.ignore.MatchesOrParentMatches(name)
	below := func(n string) bool { return within(n, name) }
	return err == nil && out && !f.partial && !slices.ContainsFunc(f.names, below)
}

// wild reports whether a path has wildcards.
func wild(name string) bool { return strings.ContainsAny(name, "*?[") }
