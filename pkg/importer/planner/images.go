package planner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// name is a name of an image, as a source writes it.
type name struct {
	registry string // and path; "" for none
	repo     string // the last part
	tag      string
	at       hcl.Range
}

// id is what an image is known by in all sources: scripts that push have a
// registry in front of it, others have not.
func (n name) id() string { return n.repo + ":" + n.tag }

// full is the name in docker's full form.
func (n name) full() string {
	s := n.id()
	if n.registry != "" {
		s = n.registry + "/" + s
	}
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return s
	}
	return named.String()
}

func parseName(t fact.Text) (name, error) {
	named, err := reference.ParseNormalizedNamed(t.Value)
	if err != nil {
		return name{}, err
	}
	if _, digested := named.(reference.Digested); digested {
		return name{}, errors.New("it has a digest")
	}
	n := name{tag: "latest", at: t.Range}
	if tagged, ok := named.(reference.Tagged); ok {
		n.tag = tagged.Tag()
	}
	path := t.Value
	if slash := strings.LastIndexByte(path, '/'); slash >= 0 {
		n.registry, path = path[:slash], path[slash+1:]
	}
	n.repo, _, _ = strings.Cut(path, ":")
	return n, nil
}

// image is an image and all builds that make it.
type image struct {
	names  []name
	builds []*fact.Build
	main   *fact.Build // the one that the definition follows
}

func (img *image) has(id string) bool {
	return slices.ContainsFunc(img.names, func(n name) bool { return n.id() == id })
}

// gather joins the builds of all scripts to images.
func gather(scripts []*fact.Source, f *fact.Findings) ([]*image, []fact.Note) {
	g := &gatherer{
		Findings: f, parts: map[*fact.Build]bool{}, names: map[*fact.Build][]name{},
		byName: map[string][]*fact.Build{}, joined: map[string]*fact.Build{},
	}
	for _, s := range scripts {
		for _, e := range s.Events {
			if e.Build != nil {
				own := *e.Build // what becomes of it is no fact
				g.add(&own)
			}
		}
	}
	for _, s := range scripts {
		for _, e := range s.Events {
			switch {
			case e.Push != nil:
				g.push(s, *e.Push)
			case e.Target != nil:
				g.join(s, e)
			}
		}
	}
	return g.images(), g.notes
}

type gatherer struct {
	*fact.Findings
	notes  []fact.Note
	builds []*fact.Build
	parts  map[*fact.Build]bool // another image is made of them, and has their place
	names  map[*fact.Build][]name
	byName map[string][]*fact.Build // by name, and by repository with the tag *
	joined map[string]*fact.Build   // by their parts
}

// call gives a build a name.
func (g *gatherer) call(b *fact.Build, n name) {
	g.names[b] = append(g.names[b], n)
	for _, id := range []string{n.id(), n.repo + ":*"} {
		if known := g.byName[id]; len(known) == 0 || known[len(known)-1] != b {
			g.byName[id] = append(known, b)
		}
	}
}

func (g *gatherer) add(b *fact.Build) {
	for _, t := range b.Tags {
		if n, ok := g.name(t); ok {
			g.call(b, n)
		}
	}
	if len(g.names[b]) > 0 {
		g.builds = append(g.builds, b)
	}
}

func (g *gatherer) name(t fact.Text) (name, bool) {
	n, err := parseName(t)
	if err != nil {
		g.Fail(fact.RuleNotUnderstood, t.Range, fmt.Sprintf("Invalid image name %q", fact.Shorten(t.Value)),
			fmt.Sprintf("Write [registry/]name:tag in lower case (%v). It is left out.", err))
	}
	return n, err == nil
}

// find returns the builds that have a name: those of the script itself, or those
// of others when it has none.
func (g *gatherer) find(script string, n name) []*fact.Build {
	var own, others []*fact.Build
	for _, b := range g.byName[n.id()] {
		if b.Script == script {
			own = append(own, b)
		} else {
			others = append(others, b)
		}
	}
	if len(own) > 0 {
		return own
	}
	return others
}

