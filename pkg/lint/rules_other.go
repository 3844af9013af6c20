package lint

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/contract"
)

// marker is what lint looks for.
const marker = contract.Marker + ":"

func fixture(s *subject) []finding {
	rt := s.version.Runtime
	switch {
	case rt.Kind == catalogue.Base || rt.Partial:
	case rt.Fixture == "":
		return []finding{{at: s.head(), summary: fmt.Sprintf("%q has no fixture", rt.Key)}}
	case rt.Entrypoint == "":
		return []finding{{at: s.head(), summary: fmt.Sprintf("%q has no entrypoint", rt.Key)}}
	}
	return nil
}

func fixtureEntrypoint(s *subject) []finding {
	rt := s.version.Runtime
	if rt.Fixture == "" || rt.Entrypoint == "" ||
		slices.Contains(s.folder(path.Clean(rt.Fixture), "").names, rt.Entrypoint) {
		return nil
	}
	return []finding{{
		at: s.head(), summary: fmt.Sprintf("%s has no %s", rt.Fixture, rt.Entrypoint),
		detail: fmt.Sprintf("The entrypoint of %q is %s.", rt.Key, rt.Entrypoint),
	}}
}

// unfinished reports every mark in the folders of a runtime.
func unfinished(s *subject) []finding {
	rt := s.version.Runtime
	dirs := []string{s.dir, s.version.Context}
	for _, file := range []string{rt.Behaviour, rt.Broken} {
		if file != "" {
			dirs = append(dirs, path.Dir(path.Clean(file)))
		}
	}
	if rt.Fixture != "" {
		dirs = append(dirs, path.Clean(rt.Fixture))
	}
	slices.Sort(dirs)
	var found []finding
	for _, dir := range slices.Compact(dirs) {
		if dir == "." || slices.Contains(s.catalogue.Project.Homes(), dir) {
			continue // not this runtime's alone
		}
		found = append(found, s.marksIn(dir)...)
	}
	return found
}

// marksIn lists the marks of all files below a folder. Files without one are
// not kept: there may be many.
func (l *linter) marksIn(dir string) []finding {
	found, done := l.marks[dir]
	if done {
		return found
	}
	for _, name := range l.folder(dir, "").names {
		full := path.Join(dir, name)
		t := l.texts[full]
		if t == nil {
			t = l.read(full)
		}
		if marks := t.marks(); len(marks) > 0 {
			found = append(found, marks...)
		}
	}
	l.marks[dir] = found
	return found
}

// marks lists the marks of a text file.
func (t *text) marks() []finding {
	var found []finding
	for from := 0; ; {
		at := bytes.Index(t.data[from:], []byte(marker))
		if at < 0 || bytes.IndexByte(t.data[:min(len(t.data), 1024)], 0) >= 0 {
			return found
		}
		at += from
		end := len(t.data)
		if eol := bytes.IndexByte(t.data[at:], '\n'); eol >= 0 {
			end = at + eol
		}
		what := strings.TrimSpace(string(t.data[at+len(marker) : end]))
		found = append(found, finding{
			at:      t.part(at, at+len(strings.TrimRight(string(t.data[at:end]), "\r "))),
			summary: "Something is left to write", detail: strings.ToValidUTF8(sentenceEnd(what), ""),
		})
		from = end
	}
}

// sentenceEnd is the text of a comment up to where the comment ends: what stands
// behind it on the line is something else.
func sentenceEnd(s string) string {
	for _, end := range []string{"-->", "*/"} {
		s, _, _ = strings.Cut(s, end)
	}
	s = sentence(strings.TrimRight(s, ". */->"))
	if s == "" {
		return ""
	}
	return s + "."
}
