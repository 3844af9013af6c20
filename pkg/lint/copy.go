package lint

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"

	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// copied is what COPY and ADD have in common.
type copied struct {
	instructions.SourcesAndDest
	from, chown, chmod string
	exclude            []string
	parents            bool
}

// copy puts the files of the context, or of a named one, where the instruction
// puts them. What comes from other stages and images is unknown.
func (l *linter) copy(img *image, s *dockerfile.Step, c copied) {
	given := s.Expand(c.DestPath)
	dest := s.Path(given)
	isDir := strings.HasSuffix(given, "/") || path.Base(given) == "." || path.Base(given) == ".." || img.dirs[dest] ||
		len(c.SourcePaths)+len(c.SourceContents) > 1
	owner := "root:root"
	if chown := s.Expand(c.chown); chown != "" {
		owner = img.ownerName(chown, false)
	}
	chmod := s.Expand(c.chmod)
	for _, inline := range c.SourceContents {
		name := dest
		if isDir {
			name = path.Join(dest, inline.Path)
		}
		img.place(name, &placed{exec: execOf(chmod, false), at: s.Range})
	}
	dir, local := img.version.Context, true
	if c.from != "" {
		dir, local = img.version.Contexts[dockerfile.ContextName(c.from)]
		local = local && !dockerfile.StageNumber(c.from) && dockerfile.KindOf(dir) == dockerfile.FolderContext
	}
	wholeDir := isDir
	for _, source := range c.SourcePaths {
		source = s.Expand(source)
		if !local || strings.Contains(source, "://") {
			img.opaque = append(img.opaque, dest)
			continue
		}
		wholeDir = l.copySource(img, s, c, dir, source, dest, chmod, isDir) || wholeDir
	}
	target := dest
	if !wholeDir {
		target = path.Dir(dest)
	}
	for _, d := range contract.Dirs() {
		if within(target, d) || img.placedBy(s, d) {
			img.written(d, owner, s)
		}
	}
}

// placedBy reports whether an instruction has put a file below a folder.
func (img *image) placedBy(s *dockerfile.Step, dir string) bool {
	for name, f := range img.files {
		if f.at == s.Range && within(name, dir) {
			return true
		}
	}
	return false
}

// copySource puts one source in its place, and reports whether it is a folder.
func (l *linter) copySource(img *image, s *dockerfile.Step, c copied, dir, source, dest, chmod string,
	isDir bool,
) bool {
	dockerfileName := ""
	if c.from == "" {
		dockerfileName = img.version.Dockerfile
	}
	context := l.folder(dir, dockerfileName)
	pattern := path.Clean("/" + source)[1:]
	exclude, err := patternmatcher.New(c.exclude)
	if err != nil {
		exclude = nil
	}
	folder := false
	for _, name := range context.names {
		below, whole := match(pattern, name)
		if !whole {
			continue
		}
		if exclude != nil && len(c.exclude) > 0 {
			if out, err := exclude.MatchesOrParentMatches(name); err == nil && out {
				continue
			}
		}
		to := dest
		switch {
		case c.parents:
			to = path.Join(dest, name)
		case below != "":
			to, folder = path.Join(dest, below), true
		case isDir || strings.ContainsAny(pattern, "*?["):
			to = path.Join(dest, path.Base(name))
		}
		file := path.Join(dir, name)
		img.place(to, &placed{
			source: file, exec: execOf(chmod, strings.HasSuffix(name, ".sh") && l.executable(file)),
			at: s.Range,
		})
	}
	return folder
}

// match reports whether a source names a file, or a folder above it, and then
// what the path is below that folder.
func match(pattern, name string) (below string, ok bool) {
	if pattern == "" {
		return name, true
	}
	parts := strings.Split(name, "/")
	depth := strings.Count(pattern, "/") + 1
	if depth > len(parts) {
		return "", false
	}
	if ok, err := path.Match(pattern, strings.Join(parts[:depth], "/")); err != nil || !ok {
		return "", false
	}
	return strings.Join(parts[depth:], "/"), true
}

// execOf reads --chmod; without it the mode of the checkout counts.
func execOf(chmod string, checkout bool) execBit {
	if chmod == "" {
		if checkout {
			return byCheckout
		}
		return notExecutable
	}
	if exec, known := modeExecutes(chmod); known && !exec {
		return notExecutable
	}
	return byDockerfile
}

// modeExecutes reads a mode of chmod: whether it sets the bit, or takes it
// away; known is false when it does neither.
func modeExecutes(mode string) (exec, known bool) {
	if bits, err := strconv.ParseUint(mode, 8, 16); err == nil {
		return bits&0o111 != 0, true
	}
	for part := range strings.SplitSeq(mode, ",") {
		at := strings.IndexAny(part, "+-=")
		if at < 0 {
			continue
		}
		sets := strings.ContainsAny(part[at+1:], "xX")
		switch {
		case sets && part[at] != '-':
			exec, known = true, true
		case sets, part[at] == '=':
			known = true
		}
	}
	return exec, known
}

func (img *image) place(name string, f *placed) {
	img.files[name] = f
	img.makeDirOnly(path.Dir(name))
}

// makeDirOnly notes folders that must be there.
func (img *image) makeDirOnly(dir string) {
	for p := dir; p != "/" && p != "." && !img.dirs[p] && !slices.Contains(contract.Dirs(), p); p = path.Dir(p) {
		img.dirs[p] = true
	}
}

// written notes that files of an owner were put into one of the folders.
func (img *image) written(dir, owner string, s *dockerfile.Step) {
	f := img.own[dir]
	switch {
	case f == nil:
		img.makeDir(dir, owner, s.Range)
	case f.owned && f.owner != owner:
		f.late = append(f.late, s.Range)
	}
}
