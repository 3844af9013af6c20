package importer

import (
	"fmt"
	"io/fs"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// Plan is what definitions come of what was found, and what is to be said of it.
type Plan struct {
	Files       []File // in the order of their names; none when there is nothing to import
	Images      int
	Notes       []fact.Note
	Diagnostics hcl.Diagnostics // in no order; each has a Finding in Extra
	Sources     map[string][]byte
}

// define makes definitions of what was found in the sources of a repository.
// registry is that of the project; "" for what images are pushed to.
func define(fsys fs.FS, found *fact.Set, registry string) *Plan {
	p := &planner{
		Findings: &fact.Findings{}, fsys: fsys, sources: map[string][]byte{}, scripts: found.Sources, registry: found.Registry,
		table: found.Tests, given: registry, chosen: registry != "", dockerfiles: map[string]*dockerfile.File{},
	}
	p.images, p.notes = gather(p.scripts, p.Findings)
	p.plan()
	p.drift()
	plan := &Plan{Files: p.loadable(), Images: len(p.versions), Sources: p.sources}
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
