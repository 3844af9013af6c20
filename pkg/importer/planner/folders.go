package planner

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Bounds of what is looked at to find where something has gone.
const (
	maxFolders     = 20_000
	maxFolderDepth = 6
)

// folders are those of the repository, in the order of their names.
func (p *planner) folders() []string {
	if p.known == nil {
		p.known = listFolders(p.fsys)
	}
	return p.known
}

func listFolders(fsys fs.FS) []string {
	all := []string{}
	_ = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // what cannot be read has no Dockerfile for anybody
		case !d.IsDir():
			return nil
		case len(all) >= maxFolders:
			return fs.SkipAll
		case name == ".":
			return nil
		case slices.Contains([]string{".git", "node_modules", "vendor"}, d.Name()),
			strings.Count(name, "/") >= maxFolderDepth:
			return fs.SkipDir
		}
		all = append(all, name)
		return nil
	})
	return all
}

// nearFolder is the folder that was probably meant: one with a Dockerfile and the
// same name elsewhere, or with a name that is near.
func (p *planner) nearFolder(name string) string {
	var names, bases []string
	for _, dir := range p.folders() {
		if !p.isFile(path.Join(dir, "Dockerfile")) {
			continue
		}
		if path.Base(dir) == path.Base(name) {
			return dir
		}
		names, bases = append(names, dir), append(bases, path.Base(dir))
	}
	if near := diag.Suggest(path.Base(name), bases); near != "" {
		return names[slices.Index(bases, near)]
	}
	return diag.Suggest(name, names)
}

// nearFile is the Dockerfile that was probably meant: one beside it, or of a
// folder that is called the same.
func (p *planner) nearFile(name string) string {
	var beside []string
	elsewhere := ""
	for _, dir := range append([]string{path.Dir(name)}, p.folders()...) {
		entries, _ := fs.ReadDir(p.fsys, dir)
		for _, e := range entries {
			switch file := path.Join(dir, e.Name()); {
			case e.IsDir() || !strings.Contains(strings.ToLower(e.Name()), "docker"):
			case dir == path.Dir(name):
				beside = append(beside, file)
			case e.Name() == path.Base(name) && path.Base(dir) == path.Base(path.Dir(name)):
				elsewhere = cmp.Or(elsewhere, file)
			}
		}
	}
	return cmp.Or(diag.Suggest(name, beside), elsewhere)
}

// address reports whether a definition can have the address that a build has as its
// context.
func (p *planner) address(b *fact.Build) bool {
	err := dockerfile.CheckRemote(b.Context.Value, false)
	if err != nil {
		p.Fail(fact.RuleInexpressible, b.Context.Range, fmt.Sprintf("The context %s is no address", fact.Shorten(diag.Masked(b.Context.Value))),
			fmt.Sprintf("Definitions have addresses of git repositories, and what an HTTP server gives (%v). The build is left out.", err))
	}
	return err == nil
}

// exists reports a folder or file that a build needs and that is not there.
func (p *planner) exists(b *fact.Build) bool {
	meant := func(near string) string {
		if near == "" {
			return "The build fails; it is not imported."
		}
		return fmt.Sprintf("Did you mean %s? The build fails; it is not imported.", near)
	}
	if b.Remote {
		return p.address(b)
	}
	info, err := fs.Stat(p.fsys, b.Context.Value)
	if err != nil || !info.IsDir() {
		p.Fail(fact.RuleFolder, b.Context.Range, fmt.Sprintf("Folder %s does not exist", b.Context.Value),
			meant(p.nearFolder(b.Context.Value)))
		return false
	}
	name := b.DockerfilePath()
	if info, err := fs.Stat(p.fsys, name); err != nil || info.IsDir() {
		at := b.Context.Range
		if b.Dockerfile != nil {
			at = b.Dockerfile.Range
		}
		p.Fail(fact.RuleFolder, at, fmt.Sprintf("%s does not exist", name), meant(p.nearFile(name)))
		return false
	}
	return true
}
