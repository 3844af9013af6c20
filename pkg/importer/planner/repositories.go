package planner

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// hubLibrary is where docker takes names without a registry to be.
const hubLibrary = "docker.io/library"

// repositories finds the registry of the project, and what each image is called
// below it. An image of another host has a registry of its own.
func (p *planner) repositories() {
	bare := p.bare()
	most := p.host()
	var prefix []string
	for _, v := range p.versions {
		if v.path == "" {
			continue
		}
		v.prefer(most)
		parts := strings.Split(v.path, "/")
		switch {
		case parts[0] != most:
			v.registry = v.path
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
		if v.registry != "" {
			continue
		}
		if below := strings.Trim(strings.TrimPrefix(v.path, registry), "/"); v.path != "" && below != "" {
			v.label = below + "/" + v.repo
		}
	}
	if p.given != "" { // to which all images go
		for _, v := range p.versions {
			v.registry = ""
			v.alone(nil, p)
		}
		return
	}
	p.further(registry)
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

// prefer takes a path of a host, where an image is pushed to several.
func (v *version) prefer(host string) {
	of := func(path string) bool { return path == host || strings.HasPrefix(path, host+"/") }
	if of(v.path) {
		return
	}
	for _, other := range slices.Sorted(maps.Keys(v.paths)) {
		if of(other) {
			v.path = other
			return
		}
	}
}

// further finds the registries that every image is brought to besides, which a project
// says once, and tells of what only some images are brought to.
func (p *planner) further(registry string) {
	count := map[string]int{}
	for _, v := range p.versions {
		for _, other := range v.others() {
			if root, is := v.root(other); is && root != registry {
				count[root]++
			}
		}
	}
	for _, root := range slices.Sorted(maps.Keys(count)) {
		if count[root] == len(p.versions) {
			p.registries = append(p.registries, root)
		}
	}
	for _, v := range p.versions {
		v.alone(p.registries, p)
	}
}

// others are the paths that an image is pushed to besides its first, in their order.
func (v *version) others() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(v.paths)), func(path string) bool { return path == v.path })
}

// root is the registry that a path is in as the image's own is in that of the project;
// false where the image has other tags there, or another place.
func (v *version) root(other string) (string, bool) {
	below := path.Dir(v.label)
	root, is := other, true
	if below != "." {
		root, is = strings.CutSuffix(other, "/"+below)
	}
	has := func(tag string) bool {
		return slices.ContainsFunc(v.image.names, func(n name) bool {
			return n.registry != "" && hub(n.registry) == other && n.repo == v.repo && n.tag == tag
		})
	}
	return root, is && v.registry == "" && !slices.ContainsFunc(v.tags, func(tag string) bool { return !has(tag) })
}

// alone tells of the paths of an image that are in none of the registries.
func (v *version) alone(registries []string, p *planner) {
	for _, other := range v.others() {
		if root, is := v.root(other); is && slices.Contains(registries, root) {
			continue
		}
		n, at := v.paths[other], v.paths[v.path].at
		p.Fail(fact.RuleInexpressible, n.at, fmt.Sprintf("%s is pushed to %s and to %s", n.id(), v.path, other),
			fmt.Sprintf("A version has one registry, and those of the project are for all images and all their tags; the first "+
				"is imported, see %s.", diag.Place(at)), at)
	}
}

// brought reports a name that an image has in one of the further registries.
func (p *planner) brought(v *version, n name) bool {
	if n.registry == "" {
		return false
	}
	root, is := v.root(hub(n.registry))
	return is && slices.Contains(p.registries, root)
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
		if slices.Contains(have, n.full()) || n.repo != v.repo || p.brought(v, n) {
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
