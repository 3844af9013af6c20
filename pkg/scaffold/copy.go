package scaffold

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
)

// What a folder may hold to be copied: more is not source.
const (
	maxFiles = 1000
	maxBytes = 16 << 20
)

// copied is a folder for a new version, like that of the newest one. The
// version changes where it certainly stands; other places that have the old
// one are left to do.
func (s *sibling) copied(id, version string, given settings, fsys fs.FS) (*Change, error) {
	folder := path.Join(path.Dir(s.folder), id)
	c := &Change{ID: id, folders: []string{folder}}
	place := s.elsewhere(version, fsys)
	given.place = place.attributes
	delete(place.copies, s.folder)
	if err := place.copy(c, s, version, given, fsys); err != nil {
		return nil, err
	}
	change := s.replacer(id, version, given)
	files, err := sources(fsys, s.folder)
	if err != nil {
		return nil, fmt.Errorf("%s is not copied: %w; copy what is needed yourself", s.folder, err)
	}
	for _, f := range files {
		name := strings.TrimPrefix(f.Path, s.folder+"/")
		switch {
		case name == definition.RuntimeFile:
			if f.Content, err = s.definition(f.Content, version, given); err != nil {
				return nil, err
			}
		case isProse(name):
			f.Content = change(f.Content)
		}
		f.Path = path.Join(folder, name)
		c.Files = append(c.Files, f)
		for _, line := range linesWith(f.Content, s.version.Name.Value, version) {
			c.Next = append(c.Next, fmt.Sprintf("look at %s:%d, which says %s", f.Path, line, s.version.Name.Value))
		}
	}
	return c, nil
}

// sources reads the files of a folder.
func sources(fsys fs.FS, folder string) ([]changeset.File, error) {
	var files []changeset.File
	size := 0
	err := fs.WalkDir(fsys, folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		if len(files) == maxFiles || info.Size() > int64(maxBytes-size) {
			return fmt.Errorf("it has more than %d files or %d MiB", maxFiles, maxBytes>>20)
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		size += len(content)
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		files = append(files, changeset.File{Path: name, Mode: mode, Content: content})
		return nil
	})
	return files, err
}

