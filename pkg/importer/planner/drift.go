package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// drift says what sources disagree on, beyond the builds of one image.
func (p *planner) drift() {
	p.missing()
	for _, img := range p.images {
		p.titles(img)
	}
	for _, r := range p.registry.Versions() {
		p.registeredImage(r)
		p.withoutPlatforms(r)
	}
	p.otherPrefixes()
	if p.registry == nil {
		return
	}
	for _, v := range p.versions {
		p.registeredPlatforms(v)
		if v.deprecated == unknownDay {
			p.Warn(fact.RuleDeprecated, v.registered.Deprecated.Range,
				fmt.Sprintf("%s is deprecated, and nothing says since when", v.id()),
				fmt.Sprintf("The definition has %s: write the day.", unknownDay))
		}
		if v.registered == nil && !v.base {
			p.Warn(fact.RuleNotRegistered, v.build.Range, fmt.Sprintf("%s is built, and not registered", v.id()),
				fmt.Sprintf("%s has no version with this image. The definition has it.", p.registry.Name),
				fact.Start(p.registry.Name))
		}
	}
}

// missing reports images that one script has and another has not. Scripts that
// have nothing in common are parts of one, and are not compared.
func (p *planner) missing() {
	has := func(img *image, script string) bool {
		return slices.ContainsFunc(img.builds, func(b *fact.Build) bool { return b.Script == script })
	}
	for i, a := range p.scripts {
		for _, b := range p.scripts[i+1:] {
			if !slices.ContainsFunc(p.images, func(img *image) bool { return has(img, a.Name) && has(img, b.Name) }) {
				continue
			}
			for _, img := range p.images {
				switch {
				case has(img, a.Name) && !has(img, b.Name):
					p.reportMissing(img, a.Name, b.Name)
				case has(img, b.Name) && !has(img, a.Name):
					p.reportMissing(img, b.Name, a.Name)
				}
			}
		}
	}
}

func (p *planner) reportMissing(img *image, there, not string) {
	for _, b := range img.builds {
		if b.Script == there {
			p.Warn(fact.RuleMissing, b.Range, fmt.Sprintf("%s is not in %s", img.names[0].id(), not),
				"The definition has it: it is built here.", fact.Start(not))
			return
		}
	}
}

// titles compares what a script says before a build with what it builds.
func (p *planner) titles(img *image) {
	var own *version
	for _, v := range p.versions {
		if v.image == img {
			own = v
		}
	}
	for _, b := range img.builds {
		called, version, ok := title(b.Title)
		if !ok {
			continue
		}
		same := func(n name) bool {
			_, _, own := affix(n.tag, version)
			return own || sameVersionText(version, n.tag)
		}
		_, folder := split(strings.TrimSuffix(b.Context.Value, "/"))
		if !slices.ContainsFunc(img.names, same) && !sameVersionText(version, folder) &&
			(own == nil || !sameVersionText(version, own.name)) {
			p.Warn(fact.RuleTitle, b.Title.Range,
				fmt.Sprintf("The message says %s, and the image is %s", version, img.names[0].id()),
				fmt.Sprintf("It is built at %s. The definition follows the command.", diag.Place(b.Range)), b.Range)
			continue
		}
		for _, other := range p.versions {
			if own != nil && other.key != own.key && isCalled(other, called) && !isCalled(own, called) {
				p.Warn(fact.RuleTitle, b.Title.Range,
					fmt.Sprintf("The message says %s, and the image is %s", called, img.names[0].id()),
					fmt.Sprintf("It is built at %s. The definition follows the command.", diag.Place(b.Range)), b.Range)
				break
			}
		}
	}
}

func isCalled(v *version, s string) bool {
	return strings.EqualFold(v.display, s) || strings.EqualFold(v.key, s)
}

// sameVersionText takes 16 and 16.0 for the same.
func sameVersionText(a, b string) bool {
	return a == b || strings.HasPrefix(b, a+".") || strings.HasPrefix(a, b+".") && b != ""
}

