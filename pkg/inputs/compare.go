package inputs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Compare says how the components of one target differ between two states, in
// words; nothing when the ids are the same.
func Compare(before, after []Component) []string {
	var changes []string
	merge(before, after, compareComponents, func(old, now *Component) {
		switch {
		case old == nil:
			changes = append(changes, now.title()+" added")
		case now == nil:
			changes = append(changes, old.title()+" removed")
		case old.Digest != now.Digest:
			changes = append(changes, now.changed(old)...)
		}
	})
	// The base says the same, where it does.
	if others := slices.DeleteFunc(slices.Clone(changes), func(s string) bool { return strings.HasPrefix(s, "label "+baseName+" changed ") }); len(others) > 0 {
		return others
	}
	return changes
}

// baseName is the label that names the base of an image.
const baseName = "org.opencontainers.image.base.name"

// title names a component that came or went.
func (c *Component) title() string {
	switch c.Kind {
	case KindDockerfile:
		return "Dockerfile " + c.Value
	case KindContext, KindPlatform, KindAttestation, KindStage, KindFormat, KindImage, KindBase:
		return fmt.Sprintf("%s %s", c.Kind, c.Value)
	case KindReference, KindArgument, KindLabel, KindAnnotation, KindSetting:
	}
	if c.Name == "" { // the main context
		return fmt.Sprintf("%s %s", c.Kind, c.Value)
	}
	return fmt.Sprintf("%s %s (%s)", c.Kind, c.Name, c.Value)
}

// changed says how a component differs from what it was.
func (c *Component) changed(old *Component) []string {
	switch c.Kind {
	case KindDockerfile, KindImage:
		return []string{c.title() + " changed"}
	case KindContext:
		var changes []string
		merge(old.Files, c.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) }, func(was, is *File) {
			if how, path := fileChange(was, is); how != "" {
				changes = append(changes, fmt.Sprintf("%s: %s %s", c.title(), path, how))
			}
		})
		if len(changes) == 0 { // the files are not known any more
			changes = []string{c.title() + " changed"}
		}
		return changes
	case KindBase, KindReference, KindArgument, KindLabel, KindAnnotation, KindStage, KindFormat, KindPlatform, KindAttestation, KindSetting:
	}
	name := string(c.Kind)
	if c.Name != "" {
		name += " " + c.Name
	}
	return []string{fmt.Sprintf("%s changed from %s to %s", name, quoted(old.Value), quoted(c.Value))}
}

// quoted shows that there is nothing.
func quoted(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// fileChange says what happened to a file; "" for nothing.
func fileChange(was, is *File) (how, path string) {
	switch {
	case was == nil:
		return "added", is.Path
	case is == nil:
		return "removed", was.Path
	case was.Mode.Type() != is.Mode.Type():
		return "is of another type", is.Path
	case was.Link != is.Link || was.Digest != is.Digest:
		return "changed", is.Path
	case was.Mode != is.Mode:
		return fmt.Sprintf("has mode %04o, had %04o", is.Mode.Perm(), was.Mode.Perm()), is.Path
	}
	return "", is.Path
}

// merge goes through two sorted lists and pairs what is equal.
func merge[T any](before, after []T, compare func(a, b T) int, visit func(old, now *T)) {
	for len(before) > 0 || len(after) > 0 {
		var order int
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = compare(before[0], after[0])
		}
		switch {
		case order < 0:
			visit(&before[0], nil)
			before = before[1:]
		case order > 0:
			visit(nil, &after[0])
			after = after[1:]
		default:
			visit(&before[0], &after[0])
			before, after = before[1:], after[1:]
		}
	}
}
