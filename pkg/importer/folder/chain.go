package folder

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// taken is an image that a Dockerfile takes from outside.
type taken struct {
	by              *image
	ref             string
	path, name, tag string // of the reference; path is registry and path, "" for none
	at              hcl.Range
	of              *image // of the repository; nil for none
}

// references lists what all Dockerfiles take.
func (r *reader) references() []*taken {
	var all []*taken
	for _, i := range r.images {
		if i.parsed == nil {
			continue
		}
		used, _ := i.parsed.Images("", nil, nil)
		for _, u := range used {
			named, err := reference.ParseNormalizedNamed(u.Ref)
			if err != nil || u.Syntax {
				continue
			}
			if _, digested := named.(reference.Digested); digested {
				continue
			}
			t := &taken{by: i, ref: u.Ref, at: place(i, u.Range), tag: "latest", name: u.Ref}
			if tagged, is := named.(reference.Tagged); is {
				t.tag = tagged.Tag()
			}
			if slash := strings.LastIndexByte(u.Ref, '/'); slash >= 0 {
				t.path, t.name = u.Ref[:slash], u.Ref[slash+1:]
			}
			t.name, _, _ = strings.Cut(t.name, ":")
			all = append(all, t)
		}
	}
	return all
}

// ours is the image of the repository that a reference may mean; nil for none.
func (r *reader) ours(t *taken) *image {
	var called []*image
	for _, i := range r.images {
		if i.name != t.name || i == t.by {
			continue
		}
		if i.version == t.tag {
			return i
		}
		called = append(called, i)
	}
	if len(called) == 1 && t.tag == "latest" {
		return called[0]
	}
	return nil
}

// untagged is the image of the repository that a reference with a registry may mean,
// though nothing says that it has this tag; nil for none.
func (r *reader) untagged(t *taken) *image {
	var called []*image
	for _, i := range r.images {
		if i.name == t.name && i != t.by {
			called = append(called, i)
		}
	}
	if t.path == "" || len(called) != 1 || called[0].version != "latest" {
		return nil
	}
	return called[0]
}

// registry decides where images are pushed, and finds those that others are built
// on.
func (r *reader) registry(o Options) string {
	references := r.references()
	namesakes := map[string]bool{} // images that are built on what is called the same
	votes := map[string]int{}
	for _, t := range references {
		namesakes[t.by.name] = namesakes[t.by.name] || t.path == "" && t.name == t.by.name
	}
	bare := false
	for _, t := range references {
		t.of = r.ours(t)
		switch {
		case t.of == nil:
		case t.path != "":
			votes[t.path]++
		case namesakes[t.name]:
			t.of = nil // the official one
		default:
			bare = true
		}
	}
	registry := o.Registry
	if registry == "" {
		registry = most(votes)
	}
	if len(r.images) > 0 && registry == "" && !bare && o.Nowhere != "" {
		registry = o.Nowhere
		r.Warn(fact.RuleRegistry, fact.Start(r.images[0].file.Name), "Nothing says where images are pushed",
			fmt.Sprintf("The definitions have %s. Set registry in runbake.hcl, or import with --registry.", registry))
	}
	for _, t := range references {
		if t.of == nil {
			t.of = r.untagged(t)
		}
		if t.of != nil {
			r.link(t, registry)
		}
	}
	return registry
}

// most is what has the most votes, the first of several.
func most(votes map[string]int) string {
	best := ""
	for _, name := range slices.Sorted(maps.Keys(votes)) {
		if best == "" || votes[name] > votes[best] {
			best = name
		}
	}
	return best
}

// link notes that an image is built on another of the repository, if it is called
// so there.
func (r *reader) link(t *taken, registry string) {
	if t.path != registry && t.tag != t.of.version {
		r.Warn(fact.RuleRegistry, t.at, fmt.Sprintf("%s is taken, which may be %s", t.ref, t.of.file.Name),
			fmt.Sprintf("Nothing says that images of this repository are %s/…, and that this one has the tag %s. If it is meant, "+
				"import with --registry %s.", t.path, t.tag, t.path), fact.Start(t.of.file.Name))
		return
	}
	if t.path != registry {
		r.Warn(fact.RuleRegistry, t.at, fmt.Sprintf("%s is taken, which may be %s", t.ref, t.of.file.Name),
			fmt.Sprintf("Images of this repository are %s/…: the one that is taken is another, from a registry. If it is meant, "+
				"write %s/%s:%s.", registry, registry, t.of.name, t.of.version), fact.Start(t.of.file.Name))
		return
	}
	if t.tag != t.of.version && !slices.Contains(t.of.tags, t.tag) {
		t.of.tags = append(t.of.tags, t.tag)
		r.Note(fact.Note{Range: t.at, Text: fmt.Sprintf("%s has the tag %s, too: %s takes it by that", t.of.id(), t.tag, t.by.id())})
	}
	if t.of.parent == nil {
		t.of.parent = &fact.Text{Value: t.by.id(), Range: t.at}
	}
}