// registeredImage compares a registered version with what is built.
func (p *planner) registeredImage(r *fact.Version) {
	n, err := parseName(r.Build)
	if err != nil {
		p.Fail(fact.RuleNotUnderstood, r.Build.Range, fmt.Sprintf("Invalid image name %q", fact.Shorten(r.Build.Value)),
			fmt.Sprintf("Write name:tag in lower case (%v).", err))
		return
	}
	id := r.Runtime.Key.Value + " " + r.Version.Value
	for _, other := range p.registry.Versions() {
		if other == r {
			break
		}
		if other.Runtime.Key.Value == r.Runtime.Key.Value && other.Version.Value == r.Version.Value {
			p.Warn(fact.RuleRegisteredKey, r.Range, fmt.Sprintf("%s is registered twice", id),
				fmt.Sprintf("The other is at %s. A version is one definition.", diag.Place(other.Range)), other.Range)
			return
		}
	}
	built := p.byName[n.id()]
	if of := p.versionOf(r); built == nil && of != nil {
		p.Warn(fact.RuleRegisteredImage, r.Build.Range,
			fmt.Sprintf("%s is registered as %s, and built as %s", id, n.id(), of.image.names[0].id()),
			fmt.Sprintf("It is built of its folder at %s. The definition has the name that is built.",
				diag.Place(of.build.Range)), of.build.Range)
		return
	}
	if built == nil {
		p.Warn(fact.RuleNotBuilt, r.Build.Range, fmt.Sprintf("%s is registered, and %s is not built", id, n.id()),
			p.whyNotBuilt(r, n))
		return
	}
	var owner *version
	for _, v := range p.versions {
		if v.image == built {
			owner = v
		}
	}
	if owner == nil || owner.registered == r {
		if !ownTag(built, r.Version.Value) {
			p.Warn(fact.RuleRegisteredImage, r.Build.Range,
				fmt.Sprintf("%s is registered with the image %s", id, n.id()),
				fmt.Sprintf("It is built at %s. The definition has the version %s with that tag.",
					diag.Place(built.main.Range), r.Version.Value), built.main.Range)
		}
		return
	}
	if owner.registered == nil {
		p.Warn(fact.RuleRegisteredImage, r.Build.Range, fmt.Sprintf("%s is registered with the image %s", id, n.id()),
			fmt.Sprintf("It is %s, built at %s. %s", owner.id(), diag.Place(built.main.Range), p.ownBuild(r, n)),
			built.main.Range)
		return
	}
	p.Warn(fact.RuleRegisteredImage, r.Build.Range,
		fmt.Sprintf("%s is registered with the image of %s", id, owner.id()),
		fmt.Sprintf("It is registered at %s and built at %s. %s", diag.Place(owner.registered.Range),
			diag.Place(built.main.Range), p.ownBuild(r, n)), owner.registered.Range, built.main.Range)
}

// ownBuild says where the image of a version is built that is registered with
// another.
func (p *planner) ownBuild(r *fact.Version, n name) string {
	if img := p.ownImage(r, n); img != nil {
		return fmt.Sprintf("The definition has %s, built at %s.", img.names[0].id(), diag.Place(img.main.Range))
	}
	return fmt.Sprintf("%s:%s is built nowhere: the version is not imported.", n.repo, r.Version.Value)
}

// ownTag reports an image with a tag of a version: 8.0, or v3-8.0.
func ownTag(img *image, version string) bool {
	return slices.ContainsFunc(img.names, func(n name) bool {
		_, _, ok := affix(n.tag, version)
		return ok
	})
}

// versionOf is the version that is made of an entry; nil if none is.
func (p *planner) versionOf(r *fact.Version) *version {
	at := slices.IndexFunc(p.versions, func(v *version) bool { return v.registered == r })
	if at < 0 {
		return nil
	}
	return p.versions[at]
}

func (p *planner) whyNotBuilt(r *fact.Version, n name) string {
	var names []string
	for _, img := range p.images {
		for _, o := range img.names {
			if o.repo == n.repo || o.tag == n.tag {
				names = append(names, o.id())
			}
		}
	}
	if near := diag.Suggest(n.id(), names); near != "" && !strings.HasPrefix(near, n.repo+":") {
		return fmt.Sprintf("Did you mean %s? The version is not imported.", near)
	}
	return fmt.Sprintf("No script builds it. The version %s is not imported.", r.Version.Value)
}

// otherPrefixes reports tags that begin in another way than those of most
// runtimes: v2-8.0 among v3-….
func (p *planner) otherPrefixes() {
	count := map[string]int{}
	all := 0
	prefix := func(v *version) string {
		before, _, _ := affix(v.tags[0], v.name)
		return before
	}
	for _, v := range p.versions {
		if !v.base {
			count[prefix(v)]++
			all++
		}
	}
	for most, n := range count {
		if n*2 <= all || n < 3 || most == "" {
			continue
		}
		for _, v := range p.versions {
			if before := prefix(v); !v.base && before != most {
				p.Warn(fact.RuleTags, v.build.Tags[0].Range,
					fmt.Sprintf("The tag %s does not begin with %s", v.tags[0], most),
					fmt.Sprintf("Those of %d of %d images do. The definition has this tag.", n, all))
			}
		}
	}
}

// registeredPlatforms compares platforms with those of a registry class.
func (p *planner) registeredPlatforms(v *version) {
	r := v.registered
	if r == nil || len(r.Platforms) == 0 || len(v.build.Platforms) == 0 {
		return
	}
	registered, built := texts(r.Platforms), texts(v.build.Platforms)
	at, other := r.Platforms[0].Range, v.build.Platforms[0].Range
	at = hcl.RangeBetween(at, r.Platforms[len(r.Platforms)-1].Range)
	if missing := without(registered, built); len(missing) > 0 {
		p.Warn(fact.RulePlatforms, at, fmt.Sprintf("%s is registered for %s, and not built for it", v.id(),
			strings.Join(missing, ", ")),
			fmt.Sprintf("It is built for %s at %s. The definition has what is built.", strings.Join(built, ", "),
				diag.Place(other)), other)
	}
	if more := without(built, registered); len(more) > 0 {
		p.Warn(fact.RulePlatforms, at, fmt.Sprintf("%s is built for %s, and not registered for it", v.id(),
			strings.Join(more, ", ")),
			fmt.Sprintf("It is built for %s at %s. The definition has what is built.", strings.Join(built, ", "),
				diag.Place(other)), other)
	}
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
