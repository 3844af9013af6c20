package lint

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/shell"
)

// maxText is how much of a file is read, and maxFiles how many of a folder.
const (
	maxText  = shell.MaxSize
	maxFiles = 20_000
)

// text is a file of the repository.
type text struct {
	name    string
	data    []byte
	offsets []int // of lines
}

// text reads a file once; its data is nil when it cannot be read, or is too
// large.
func (l *linter) text(name string) *text {
	if t := l.texts[name]; t != nil {
		return t
	}
	t := l.read(name)
	l.texts[name] = t
	return t
}

// read reads a file without keeping it.
func (l *linter) read(name string) *text {
	t := &text{name: name}
	info, err := fs.Stat(l.fsys, name)
	if err == nil && info.Mode().IsRegular() && info.Size() <= maxText {
		t.data, _ = fs.ReadFile(l.fsys, name) // nothing to check when it cannot be read
	}
	t.index()
	return t
}

// executable reports whether the mode of a file says so.
func (l *linter) executable(name string) bool {
	info, err := fs.Stat(l.fsys, name)
	return err == nil && info.Mode()&0o111 != 0
}

func (t *text) index() {
	t.offsets = []int{0}
	for i, c := range t.data {
		if c == '\n' && i+1 < len(t.data) {
			t.offsets = append(t.offsets, i+1)
		}
	}
}

// line is the text of a line, without its end.
func (t *text) line(number int) string {
	if number < 1 || number > len(t.offsets) {
		return ""
	}
	rest := t.data[t.offsets[number-1]:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	return strings.TrimRight(string(rest), "\r")
}

// lines is the range of whole lines.
func (t *text) lines(first, last int) hcl.Range {
	first = min(max(first, 1), len(t.offsets))
	last = min(max(last, first), len(t.offsets))
	end := t.line(last)
	return hcl.Range{
		Filename: t.name,
		Start:    hcl.Pos{Line: first, Column: 1, Byte: t.offsets[first-1]},
		End:      hcl.Pos{Line: last, Column: 1 + utf8.RuneCountInString(end), Byte: t.offsets[last-1] + len(end)},
	}
}

// part is the range of some bytes of one line.
func (t *text) part(from, to int) hcl.Range {
	line := sort.SearchInts(t.offsets, from+1)
	start := t.offsets[line-1]
	column := func(at int) int { return 1 + utf8.RuneCount(t.data[start:at]) }
	return hcl.Range{
		Filename: t.name,
		Start:    hcl.Pos{Line: line, Column: column(from), Byte: from},
		End:      hcl.Pos{Line: line, Column: column(to), Byte: to},
	}
}

// folder is what a build context, or another folder, holds.
type folder struct {
	names   []string // files, from the folder, sorted
	ignored []string // those that .dockerignore leaves out
	partial bool     // there are more
	ignore  *patternmatcher.PatternMatcher
}

// folder lists the files of a folder. Those that .dockerignore, or the one of
// the Dockerfile, leaves out stand apart.
func (l *linter) folder(dir, named string) *folder {
	key := dir + "\x00" + named
	if f := l.folders[key]; f != nil {
		return f
	}
	f := &folder{}
	l.folders[key] = f
	f.ignore = l.ignore(dir, named)
	_ = fs.WalkDir(l.fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // what cannot be read is not there
		}
		if entry.IsDir() {
			if entry.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		if len(f.names)+len(f.ignored) >= maxFiles {
			f.partial = true
			return fs.SkipAll
		}
		name = strings.TrimPrefix(name, dir+"/")
		if f.ignore != nil {
			if out, err := f.ignore.MatchesOrParentMatches(name); err == nil && out {
				f.ignored = append(f.ignored, name)
				return nil
			}
		}
		f.names = append(f.names, name)
		return nil
	})
	return f
}

// ignoreFiles are where it may be said what a context leaves out: the first one that is
// there says it.
func ignoreFiles(dir, named string) []string {
	if named == "" {
		return nil
	}
	return []string{path.Join(dir, named) + ".dockerignore", path.Join(dir, ".dockerignore")}
}

// ignoreFile finds patterns that are none. Where two lines are wrong, BuildKit says the
// first.
func ignoreFile(s *subject) []finding {
	for _, name := range ignoreFiles(s.version.Context, s.version.Dockerfile) {
		if _, err := dockerfile.Read(s.fsys, name); err != nil {
			continue // there is none
		}
		t := s.text(name)
		var found []finding
		number := 0
		for line := range strings.Lines(string(t.data)) {
			number++
			patterns, err := ignorefile.ReadAll(strings.NewReader(line))
			if err != nil || len(patterns) == 0 {
				continue
			}
			if _, err := patternmatcher.MatchesOrParentMatches("x", patterns); err != nil {
				found = append(found, finding{
					at: t.lines(number, number), summary: fmt.Sprintf("%q is no pattern", strings.TrimSpace(line)),
				})
			}
		}
		return found
	}
	return nil
}

// ignore reads the file that says what a context leaves out; nil for none.
func (l *linter) ignore(dir, named string) *patternmatcher.PatternMatcher {
	for _, name := range ignoreFiles(dir, named) {
		data, err := dockerfile.Read(l.fsys, name)
		if err != nil {
			continue // there is none
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		m, err := patternmatcher.New(patterns)
		if err != nil {
			return nil
		}
		return m
	}
	return nil
}

// has reports whether a folder of the repository holds a file of exactly that
// name, also where the file system ignores case.
func (l *linter) has(dir, name string) bool {
	return slices.Contains(l.entries(dir), name)
}

// entries lists the files of a folder, without what is below it.
func (l *linter) entries(dir string) []string {
	names, done := l.listings[dir]
	if done {
		return names
	}
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		entries = nil // there is none
	}
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	l.listings[dir] = names
	return names
}

// script is a shell script that an image has.
type script struct {
	*shell.Script
	text    *text
	problem *hcl.Diagnostic // why it cannot be parsed
	words   []string
}

// script finds a script of an image: what is at /usr/local/src, or else the
// file of that name in the context, so that it is checked before it is copied.
func (l *linter) script(img *image, name string) *script {
	source := path.Join(img.version.Context, name)
	if f := img.files[path.Join(contract.SourceDir, name)]; f != nil {
		source = f.source
		if f.source == "" {
			return nil
		}
	} else if img.version.Runtime.Contract == catalogue.NoContract {
		return nil // the name means nothing there
	}
	if s, done := l.scripts[source]; done {
		return s
	}
	l.scripts[source] = nil
	t := l.text(source)
	if t.data == nil {
		return nil
	}
	s := &script{text: t}
	s.Script, s.problem = shell.Parse(source, t.data)
	for _, w := range s.Words() {
		s.words = append(s.words, w.Text)
	}
	l.scripts[source] = s
	return s
}

// mentions reports whether a word of the script contains all of the texts
// together, or some words each one.
func (s *script) mentions(parts ...string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool {
		return !slices.ContainsFunc(s.words, func(w string) bool { return strings.Contains(w, p) })
	})
}
