package scaffold

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
)

// Update is what has changed in the library of a runtime since it was taken.
type Update struct {
	Key      string
	From, To string // versions of runbake
	Gone     bool   // the library has it no more
	// Edited says that files are not as they came: the update would undo that.
	Edited bool
	Files  []changeset.File // sorted by path
}

// originLine is what [Library.origin] writes.
var originLine = regexp.MustCompile(`^` + originMark + `(\S+), (h1:\S+)\.\n`)

// Updates lists what has changed of the runtimes that a repository has from the library,
// sorted by key. What has not changed is not among it.
func (l *Library) Updates(r Repository) ([]Update, error) {
	var all []Update
	for _, b := range fromLibrary(r.Set) {
		m := originLine.FindSubmatch(r.Set.Sources[b.Range.Filename])
		u := Update{Key: b.Key.Value, From: string(m[1]), To: l.Version}
		rt := l.find(b.Key.Value)
		if rt == nil {
			u.Gone = true
			all = append(all, u)
			continue
		}
		changed, err := l.update(&u, r, b, rt, string(m[2]))
		if err != nil {
			return nil, err
		}
		if changed {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b Update) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// Taken are the keys of what a repository has from the library, sorted.
func Taken(set *definition.Set) []string {
	var keys []string
	for _, b := range fromLibrary(set) {
		keys = append(keys, b.Key.Value)
	}
	slices.Sort(keys)
	return keys
}

// fromLibrary are the blocks that came from the library: the first ones of their files.
func fromLibrary(set *definition.Set) []*definition.Block {
	var all []*definition.Block
	seen := map[string]bool{}
	for _, b := range set.Blocks {
		if file := b.Range.Filename; !seen[file] && originLine.Match(set.Sources[file]) {
			all = append(all, b)
			seen[file] = true
		}
	}
	return all
}

// update compares one runtime; taken is the hash of the files that came.
func (l *Library) update(
	u *Update,
	r Repository,
	b *definition.Block,
	rt *catalogue.Runtime,
	came string,
) (bool, error) {
	s, err := newest(l.Set, rt)
	if err != nil {
		return false, err
	}
	places := placesIn(r, b, rt, s)
	files, err := l.files(rt, s, places)
	if err != nil {
		return false, err
	}
	if hash(files) == came {
		return false, nil
	}
	u.Edited = !asCame(r.FS, places, files, came)
	for _, f := range files {
		old, err := fs.ReadFile(r.FS, f.Path)
		if err == nil && bytes.Equal(old, f.Content) {
			continue
		}
		f.Old = old
		u.Files = append(u.Files, f.File)
	}
	src := r.Set.Sources[b.Range.Filename]
	head, text := l.origin(files), originLine.ReplaceAll(src, nil)
	_, text, _ = bytes.Cut(text, []byte("\n")) // the second line of the comment
	u.Files = append(u.Files, changeset.File{
		Path: b.Range.Filename, Mode: 0o644, Content: slices.Concat(head, text), Old: src,
	})
	slices.SortFunc(u.Files, func(a, b changeset.File) int { return strings.Compare(a.Path, b.Path) })
	return true, nil
}

// placesIn are the folders of the library, and where a repository has them by now.
func placesIn(r Repository, b *definition.Block, rt *catalogue.Runtime, s *sibling) map[string]string {
	places := map[string]string{s.folder: b.Dir}
	if context := rt.Versions[len(rt.Versions)-1].Context; context != s.folder {
		places[context] = b.Dir
	}
	for _, own := range r.Catalogue.Runtimes {
		if own.Key != rt.Key {
			continue
		}
		for _, pair := range [][2]string{
			{rt.Fixture, own.Fixture}, {path.Dir(rt.Behaviour), path.Dir(own.Behaviour)}, {path.Dir(rt.Broken), path.Dir(own.Broken)},
		} {
			if pair[0] != "" && pair[0] != "." && pair[1] != "" && pair[1] != "." {
				places[path.Clean(pair[0])] = path.Clean(pair[1])
			}
		}
	}
	return places
}

// asCame reports that the files of a runtime are those that came, by their hash.
func asCame(fsys fs.FS, places map[string]string, files []taken, came string) bool {
	names := map[string]string{} // by path
	for _, f := range files {
		names[f.Path] = f.name
	}
	var have []taken
	for dir, at := range places {
		err := fs.WalkDir(fsys, at, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Base(name) == definition.RuntimeFile {
				return err
			}
			content, err := fs.ReadFile(fsys, name)
			f := taken{
				names[name],
				changeset.File{Path: name, Content: bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))},
			}
			if f.name == "" {
				f.name = path.Join(dir, strings.TrimPrefix(name, at+"/"))
			}
			if !slices.ContainsFunc(have, func(o taken) bool { return o.Path == name }) {
				have = append(have, f)
			}
			return err
		})
		if err != nil {
			return false // what cannot be read is not what came
		}
	}
	slices.SortFunc(have, func(a, b taken) int { return strings.Compare(a.name, b.name) })
	return hash(have) == came
}

// String says what a person wants to know of an update first.
func (u Update) String() string {
	switch {
	case u.Gone:
		return fmt.Sprintf("%s: the library of runbake %s has it no more", u.Key, u.To)
	case u.Edited:
		return fmt.Sprintf("%s: %s since %s, and files that you have edited", u.Key, plural(len(u.Files)-1), u.From)
	}
	return fmt.Sprintf("%s: %s since %s", u.Key, plural(len(u.Files)-1), u.From)
}

func plural(files int) string {
	if files == 1 {
		return "1 file has changed"
	}
	return fmt.Sprintf("%d files have changed", files)
}