// definition changes the one version of a definition, and nothing else in it.
func (s *sibling) definition(src []byte, version string, given settings) ([]byte, error) {
	file := s.block.Range.Filename
	f, diags := hclwrite.ParseConfig(src, file, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	if len(f.Body().Blocks()) != 1 {
		return nil, fmt.Errorf("%s is not copied: %s has more than one block; copy it yourself", s.folder, file)
	}
	block := f.Body().Blocks()[0].Body().FirstMatchingBlock("version", []string{s.version.Name.Value})
	if block == nil {
		return nil, fmt.Errorf("%s has no version %q that can be changed", file, s.version.Name.Value)
	}
	block.SetLabels([]string{version})
	block.Body().RemoveAttribute("deprecated")
	block.Body().RemoveAttribute("end_of_life")
	if len(given.from)+len(given.platforms)+len(given.place) > 0 || given.run != nil {
		openUp(block.Body())
	}
	around := f.Body().Blocks()[0].Body()
	shared := given
	shared.place, given.place = split(given.place, func(a text) bool { return around.GetAttribute(a.name) != nil })
	shared.writePlace(around)
	given.writePlace(block.Body())
	given.writeFrom(block.Body())
	given.writeRun(block.Body())
	out := f.Bytes()
	if bytes.Equal(hclwrite.Format(src), src) {
		out = tidy(f)
	}
	return out, nil
}

// split separates attributes that have something from others.
func split(all []text, has func(text) bool) (with, without []text) {
	for _, a := range all {
		if has(a) {
			with = append(with, a)
		} else {
			without = append(without, a)
		}
	}
	return with, without
}

// openUp gives a block that is on one line several: there, HCL allows one
// attribute at the most.
func openUp(body *hclwrite.Body) {
	if bytes.ContainsRune(body.BuildTokens(nil).Bytes(), '\n') {
		return
	}
	values := map[string]hclwrite.Tokens{}
	for name, a := range body.Attributes() {
		values[name] = a.Expr().BuildTokens(nil)
		body.RemoveAttribute(name)
	}
	body.AppendNewline()
	for name, tokens := range values {
		body.SetAttributeRaw(name, tokens)
	}
}

// isProse says whether a file is of the sort in which a version is named for
// people, or for the shell. Elsewhere, as in the lock file of a package
// manager, the same digits mean something else.
func isProse(name string) bool {
	base := path.Base(name)
	return path.Ext(base) == ".md" || path.Ext(base) == ".sh" || strings.HasPrefix(base, "Dockerfile") || base == ".dockerignore"
}

// replacer changes names of the old version to those of the new one: images,
// what stands in front of their tags, ids, and the version itself if it has a
// dot. A bare number could be any other.
func (s *sibling) replacer(id, version string, given settings) func([]byte) []byte {
	old := s.version.Name.Value
	pairs := map[string]string{s.block.Key.Value + "-" + old: id}
	if s.block.Name != nil {
		pairs[s.block.Name.Value+" "+old] = s.block.Name.Value + " " + version
	}
	if strings.Contains(old, ".") {
		pairs[old] = version
	}
	for _, f := range given.from {
		was := s.image(f.arg)
		if was == "" {
			continue
		}
		pairs[was] = f.image
		if a, b := release(was), release(f.image); strings.Contains(a, ".") && b != "" && a != old {
			pairs[a] = b
		}
	}
	names := make([]string, 0, len(pairs))
	for name := range pairs {
		names = append(names, name)
	}
	// The longest first: a version is part of the others.
	slices.SortFunc(names, func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return func(text []byte) []byte {
		var out []byte
		for i := 0; i < len(text); {
			n := slices.IndexFunc(names, func(name string) bool { return standsAt(text, i, name) })
			if n < 0 {
				out = append(out, text[i])
				i++
				continue
			}
			out = append(out, pairs[names[n]]...)
			i += len(names[n])
		}
		return out
	}
}

// image is what the newest version takes for a build argument, if that is
// written as it is.
func (s *sibling) image(arg string) string {
	for _, m := range []*definition.Map{s.version.From, s.block.From} {
		if m == nil {
			continue
		}
		for _, item := range m.Items {
			if item.Key.Value != arg {
				continue
			}
			if v, diags := item.Value.Value(nil); !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type().FriendlyName() == "string" {
				return v.AsString()
			}
		}
	}
	return ""
}

// released is the version that a tag starts with.
var released = regexp.MustCompile(`:([0-9]+(?:\.[0-9]+)*)`)

func release(ref string) string {
	m := released.FindStringSubmatch(path.Base(ref))
	if m == nil {
		return ""
	}
	return m[1]
}

// standsAt says whether a name is at a place in a text, and is not part of a
// longer version there.
func standsAt(text []byte, at int, name string) bool {
	if !bytes.HasPrefix(text[at:], []byte(name)) {
		return false
	}
	digit := func(i int) bool { return i >= 0 && i < len(text) && '0' <= text[i] && text[i] <= '9' }
	dot := func(i int) bool { return i >= 0 && i < len(text) && text[i] == '.' }
	end := at + len(name)
	before := digit(at) && (digit(at-1) || dot(at-1) && digit(at-2))
	after := digit(end-1) && (digit(end) || dot(end) && digit(end+1))
	return !before && !after
}

// linesWith lists the lines that have a version, up to ten of them.
func linesWith(text []byte, old, version string) []int {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil
	}
	var lines []int
	number := 0
	for line := range bytes.Lines(text) {
		number++
		for i := range line {
			// A new version may have the old one in it: 1.2 in 1.2-rc.
			if standsAt(line, i, old) && !standsAt(line, i, version) && len(lines) < 10 {
				lines = append(lines, number)
				break
			}
		}
	}
	return lines
}
