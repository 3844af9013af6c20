package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// prefixes takes what tags have in common beside their version out of versions
// whose folders do not say theirs: v3-18 and v3-20 are 18 and 20.
func (p *planner) prefixes() {
	count := map[string]int{}
	for _, v := range p.versions {
		if before, _, ok := affix(v.tags[0], v.name); ok && before != "" {
			count[before]++
		}
	}
	for _, v := range p.versions {
		if before, _, digits := strings.Cut(v.name, "-"); digits && v.registered == nil && v.name == v.tags[0] {
			count[before+"-"]++
		}
	}
	short := func(v *version) string {
		before, rest, ok := strings.Cut(v.name, "-")
		if ok && v.registered == nil && v.name == v.tags[0] && count[before+"-"] > 1 &&
			startsWithDigit(rest) && !startsWithDigit(before) {
			return rest
		}
		return v.name
	}
	// What tells versions apart is not shared: alpine-3.21 beside trixie-3.21.
	seen, apart := map[string]bool{}, map[string]bool{}
	for _, v := range p.versions {
		id := v.key + "-" + short(v)
		apart[v.key] = apart[v.key] || seen[id]
		seen[id] = true
	}
	for _, v := range p.versions {
		if !apart[v.key] {
			v.name = short(v)
		}
	}
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// oneKind lets a key be of runtimes or of bases: a folder that looks like a base is
// none beside versions of a runtime, unless it runs what others make.
func (p *planner) oneKind() {
	runtimes, bases := map[string]bool{}, map[string]bool{}
	for _, v := range p.versions {
		runtimes[v.key] = runtimes[v.key] || !v.base
	}
	for _, v := range p.versions {
		if v.base && runtimes[v.key] && !p.runsOthers(v) {
			v.base = false
			p.note(fact.Note{
				Range: v.build.Context.Range,
				Text:  fmt.Sprintf("%s is no base: other versions of %s are a runtime", v.id(), v.key),
			})
		}
		bases[v.key] = bases[v.key] || v.base
	}
	for _, v := range p.versions {
		if !v.base && bases[v.key] {
			before := v.id()
			v.key += "-runtime"
			p.note(fact.Note{
				Range: v.build.Range, Kind: fact.Renamed,
				Text: fmt.Sprintf("%s is %s in definitions: %s is a base", before, v.id(),
					strings.TrimSuffix(v.key, "-runtime")),
			})
		}
	}
}

func (p *planner) runsOthers(v *version) bool {
	return slices.ContainsFunc(v.image.names, func(n name) bool { return len(p.byRun[n.id()]) > 0 })
}

// siblings lets the versions of a runtime tell what one of them leaves out.
func (p *planner) siblings() {
	byKey := map[string][]*version{}
	for _, v := range p.versions {
		byKey[v.key] = append(byKey[v.key], v)
	}
	pushes := map[string]bool{} // scripts that say platforms when they push
	for _, v := range p.versions {
		for _, b := range v.image.builds {
			pushes[b.Script] = pushes[b.Script] || b.Push && len(b.Platforms) > 0
		}
	}
	for _, v := range p.versions {
		p.siblingPlatforms(v, byKey[v.key])
		if b := v.build; b.Push && len(b.Platforms) == 0 && pushes[b.Script] {
			p.Warn(fact.RulePlatforms, b.Range,
				fmt.Sprintf("%s is pushed for one platform: that of the machine", v.id()),
				"It is built without --platform, and others of this script with it. The definition has all platforms "+
					"that are known for it, or the project's.")
		}
	}
}

// siblingPlatforms takes the platforms of the other versions for one that says
// none.
func (p *planner) siblingPlatforms(v *version, siblings []*version) {
	if len(v.platforms) > 0 {
		return
	}
	var said []*version
	for _, o := range siblings {
		if o != v && len(o.platforms) > 0 {
			said = append(said, o)
		}
	}
	if len(said) == 0 {
		return
	}
	most := common(said, func(o *version) string { return strings.Join(o.platforms, ",") })
	v.platforms = strings.Split(most, ",")
	p.note(fact.Note{
		Range: v.build.Range,
		Text:  fmt.Sprintf("%s is for %s: so are other versions of %s", v.id(), strings.Join(v.platforms, ", "), v.key),
	})
}

// withoutPlatforms reports entries that name no platforms where those of other
// versions of the runtime do.
func (p *planner) withoutPlatforms(r *fact.Version) {
	if len(r.Platforms) > 0 || r.SupportsGiven {
		return
	}
	at := slices.IndexFunc(r.Runtime.Versions, func(o *fact.Version) bool { return len(o.Platforms) > 0 })
	if at < 0 {
		return
	}
	other := r.Runtime.Versions[at]
	p.Warn(fact.RuleMissing, r.Range, fmt.Sprintf("%s %s has no platforms", r.Runtime.Key.Value, r.Version.Value),
		fmt.Sprintf("Other versions of %s have, see %s. The definition has what is built, or what they have.",
			r.Runtime.Key.Value, diag.Place(other.Range)), other.Range)
}

// runOfSiblings is what runs the other versions of a runtime; nil if they do not
// say one thing.
func (p *planner) runOfSiblings(v *version) *fact.Version {
	var found *fact.Version
	for _, r := range p.registry.Versions() {
		if r.Runtime.Key.Value != v.key || !r.OwnRun() || r == v.registered {
			continue
		}
		if found != nil && found.Run.Value != r.Run.Value {
			return nil
		}
		found = r
	}
	return found
}

// leftOut takes the run image of the other versions for one whose entry has none.
func (p *planner) leftOut(v *version) {
	r := v.registered
	if r == nil || r.RunGiven || r.Upstream.Value != "" {
		return
	}
	other := p.runOfSiblings(v)
	if other == nil || other.Upstream.Value != "" {
		return
	}
	r.Run = other.Run
	p.Warn(fact.RuleMissing, r.Range, fmt.Sprintf("%s %s has no run image", r.Runtime.Key.Value, r.Version.Value),
		fmt.Sprintf("Other versions of %s have %s, see %s. The definition has it, too.", r.Runtime.Key.Value,
			other.Run.Value, diag.Place(other.Run.Range)), other.Run.Range)
}

// interpret makes runtimes interpreted that are compiled, and of which nothing
// says what runs them: their own images do not.
func (p *planner) interpret() {
	for _, v := range p.versions {
		if !v.compiled || v.run != nil {
			continue
		}
		for _, o := range p.versions {
			if o.key == v.key && o.run != nil && slices.Contains(p.versions, o.run) {
				v.run = o.run
				p.note(fact.Note{
					Range: v.build.Range,
					Text:  fmt.Sprintf("%s is run by %s: so is %s", v.id(), v.run.id(), o.id()),
				})
				break
			}
		}
	}
	for _, v := range p.versions {
		if v.compiled && v.run == nil {
			for _, o := range p.versions {
				if o.key == v.key {
					o.compiled, o.run = false, nil
				}
			}
			p.Fail(fact.RuleNotUnderstood, v.build.Range, fmt.Sprintf("Nothing says what runs %s", v.id()),
				"It is compiled, and its image does not run it. Its definition is of an interpreted runtime until something does: "+
					`write kind = "compiled", and the base that runs it, for example run = base.debian["12"].`)
		}
	}
}
