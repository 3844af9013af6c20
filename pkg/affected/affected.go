// Package affected says which images and tests a change touches, by comparing
// what goes into them before and after.
package affected

import (
	"slices"
	"strings"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/inputs"
)

// State is one state of a repository.
type State struct {
	File   *bake.File
	Inputs map[string]*inputs.Target // of images and tests, by target
}

// Change is a target that a change touches.
type Change struct {
	ID         string // of the version
	Target     string
	Platforms  []string
	Deprecated string // since when; "" if it is not
	Reasons    []string
}

// Report is what a change touches.
type Report struct {
	Build   []Change // images, in the order of the file
	Test    []Change // tests of images
	Removed []string // ids of versions that are gone
}

// Compare compares two states. Without a state before, everything is touched,
// for the reason that is given.
func Compare(before *State, after State, reason string) *Report {
	r := &Report{}
	tags := map[string][]string{}
	if before != nil {
		tags = before.tags()
		for i := range before.File.Targets {
			if old := &before.File.Targets[i]; after.target(old.Name) == nil {
				r.Removed = append(r.Removed, old.ID)
			}
		}
	}
	now := after.tags()
	why := func(name string) []string {
		switch {
		case before == nil:
			return []string{reason}
		case before.Inputs[name] == nil:
			return []string{"new"}
		}
		return unique(append(reasons(before, &after, name), tagChanges(tags[name], now[name])...))
	}
	for i := range after.File.Targets {
		t := &after.File.Targets[i]
		if reasons := why(t.Name); len(reasons) > 0 {
			r.Build = append(r.Build, Change{t.ID, t.Name, t.Platforms, t.Deprecated, reasons})
		}
	}
	for _, test := range after.File.Tests {
		t := after.target(test.Target)
		if reasons := why(test.Name); len(reasons) > 0 {
			r.Test = append(r.Test, Change{t.ID, test.Name, test.Platforms, t.Deprecated, reasons})
		}
	}
	return r
}

// Keep leaves out targets of versions that are not wanted.
func (r *Report) Keep(wanted func(id, deprecated string) bool) {
	unwanted := func(c Change) bool { return !wanted(c.ID, c.Deprecated) }
	r.Build = slices.DeleteFunc(r.Build, unwanted)
	r.Test = slices.DeleteFunc(r.Test, unwanted)
}

// reasons are how what goes into a target differs. Of a target that is no
// version, the probe, nobody knows by its name what it is: its own are given.
func reasons(before, after *State, name string) []string {
	var list []string
	for _, change := range inputs.Compare(before.Inputs[name].Components, after.Inputs[name].Components) {
		target := strings.TrimSuffix(strings.TrimPrefix(change, "image "), " changed")
		if change == "image "+target+" changed" && after.target(target) == nil && before.Inputs[target] != nil && after.Inputs[target] != nil {
			list = append(list, reasons(before, after, target)...)
			continue
		}
		list = append(list, change)
	}
	return list
}

// unique leaves out what has been said: a test may take an image in two roles.
func unique(reasons []string) []string {
	var list []string
	for _, reason := range reasons {
		if !slices.Contains(list, reason) {
			list = append(list, reason)
		}
	}
	return list
}

func (s *State) target(name string) *bake.Target {
	for i := range s.File.Targets {
		if s.File.Targets[i].Name == name {
			return &s.File.Targets[i]
		}
	}
	return nil
}

// tags are the full names of all images, by target.
func (s *State) tags() map[string][]string {
	tags := make(map[string][]string, len(s.File.Targets))
	for _, b := range s.File.Evaluate(s.File.Defaults()) {
		tags[b.Name] = b.Tags
	}
	return tags
}

// tagChanges says which names of an image came and went: they are not in the
// image, but it is to be pushed under them.
func tagChanges(before, after []string) []string {
	var changes []string
	for _, tag := range after {
		if !slices.Contains(before, tag) {
			changes = append(changes, "tag "+tag+" added")
		}
	}
	for _, tag := range before {
		if !slices.Contains(after, tag) {
			changes = append(changes, "tag "+tag+" removed")
		}
	}
	return changes
}
