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
		Findings: &fact.Findings{}, fsys: fsys, sources: map[string][]byte{}, scripts: found.Sources, registry: found.Registry.Clone(),
		table: found.Tests, given: registry, chosen: registry != "", dockerfiles: map[string]*dockerfile.File{},
	}
	p.images, p.notes = gather(p.scripts, p.Findings)
	p.plan()
	p.drift()
	plan := &Result{Files: p.loadable(), Images: len(p.versions), Sources: p.sources}
	if len(p.versions) > 0 {
		p.assumedPlatforms()
		p.verify(plan.Files)
	}
	p.existing(plan.Files)
	plan.Notes, plan.Diagnostics = p.notes, p.Diagnostics
	return plan
}

// existing reports definitions that are there already.
func (p *planner) existing(files []File) {
	for _, file := range files {
		if _, err := fs.Stat(p.fsys, file.Name); err == nil {
			p.Fail(fact.RuleExists, fact.Start(file.Name), fmt.Sprintf("%s exists", file.Name), "An import writes new definitions and changes none: nothing is written. Move it away first.")
		}
	}
}
