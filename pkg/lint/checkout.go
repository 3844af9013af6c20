package lint

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/runbake/runbake/pkg/dockerfile"
)

// pointer begins a file that Git LFS keeps elsewhere, which is a small one:
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
const (
	pointer    = "version https://git-lfs.github.com/spec/v1\n"
	maxPointer = 1024
)

// checkedOut reports submodules that are empty and pointers of Git LFS, where a
// build takes them.
func checkedOut(s *subject) []finding {
	if len(s.checkout.Submodules) == 0 && !s.checkout.LFS {
		return nil
	}
	var found []finding
	for _, source := range s.sources(s.version, s.image) {
		dir, named := s.contextOf(s.version, source.Context), ""
		if source.Context == dockerfile.MainContext {
			named = s.version.Dockerfile
		}
		context := s.folder(dir, named)
		for _, module := range s.checkout.Submodules {
			below, inside := strings.CutPrefix(module, path.Clean(dir)+"/")
			if path.Clean(dir) == "." {
				below, inside = module, true
			}
			if inside && overlap(source.Path, below) && !context.excludes(below) && s.empty(module) {
				found = append(found, finding{
					at: source.Range, summary: fmt.Sprintf("The submodule %s is not checked out", module),
					fix: "Run git submodule update --init --recursive.",
				})
			}
		}
		if s.checkout.LFS {
			found = append(found, s.pointers(source, dir, context)...)
		}
	}
	return found
}

// pointers are the files of Git LFS that a source takes.
func (l *linter) pointers(source dockerfile.Source, dir string, context *folder) []finding {
	var found []finding
	for _, name := range context.names {
		full := path.Join(dir, name)
		if overlap(source.Path, name) && l.isPointer(full) {
			found = append(found, finding{
				at: source.Range, summary: fmt.Sprintf("%s is a pointer of Git LFS", full),
				fix: "Run git lfs pull.",
			})
		}
	}
	return found
}

// isPointer looks into small files, once.
func (l *linter) isPointer(name string) bool {
	is, done := l.lfs[name]
	if done {
		return is
	}
	info, err := fs.Stat(l.fsys, name)
	if err == nil && info.Mode().IsRegular() && info.Size() < maxPointer {
		text, err := fs.ReadFile(l.fsys, name)
		is = err == nil && strings.HasPrefix(string(text), pointer)
	}
	l.lfs[name] = is
	return is
}

// empty reports whether a folder has nothing in it, or is not there.
func (l *linter) empty(dir string) bool {
	entries, err := fs.ReadDir(l.fsys, dir)
	return err != nil || len(entries) == 0
}

// overlap reports whether what a source takes has to do with a path: it is that,
// above it, or below it.
func overlap(source, name string) bool {
	if source == "." || source == "" || within(source, name) {
		return true
	}
	_, above := match(source, name)
	return above
}