func (g *gatherer) push(s *fact.Source, t fact.Text) {
	all := strings.HasSuffix(t.Value, ":*")
	n, ok := g.name(fact.Text{Value: strings.TrimSuffix(t.Value, ":*"), Range: t.Range})
	if !ok {
		return
	}
	if all {
		n.tag = "*"
	}
	found := g.find(s.Name, n)
	for _, b := range found {
		b.Push = true
	}
	if len(found) == 0 {
		g.Warn(fact.RuleNotBuilt, t.Range, fmt.Sprintf("%s is pushed, and not built", t.Value),
			"No script builds an image of that name. It is not imported.")
	}
}

// join gives a name to builds: docker tag, or several images under one name.
func (g *gatherer) join(s *fact.Source, e fact.Event) {
	target, ok := g.name(*e.Target)
	if !ok {
		return
	}
	var parts []*fact.Build
	for _, t := range e.From {
		n, ok := g.name(t)
		if !ok {
			return
		}
		found := g.find(s.Name, n)
		if len(found) == 0 {
			g.Fail(fact.RuleNotUnderstood, t.Range,
				fmt.Sprintf("%s is made of %s, which is not built", e.Target.Value, t.Value),
				"No script builds an image of that name. It is not imported.")
			return
		}
		parts = append(parts, found...)
	}
	if len(e.From) <= 1 {
		for _, b := range parts {
			g.call(b, target)
			b.Tags = append(b.Tags, *e.Target)
		}
		return
	}
	key := fmt.Sprint(parts) // the same builds
	if b := g.joined[key]; b != nil {
		g.call(b, target)
		b.Tags = append(b.Tags, *e.Target)
		return
	}
	whole := *parts[0]
	whole.Tags, whole.Platforms, whole.Push = []fact.Text{*e.Target}, nil, true
	for _, p := range parts {
		if what := difference(parts[0], p); what != "" {
			g.Fail(fact.RuleInexpressible, e.Range,
				fmt.Sprintf("%s is joined of images with different %s", e.Target.Value, what),
				fmt.Sprintf("They are built at %s and at %s. A definition has one for all platforms; the first "+
					"is imported.", diag.Place(parts[0].Range), diag.Place(p.Range)), parts[0].Range, p.Range)
		}
		g.parts[p] = true
		for _, platform := range p.Platforms {
			if !slices.ContainsFunc(whole.Platforms, func(t fact.Text) bool { return t.Value == platform.Value }) {
				whole.Platforms = append(whole.Platforms, platform)
			}
		}
		g.notes = append(g.notes, fact.Note{
			Range: p.Range,
			Text:  fmt.Sprintf("%s is one platform of %s, and no image of its own", p.Tags[0].Value, e.Target.Value),
		})
	}
	g.joined[key] = &whole
	g.builds = append(g.builds, &whole)
	g.call(&whole, target)
}

// difference names the first thing in which two builds make different images;
// "" if there is none.
func difference(a, b *fact.Build) string {
	target := func(b *fact.Build) string {
		if b.Target == nil {
			return ""
		}
		return b.Target.Value
	}
	switch {
	case a.Context.Value != b.Context.Value:
		return "contexts"
	case a.DockerfilePath() != b.DockerfilePath():
		return "Dockerfiles"
	case target(a) != target(b):
		return "stages"
	case !maps.Equal(pairs(a.Args), pairs(b.Args)):
		return "build arguments"
	case !maps.Equal(pairs(a.Contexts), pairs(b.Contexts)), !maps.Equal(pairs(a.Images), pairs(b.Images)),
		!maps.Equal(pairs(a.Upstream), pairs(b.Upstream)):
		return "named contexts"
	case !sameNeeds(a.Requirements, b.Requirements):
		return "secrets, hosts or limits"
	}
	return ""
}

func pairs(list []fact.Pair) map[string]string {
	m := make(map[string]string, len(list))
	for _, p := range list {
		m[p.Name] = p.Value
	}
	return m
}

// exclusive reports builds that never happen in one run.
func exclusive(a, b *fact.Build) bool {
	for _, x := range a.Arms {
		for _, y := range b.Arms {
			if x.Node == y.Node && x.Way != y.Way {
				return true
			}
		}
	}
	return false
}

