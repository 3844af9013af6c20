// Package planner makes definitions of what the readers of an import have found.
//
// It knows sources only as facts with their places: which builds are one image,
// what its definition is called, what sources leave out, and what they disagree
// on. Of the repository it looks at Dockerfiles and folders. What it writes is
// read back as generate will, and compared with the builds.
package planner

import (
	"fmt"
	"io/fs"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Result is what definitions come of what was found, and what is to be said of it
// besides what the readers said.
type Result struct {
	Files       []File // in the order of their names; none when there is nothing to import
	Images      int
	Notes       []fact.Note
	Diagnostics hcl.Diagnostics // in no order; each has a Finding in Extra
	Sources     map[string][]byte
}

// Plan makes definitions of what was found in the sources of a repository.
// registry is that of the project; "" for what images are pushed to.
func Plan(fsys fs.FS, found *fact.Set, registry string) *Result {
	p := &planner{
		Findings: &fact.Findings{}, fsys: fsys, sources: map[string][]byte{},
		dockerfiles: map[string]*dockerfile.File{}, scripts: found.Sources,
		registry: found.Registry.Clone(), table: found.Tests,
		given: registry, chosen: registry != "", common: found.Common, named: found.Groups, settable: found.Variables,
	}
	p.images, p.notes = gather(p.scripts, p.Findings)
	p.plan()
	p.drift()
	p.variables()
	plan := &Result{Files: p.loadable(), Images: len(p.versions), Sources: p.sources}
	if len(p.versions) > 0 {
		p.groups()
		p.assumedPlatforms()
		p.verify(plan.Files)
	}
	p.existing(plan.Files)
	plan.Notes, plan.Diagnostics = p.notes, p.Diagnostics
	return plan
}

// planner makes versions of images.
type planner struct {
	*fact.Findings
	notes       []fact.Note
	fsys        fs.FS
	sources     map[string][]byte
	scripts     []*fact.Source
	images      []*image
	registry    *fact.Registry
	table       []*fact.Test
	common      *fact.Common
	named       []*fact.Group
	settable    []*fact.Variable
	known       []string // folders of the repository
	given       string   // registry of the project
	chosen      bool     // by the caller
	registries  []string // that every image is brought to besides
	dockerfiles map[string]*dockerfile.File
	versions    []*version
	services    bool                       // none of them has anything of a runtime
	assumed     []string                   // platforms of the project
	byBuild     map[string][]*fact.Version // by the name of the build image
	byRun       map[string][]*fact.Version // by that of the run image
	byName      map[string]*image
}

func (p *planner) note(n fact.Note) { p.notes = append(p.notes, n) }

// plan makes a version of every image whose folder exists.
func (p *planner) plan() {
	p.index()
	for _, img := range p.images {
		if v := p.version(img); v != nil {
			p.versions = append(p.versions, v)
		}
	}
	p.contexts()
	p.loaded()
	p.prefixes()
	p.oneKind()
	p.unique()
	p.kinds()
	p.siblings()
	p.displays()
	p.repositories()
	p.locals()
	p.tests()
}

// index makes images and registered versions findable by name.
func (p *planner) index() {
	p.byBuild, p.byRun, p.byName = map[string][]*fact.Version{}, map[string][]*fact.Version{}, map[string]*image{}
	for _, img := range p.images {
		for _, n := range img.names {
			p.byName[n.id()] = img
		}
	}
	p.fill()
	p.forms()
	for _, r := range p.registry.Versions() {
		if n, err := parseName(r.Build); err == nil {
			p.byBuild[n.id()] = append(p.byBuild[n.id()], r)
		}
		if n, err := parseName(r.Run); err == nil && r.OwnRun() {
			p.byRun[n.id()] = append(p.byRun[n.id()], r)
		}
	}
}

// existing reports definitions that are there already.
func (p *planner) existing(files []File) {
	for _, file := range files {
		if _, err := fs.Stat(p.fsys, file.Name); err == nil {
			p.Fail(fact.RuleExists, fact.Start(file.Name), fmt.Sprintf("%s exists", file.Name),
				"An import writes new definitions and changes none: nothing is written. Move it away first.")
		}
	}
}
