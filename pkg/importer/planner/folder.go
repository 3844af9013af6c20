package planner

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// group is what is built of one folder, in one way, under names that belong
// together.
type group struct {
	builds []*fact.Build
	names  []name
}

// images joins builds to images. What is built of one folder in one way is one
// image, whatever scripts call it; a name that several folders have belongs to
// one of them.
func (g *gatherer) images() []*image {
	groups := g.joinFolders(g.joinNames())
	groups = g.own(groups)
	images := make([]*image, 0, len(groups))
	for _, r := range groups {
		img := &image{builds: r.builds, names: r.names, main: r.main()}
		images = append(images, img)
		g.called(img)
		g.compare(img)
	}
	return images
}

func (r *group) main() *fact.Build {
	if at := slices.IndexFunc(r.builds, func(b *fact.Build) bool { return b.Push }); at >= 0 {
		return r.builds[at]
	}
	return r.builds[0]
}

func (r *group) add(g *gatherer, builds ...*fact.Build) {
	for _, b := range builds {
		r.builds = append(r.builds, b)
		r.names = append(r.names, g.names[b]...)
	}
}

// share reports that two builds have a name in common.
func (g *gatherer) share(a, b *fact.Build) bool {
	return slices.ContainsFunc(g.names[a], func(n name) bool {
		return slices.ContainsFunc(g.names[b], func(o name) bool { return o.id() == n.id() })
	})
}

// joinNames groups builds of one folder that share a name.
func (g *gatherer) joinNames() []*group {
	var groups []*group
	for _, b := range g.builds {
		if g.parts[b] {
			continue
		}
		at := slices.IndexFunc(groups, func(r *group) bool {
			return difference(r.builds[0], b) == "" && slices.ContainsFunc(r.builds, func(o *fact.Build) bool {
				return g.share(o, b)
			})
		})
		if at < 0 {
			groups = append(groups, &group{})
			at = len(groups) - 1
		}
		groups[at].add(g, b)
	}
	return groups
}

// joinFolders joins groups of one folder that are one image under names that do
// not agree: those of different scripts, and tags of one repository.
func (g *gatherer) joinFolders(groups []*group) []*group {
	var joined []*group
	for _, r := range groups {
		at := slices.IndexFunc(joined, func(o *group) bool {
			return difference(o.builds[0], r.builds[0]) == "" && g.same(o, r)
		})
		if at < 0 {
			joined = append(joined, r)
			continue
		}
		joined[at].add(g, r.builds...)
	}
	return joined
}

// same reports that two groups of one folder are one image.
func (g *gatherer) same(a, b *group) bool {
	apart, repo := true, false
	for _, x := range a.builds {
		for _, y := range b.builds {
			apart = apart && x.Script != y.Script
			alike := slices.EqualFunc(x.Platforms, y.Platforms, func(p, q fact.Text) bool { return p.Value == q.Value })
			repo = repo || alike && g.names[x][0].repo == g.names[y][0].repo && !exclusive(x, y)
		}
	}
	return apart || repo
}

// own gives each name to one group, and reports what others called so. A group
// that has no name of its own is a contradiction of the one that has.
func (g *gatherer) own(groups []*group) []*group {
	owners := map[string]*group{}
	for _, r := range groups {
		for _, n := range r.names {
			if o := owners[n.id()]; o == nil || o != r && g.claim(r, n) > g.claim(o, n) {
				owners[n.id()] = r
			}
		}
	}
	var kept []*group
	strays := map[*group][]*fact.Build{}
	for _, r := range groups {
		mine := func(n name) bool { return owners[n.id()] == r }
		if !slices.ContainsFunc(r.names, mine) {
			owner := owners[r.names[0].id()]
			strays[owner] = append(strays[owner], r.builds...)
			continue
		}
		for _, n := range r.names {
			if !mine(n) {
				first := owners[n.id()].main()
				g.Fail(fact.RuleContradiction, n.at, fmt.Sprintf("%s is built of %s, and of %s elsewhere", n.id(),
					folderOf(r.builds[0]), folderOf(first)),
					fmt.Sprintf("The other is at %s. A name is of one image; the definition of %s has it.",
						diag.Place(first.Range), folderOf(first)), first.Range)
			}
		}
		r.names = slices.DeleteFunc(r.names, func(n name) bool { return !mine(n) })
		kept = append(kept, r)
	}
	for _, r := range kept {
		r.builds = append(r.builds, strays[r]...)
	}
	return slices.DeleteFunc(kept, func(r *group) bool { return len(r.names) == 0 })
}

func folderOf(b *fact.Build) string {
	if b.Context.Value == "." || b.Dockerfile != nil {
		return b.DockerfilePath()
	}
	return b.Context.Value
}

// claim is how much a name is that of a group: builds that give it, most of all
// if the folder is called so.
func (g *gatherer) claim(r *group, n name) int {
	claim := 0
	for _, b := range r.builds {
		for _, o := range g.names[b] {
			if o.id() != n.id() {
				continue
			}
			claim += 2
			if _, version := split(path.Base(strings.TrimSuffix(b.DockerfilePath(),
				"/Dockerfile"))); version != "" && strings.HasSuffix(n.tag, version) {
				claim += 10
			}
		}
	}
	return claim
}

// called reports builds of one folder that share no name with the one that the
// definition follows. What another script calls the image is left out, and tags
// of the same repository in one script are all kept.
func (g *gatherer) called(img *image) {
	for _, b := range img.builds {
		if b == img.main || difference(b, img.main) != "" || g.share(b, img.main) || len(g.names[b]) == 0 {
			continue
		}
		if !slices.ContainsFunc(g.names[b], func(n name) bool { return img.has(n.id()) }) {
			continue // the names are of another image, which has been said
		}
		here, there := g.names[b][0], g.names[img.main][0]
		detail := fmt.Sprintf("One folder, built in one way, is one image. The definition has the name of the build "+
			"at %s, which counts.", diag.Place(img.main.Range))
		if b.Script == img.main.Script {
			detail = fmt.Sprintf("One folder, built in one way, is one image: the definition has both tags. The "+
				"other is at %s.", diag.Place(img.main.Range))
		} else {
			img.names = slices.DeleteFunc(img.names, func(n name) bool {
				return slices.ContainsFunc(g.names[b], func(o name) bool { return o.at == n.at })
			})
		}
		if !slices.ContainsFunc(img.names, func(n name) bool { return n.id() == here.id() && n.at != here.at }) {
			g.Warn(fact.RuleTags, here.at,
				fmt.Sprintf("%s is called %s here, and %s elsewhere", folderOf(b), here.id(), there.id()),
				detail, there.at)
		}
	}
}
