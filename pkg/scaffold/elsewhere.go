package scaffold

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// elsewhere is what a new version is built from where the newest one says a
// context or a Dockerfile of its own: paths in which its version stands become
// those of the new one, with a copy of what is there; others are shared.
type elsewhere struct {
	attributes []text            // of the version block
	copies     map[string]string // folder or file → what it is copied to
}

// elsewhere finds what is built from another place than the folder of the
// definition.
func (s *sibling) elsewhere(version string, fsys fs.FS) elsewhere {
	e := elsewhere{copies: map[string]string{}}
	own := func(a *definition.String) bool { return a != nil }
	context, named := s.folder, "Dockerfile"
	for _, b := range []struct{ context, dockerfile *definition.String }{
		{s.block.Context, s.block.Dockerfile}, {s.version.Context, s.version.Dockerfile},
	} {
		if own(b.context) {
			context = b.context.Value
		}
		if own(b.dockerfile) {
			named = b.dockerfile.Value
		}
	}
	if dockerfile.KindOf(context) == dockerfile.RemoteContext { // nothing of it is here: the new version says the same
		if own(s.version.Context) {
			e.attributes = append(e.attributes, text{"context", context})
		}
		if own(s.version.Dockerfile) {
			e.attributes = append(e.attributes, text{"dockerfile", named})
		}
		return e
	}
	to := s.moved(context, version)
	file := path.Join(context, named)
	toFile := s.moved(file, version)
	if own(s.version.Context) || own(s.block.Context) && to != context {
		e.attributes = append(e.attributes, text{"context", to})
	}
	if name := relative(to, toFile); own(s.version.Dockerfile) || own(s.block.Dockerfile) && name != named {
		e.attributes = append(e.attributes, text{"dockerfile", name})
	}
	if to != context && (own(s.version.Context) || own(s.block.Context)) && !exists(fsys, to) {
		e.copies[context] = to
	}
	if dir := path.Dir(file); toFile != file && s.moved(dir, version) == dir || !within(file, context) && !within(file,
		s.folder) && toFile != file {
		if !exists(fsys, toFile) {
			e.copies[file] = toFile
		}
	}
	return e
}

// moved is a path for a new version: that of the newest with its id, or the
// version itself where a part of the path ends with it, changed.
func (s *sibling) moved(name, version string) string {
	old, key := s.version.Name.Value, s.block.Key.Value
	parts := strings.Split(name, "/")
	for i, part := range parts {
		switch rest, ends := strings.CutSuffix(part, old); {
		case strings.Contains(part, key+"-"+old):
			parts[i] = replaceAt(part, key+"-"+old, key+"-"+version)
		case ends && (rest == "" || strings.HasSuffix(rest, "-") || strings.HasSuffix(rest, "_")):
			parts[i] = rest + version
		}
	}
	return strings.Join(parts, "/")
}

// replaceAt replaces a name where it is not part of a longer version.
func replaceAt(s, old, with string) string {
	if at := strings.Index(s, old); standsAt([]byte(s), at, old) {
		return s[:at] + with + s[at+len(old):]
	}
	return s
}

func within(name, dir string) bool { return dir == "." || strings.HasPrefix(name, dir+"/") }

// relative is the path of a file from a folder; both are paths from the root.
func relative(dir, name string) string {
	if dir == "." {
		return name
	}
	from, to := strings.Split(dir, "/"), strings.Split(name, "/")
	for len(from) > 0 && len(to) > 1 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}

// copy adds copies of what is elsewhere to a change.
func (e elsewhere) copy(c *Change, s *sibling, version string, given settings, fsys fs.FS) error {
	change := s.replacer(c.ID, version, given)
	for from, to := range e.copies {
		info, err := fs.Stat(fsys, from)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		if info.IsDir() {
			c.folders = append(c.folders, to)
		}
		files, err := sources(fsys, from)
		if err != nil {
			return fmt.Errorf("%s is not copied: %w; copy what is needed yourself", from, err)
		}
		for _, f := range files {
			if isProse(f.Path) || !info.IsDir() {
				f.Content = change(f.Content)
			}
			f.Path = to + cmp.Or(strings.TrimPrefix(f.Path, from), "")
			c.Files = append(c.Files, f)
			for _, line := range linesWith(f.Content, s.version.Name.Value, version) {
				c.Next = append(c.Next, fmt.Sprintf("look at %s:%d, which says %s", f.Path, line, s.version.Name.Value))
			}
		}
	}
	return nil
}
