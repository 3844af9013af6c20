package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// groups notes names for several images that are none of the emitted file: that
// has groups of all images and of each runtime.
func (p *planner) groups(all []*fact.Group) {
	for _, g := range all {
		have := map[*version]bool{}
		keys := map[string]bool{}
		names := make([]string, 0, len(g.Members))
		for _, m := range g.Members {
			names = append(names, m.Target)
			if v := p.tagged(m.Tag); v != nil {
				have[v], keys[v.key] = true, true
			}
		}
		of := slices.DeleteFunc(slices.Clone(p.versions), func(v *version) bool { return !keys[v.key] })
		whole := len(have) == len(p.versions) || len(keys) == 1 && len(have) == len(of)
		if len(have) < 2 || whole {
			continue
		}
		p.note(fact.Note{
			Range: g.Name.Range, Kind: fact.LeftOut,
			Text: fmt.Sprintf("the group %s (%s): name its targets when you build", g.Name.Value, some(names)),
		})
	}
}

// some lists names, the first ones of many.
func some(names []string) string {
	const most = 6
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// tagged is the version with a name; nil if none has it.
func (p *planner) tagged(tag string) *version {
	n, err := parseName(fact.Text{Value: tag})
	if err != nil {
		return nil
	}
	at := slices.IndexFunc(p.versions, func(v *version) bool {
		return slices.ContainsFunc(v.image.names, func(o name) bool { return o.full() == n.full() })
	})
	if at < 0 {
		return nil
	}
	return p.versions[at]
}

// contexts leaves out versions with named contexts that no definition can say:
// without them they would be other images.
func (p *planner) contexts() {
	p.versions = slices.DeleteFunc(p.versions, func(v *version) bool {
		for _, c := range slices.Concat(v.build.Images, v.build.Upstream) {
			p.Fail(fact.RuleInexpressible, c.Range,
				fmt.Sprintf("%s takes %s as its context %q", v.image.names[0].id(), c.Value, c.Name),
				"Named contexts of definitions are folders. It is left out: name that image in its Dockerfile, and import again.")
			return true
		}
		return false
	})
}

// needs are the requirements of a build as values that can be compared.
func needs(r fact.Requirements) []map[string]string {
	lone := map[string]string{}
	if r.Network != nil {
		lone["network"] = r.Network.Value
	}
	if r.ShmSize != nil {
		lone["shm_size"] = r.ShmSize.Value
	}
	for _, t := range r.SSH {
		lone["ssh "+t.Value] = ""
	}
	for _, t := range r.Entitlements {
		lone["entitlement "+t.Value] = ""
	}
	return []map[string]string{pairs(r.Secrets), pairs(r.ExtraHosts), pairs(r.Ulimits), lone}
}

// sameNeeds reports builds whose steps need the same.
func sameNeeds(a, b fact.Requirements) bool {
	return slices.EqualFunc(needs(a), needs(b), maps.Equal)
}
