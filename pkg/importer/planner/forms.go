package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// fill closes the holes of a registry class: images whose tags have what the
// class is made with in them, as "acme/node:" . $this->version . "-22".
func (p *planner) fill() {
	var open []*fact.Text
	for _, r := range p.registry.Versions() {
		for _, image := range []*fact.Text{&r.Build, &r.Run} {
			if strings.Contains(image.Value, fact.Hole) {
				open = append(open, image)
			}
		}
	}
	if len(open) == 0 {
		return
	}
	count := map[string]int{}
	for _, image := range open {
		for _, part := range p.parts(image.Value) {
			count[part]++
		}
	}
	part := p.registry.Usual
	for _, candidate := range slices.Sorted(maps.Keys(count)) {
		if count[candidate] > count[part] {
			part = candidate
		}
	}
	for _, image := range open {
		image.Value = strings.ReplaceAll(image.Value, fact.Hole, part)
		if part == "" {
			repo, tag, _ := strings.Cut(image.Value, ":")
			image.Value = repo + ":" + strings.TrimLeft(tag, "-_.")
		}
	}
	why := "the class says so"
	if count[part] > 0 {
		why = "the scripts build such tags"
	}
	p.note(fact.Note{Range: open[0].Range, Text: fmt.Sprintf("the class is made with %q: %s", part, why)})
}

// parts are what could stand in the hole of an image, so that it is one that is
// built.
func (p *planner) parts(image string) []string {
	id := image[strings.LastIndexByte(image, '/')+1:]
	before, after, _ := strings.Cut(id, fact.Hole)
	var all []string
	for _, img := range p.images {
		for _, n := range img.names {
			middle, begins := strings.CutPrefix(n.id(), before)
			middle, ends := strings.CutSuffix(middle, after)
			if begins && ends && !slices.Contains(all, middle) {
				all = append(all, middle)
			}
		}
	}
	return all
}

// forms tells the two meanings apart that the images of addVersion have had: what
// builds a function and what runs it, or what an image is built on and the image
// itself. A class has one of them.
func (p *planner) forms() {
	upstream, own := 0, 0
	for _, r := range p.registry.Versions() {
		switch {
		case p.built(r.Build), !r.OwnRun():
			own++
		case publishes(r):
			upstream++
		}
	}
	if upstream <= own {
		return
	}
	for _, r := range p.registry.Versions() {
		if r.OwnRun() && !p.built(r.Build) {
			r.Upstream, r.Build = r.Build, r.Run
		}
	}
}

func (p *planner) built(image fact.Text) bool {
	n, err := parseName(image)
	return err == nil && p.byName[n.id()] != nil
}

// publishes reports a run image that is the version's own: it has the key and the
// version in its name, which a base of several has not.
func publishes(r *fact.Version) bool {
	n, err := parseName(r.Run)
	_, _, ours := affix(n.tag, r.Version.Value)
	return err == nil && ours && strings.Contains(n.repo, r.Runtime.Key.Value)
}

// affix takes a tag apart around the version in it: v3- before 8.0 in v3-8.0.
func affix(tag, version string) (before, after string, ok bool) {
	if version == "" {
		return "", "", false
	}
	if before, ok = strings.CutSuffix(tag, version); ok &&
		(before == "" || before == "v" || strings.ContainsAny(before[len(before)-1:], "-_.")) {
		return before, "", true
	}
	if after, ok = strings.CutPrefix(tag, version); ok && strings.ContainsAny(after[:1], "-_") {
		return "", after, true
	}
	return "", "", false
}
