package site

import (
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/sbom"
)

// Package is a package with the platforms whose images have it.
type Package struct {
	sbom.Package
	Platforms string // "" for all of them
}

// Packages are those of all platforms, sorted.
func (p *Published) Packages() []Package {
	where := map[sbom.Package][]string{}
	var all []sbom.Package
	for _, platform := range p.Platforms {
		for _, pkg := range platform.Packages {
			if where[pkg] == nil {
				all = append(all, pkg)
			}
			if !slices.Contains(where[pkg], platform.Name) {
				where[pkg] = append(where[pkg], platform.Name)
			}
		}
	}
	slices.SortFunc(all, sbom.Compare)
	packages := make([]Package, 0, len(all))
	for _, pkg := range all {
		row := Package{Package: pkg}
		if len(where[pkg]) < len(p.Platforms) {
			row.Platforms = strings.Join(where[pkg], ", ")
		}
		packages = append(packages, row)
	}
	return packages
}
