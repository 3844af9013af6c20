package reproducible

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// compareSelves compares what two images say of themselves. What follows from
// layers that differ is left out.
func compareSelves(before, after v1.Image, layersDiffer bool) ([]Change, error) {
	changes, err := compareTexts(WhatConfig, before, after, v1.Image.RawConfigFile, func(path string) bool {
		return layersDiffer && under(path, "rootfs")
	})
	if err != nil {
		return nil, err
	}
	// The manifest has the digests of the layers and of the configuration.
	more, err := compareTexts(WhatManifest, before, after, v1.Image.RawManifest, func(path string) bool {
		return under(path, "config") || under(path, "layers") && layersDiffer
	})
	return append(changes, more...), err
}

// compareTexts compares two JSON texts, field by field.
func compareTexts(what What, before, after v1.Image, read func(v1.Image) ([]byte, error), leaveOut func(path string) bool) ([]Change, error) {
	var sides [2]any
	for i, image := range []v1.Image{before, after} {
		text, err := read(image)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &sides[i]); err != nil {
			return nil, fmt.Errorf("the %s is not JSON: %w", what, err)
		}
	}
	var changes []Change
	compareValues("", sides[0], sides[1], func(path string, first, second any) {
		if !leaveOut(path) {
			changes = append(changes, Change{what, path, shown(first), shown(second)})
		}
	})
	return changes, nil
}

// compareValues tells of every field that differs, sorted by path.
func compareValues(path string, first, second any, tell func(path string, first, second any)) {
	switch one := first.(type) {
	case map[string]any:
		if other, is := second.(map[string]any); is {
			keys := maps.Clone(one)
			maps.Copy(keys, other)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				compareValues(strings.TrimPrefix(path+"."+key, "."), one[key], other[key], tell)
			}
			return
		}
	case []any:
		if other, is := second.([]any); is {
			for i := range max(len(one), len(other)) {
				compareValues(fmt.Sprintf("%s[%d]", path, i), at(one, i), at(other, i), tell)
			}
			return
		}
	}
	if shown(first) != shown(second) {
		tell(path, first, second)
	}
}

// at is an element of a list; nil behind its end.
func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// under reports whether a path is a field, or in it.
func under(path, field string) bool {
	rest, found := strings.CutPrefix(path, field)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// shown is a value as JSON; "" for one that is not there.
func shown(value any) string {
	if value == nil {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // it was read from JSON
	}
	return strings.TrimSuffix(text.String(), "\n")
}
