package bake

import (
	"maps"
	"slices"
	"strings"
)

// ParseAttributes reads an entry in bake's other form, key=value,…: of an output
// that has no key it is the place.
func ParseAttributes(text string) Attributes {
	attributes := Attributes{}
	for field := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(field, "=")
		if !found {
			key, value = "dest", field
		}
		attributes[key] = value
	}
	return attributes
}

// Pairs are the attributes as key=value, sorted.
func (a Attributes) Pairs() []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(a)) {
		list = append(list, key+"="+a[key])
	}
	return list
}

// Text writes what [ParseAttributes] reads.
func (a Attributes) Text() string { return strings.Join(a.Pairs(), ",") }