// compare says what the builds of one image disagree on.
func (g *gatherer) compare(img *image) {
	if len(img.names) == 0 {
		return
	}
	id := img.names[0].id()
	for _, b := range img.builds {
		if b == img.main {
			continue
		}
		m := img.main
		together := b.Script == m.Script && !exclusive(b, m)
		samePlatforms := slices.EqualFunc(b.Platforms, m.Platforms,
			func(x, y fact.Text) bool { return x.Value == y.Value })
		what := difference(m, b)
		switch {
		case what != "":
			g.Fail(fact.RuleContradiction, b.Range, fmt.Sprintf("%s is built with other %s elsewhere", id, what),
				fmt.Sprintf("The other is at %s, and the definition says what that one does. Remove one of the two, "+
					"or give it another name.", diag.Place(m.Range)), m.Range)
		case !g.share(m, b):
			// said of the folder
		case together && samePlatforms && b.Range == m.Range:
			g.Warn(fact.RuleDuplicate, b.Range, fmt.Sprintf("%s is built more than once", id),
				"This command is run again, for the same image.")
		case together && samePlatforms:
			g.Warn(fact.RuleDuplicate, b.Range, fmt.Sprintf("%s is built more than once", id),
				fmt.Sprintf("The other is at %s. Builds of one image are one definition.", diag.Place(m.Range)),
				m.Range)
		case !samePlatforms && len(b.Platforms) > 0 && len(m.Platforms) > 0:
			g.platforms(id, m, b, together)
		case len(m.Platforms) == 0 && len(b.Platforms) > 0:
			m.Platforms = slices.Clone(b.Platforms)
			g.notes = append(g.notes, fact.Note{
				Range: b.Platforms[0].Range,
				Text:  fmt.Sprintf("%s: platforms %s, which this build of it names", id, values(b.Platforms)),
			})
		}
		if !maps.Equal(pairs(m.Labels), pairs(b.Labels)) {
			g.Warn(fact.RuleLabels, b.Range, fmt.Sprintf("%s has other labels elsewhere", id),
				fmt.Sprintf("The definition has those of the build at %s.", diag.Place(m.Range)), m.Range)
		}
		if !maps.Equal(pairs(m.Annotations), pairs(b.Annotations)) {
			g.Warn(fact.RuleLabels, b.Range, fmt.Sprintf("%s has other annotations elsewhere", id),
				fmt.Sprintf("The definition has those of the build at %s.", diag.Place(m.Range)), m.Range)
		}
		if g.share(m, b) {
			g.tags(m, b)
		}
	}
}

func (g *gatherer) platforms(id string, m, b *fact.Build, together bool) {
	detail := fmt.Sprintf("It is for %s here and for %s at %s. The definition follows the latter.", values(b.Platforms),
		values(m.Platforms), diag.Place(m.Range))
	if together {
		detail = fmt.Sprintf("It is for %s here and for %s at %s: what is pushed last is all that the name means. "+
			"The definition has all of them.", values(b.Platforms), values(m.Platforms), diag.Place(m.Range))
		for _, p := range b.Platforms {
			if !slices.ContainsFunc(m.Platforms, func(o fact.Text) bool { return o.Value == p.Value }) {
				m.Platforms = append(m.Platforms, p)
			}
		}
	}
	g.Warn(fact.RulePlatforms, b.Platforms[0].Range, fmt.Sprintf("%s is built for other platforms elsewhere", id),
		detail, m.Range)
}

func values(list []fact.Text) string {
	all := make([]string, 0, len(list))
	for _, t := range list {
		all = append(all, t.Value)
	}
	return strings.Join(all, ", ")
}

// tags reports tags that only one of two builds gives.
func (g *gatherer) tags(m, b *fact.Build) {
	only := func(a, b *fact.Build) {
		for _, n := range g.names[a] {
			if !slices.ContainsFunc(g.names[b], func(o name) bool { return o.id() == n.id() }) {
				g.Warn(fact.RuleTags, n.at, fmt.Sprintf("%s is a tag of one build only", n.id()),
					fmt.Sprintf("The build of the same image at %s does not give it. The definition has it.",
						diag.Place(b.Range)), b.Range)
			}
		}
	}
	only(m, b)
	only(b, m)
}
