package planner

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// hubLibrary is where docker takes names without a registry to be.
const hubLibrary = "docker.io/library"

// repositories finds the registry of the project, and what each image is called
// below it.
func (p *planner) repositories() {
	bare := p.bare()
	most := p.host()
	var prefix []string
	for _, v := range p.versions {
		if v.path == "" {
			continue
		}
		parts := strings.Split(v.path, "/")
		switch {
		case parts[0] != most:
			p.Fail(fact.RuleInexpressible, v.build.Range,
				fmt.Sprintf("%s is pushed to %s, and others to %s", v.id(), parts[0], most),
				"Definitions have one registry for all images. The definition has the registry of the others.")
			v.path = ""
		case prefix == nil:
			prefix = parts
		default:
			prefix = sharedStart(prefix, parts)
		}
	}
	registry := strings.Join(prefix, "/")
	for _, v := range p.versions {
		if v.path == "" && hubLibrary == path.Join(registry, "library") {
			v.path = hubLibrary // as docker does
		}
		v.label = v.repo
		if below := strings.Trim(strings.TrimPrefix(v.path, registry), "/"); v.path != "" && below != "" {
			v.label = below + "/" + v.repo
		}
	}
	if p.given != "" {
		return
	}
	p.given = registry
	if registry == "" {
		p.given = hubLibrary
		if len(p.versions) > 0 {
			bare = append(bare, p.versions[0].build.Tags[0].Range)
		}
	}
	if len(bare) > 0 {
		detail := "Docker takes them for docker.io/library, where only its own images are. Set registry in " +
			"runbake.hcl, or import with --registry."
		if len(bare) > 1 {
			detail += fmt.Sprintf(" Also at %s.", fact.Enumerate(bare[1:]))
		}
		p.Warn(fact.RuleRegistry, bare[0], "Images have names without a registry", detail, bare[1:]...)
	}
}

// bare gives images that are pushed without a registry the one that docker takes
// them to be in, and returns where they are named.
func (p *planner) bare() []hcl.Range {
	var places []hcl.Range
	for _, v := range p.versions {
		if v.path != "" || !v.build.Push {
			continue
		}
		v.path = hubLibrary
		places = append(places, v.build.Tags[0].Range)
	}
	return places
}

// host is the registry that most images are pushed to.
func (p *planner) host() string {
	hosts := map[string]int{}
	for _, v := range p.versions {
		if v.path != "" {
			host, _, _ := strings.Cut(v.path, "/")
			hosts[host]++
		}
	}
	most := ""
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		if most == "" || hosts[host] > hosts[most] {
			most = host
		}
	}
	return most
}

func sharedStart(a, b []string) []string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// renamed says, line by line, which names of scripts are none of the definitions
// any more. have are the names that bake gives a version.
func (p *planner) renamed(v *version, have []string) {
	said := map[string]bool{}
	for _, n := range v.image.names {
		if slices.Contains(have, n.full()) || n.repo != v.repo {
			continue // as it was, or reported as left out
		}
		local := n.registry == "" && slices.ContainsFunc(v.image.names,
			func(o name) bool { return o.registry != "" && o.id() == n.id() })
		if local && !p.chosen {
			continue // what scripts call it that push nothing: REGISTRY= gives that
		}
		to := have[0]
		for _, h := range have {
			if strings.HasSuffix(h, ":"+n.tag) {
				to = h
			}
		}
		written := n.id()
		if n.registry != "" {
			written = n.registry + "/" + written
		}
		if !said[written] {
			said[written] = true
			p.note(fact.Note{Range: n.at, Kind: fact.Renamed, Text: fmt.Sprintf("%s is %s", written, to)})
		}
	}
}
