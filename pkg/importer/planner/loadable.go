package planner

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// loadable writes definitions that load: versions of which generate would say
// that they are wrong are left out, with what it would say.
func (p *planner) loadable() []File {
	for {
		if len(p.versions) == 0 {
			return nil
		}
		files := p.write()
		fsys := changeset.Over(p.fsys, Changes(files))
		set, diags := definition.Load(fsys)
		_, more := catalogue.Resolve(set, fsys)
		before := len(p.versions)
		changed := false
		for _, d := range slices.Concat(diags, more) {
			if d.Severity == hcl.DiagError && d.Subject != nil {
				changed = p.mend(fsys, d) || changed
			}
		}
		if !changed && len(p.versions) == before {
			return files
		}
		for _, v := range p.versions {
			if v.run != nil && !slices.Contains(p.versions, v.run) {
				v.run = nil
			}
		}
		p.interpret()
	}
}

// mend changes the versions that an error is about, or leaves them out.
func (p *planner) mend(fsys fs.FS, d *hcl.Diagnostic) bool {
	told := *d
	if d.Subject.Filename == definition.ProjectFile && p.common != nil && !strings.Contains(d.Summary, "platform") {
		p.common = nil
		told.Detail = strings.TrimSpace(told.Detail + " The project is without it, and what else all images have in common.")
		p.tell(fsys, &told, fact.RuleDefinition)
		return true
	}
	about := p.about(fsys, *d.Subject)
	if len(about) == 0 {
		return false
	}
	if strings.Contains(d.Summary, "platform") && p.soften(about, &told) {
		p.tell(fsys, &told, fact.RuleDefinition)
		return true
	}
	var ids []string
	p.versions = slices.DeleteFunc(p.versions, func(v *version) bool {
		if slices.Contains(about, v) {
			ids = append(ids, v.id())
			return true
		}
		return false
	})
	told.Detail = strings.TrimSpace(fmt.Sprintf("%s It is not imported: %s.", told.Detail, strings.Join(ids, ", ")))
	if path.Base(told.Subject.Filename) == definition.RuntimeFile {
		told.Subject = about[0].build.Range.Ptr()
	}
	p.tell(fsys, &told, fact.RuleDefinition)
	return true
}

// soften takes platforms away that cannot be in a definition.
func (p *planner) soften(about []*version, told *hcl.Diagnostic) bool {
	var first *version
	for _, v := range about {
		if len(v.platforms) == 0 {
			continue
		}
		first = cmp.Or(first, v)
		left := slices.DeleteFunc(slices.Clone(v.platforms), func(s string) bool {
			return strings.Contains(told.Summary, strconv.Quote(s))
		})
		if len(left) == len(v.platforms) {
			left = nil
		}
		v.platforms, v.softened = left, true
	}
	if first == nil {
		return false
	}
	told.Detail += fmt.Sprintf(" The definition of %s is without.", first.id())
	told.Subject = first.build.Range.Ptr()
	if at := first.build.Platforms; len(at) > 0 {
		told.Subject = at[0].Range.Ptr()
	}
	return true
}

// about finds the versions that a place of a definition or a Dockerfile is of.
func (p *planner) about(fsys fs.FS, at hcl.Range) []*version {
	var found []*version
	for _, v := range p.versions {
		ofProject := at.Filename == definition.ProjectFile && slices.Equal(v.platforms, p.assumed)
		if v.build.DockerfilePath() == at.Filename || ofProject {
			found = append(found, v)
		}
	}
	if len(found) > 0 || path.Base(at.Filename) != definition.RuntimeFile {
		return found
	}
	key, name := blockAt(fsys, at)
	for _, v := range p.versions {
		if v.dir == path.Dir(at.Filename) && (v.key == key || key == "") && (v.name == name || name == "") {
			found = append(found, v)
		}
	}
	return found
}

// blockAt is the runtime, and the version if it is in one, that a place of a
// definition is in.
func blockAt(fsys fs.FS, at hcl.Range) (key, name string) {
	text, _ := fs.ReadFile(fsys, at.Filename)
	file, _ := hclsyntax.ParseConfig(text, at.Filename, hcl.InitialPos)
	if file == nil {
		return "", ""
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return "", ""
	}
	inside := func(b *hclsyntax.Block) bool {
		r := b.Range()
		return r.Start.Byte <= at.Start.Byte && at.Start.Byte <= b.CloseBraceRange.End.Byte && len(b.Labels) > 0
	}
	for _, b := range body.Blocks {
		if !inside(b) {
			continue
		}
		key = b.Labels[0]
		for _, v := range b.Body.Blocks {
			if inside(v) {
				name = v.Labels[0]
			}
		}
	}
	return key, name
}

// tell reports what generate would say.
func (p *planner) tell(fsys fs.FS, d *hcl.Diagnostic, rule string) {
	d.Extra = fact.Finding{Rule: rule}
	p.Diagnostics = append(p.Diagnostics, d)
	if d.Subject != nil && p.sources[d.Subject.Filename] == nil {
		if text, err := fs.ReadFile(fsys, d.Subject.Filename); err == nil {
			p.sources[d.Subject.Filename] = text
		}
	}
}
