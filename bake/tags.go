package bake

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/runbake/runbake/pkg/catalogue"
)

// maxTag is how long a tag may be:
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests.
const maxTag = 128

// How long the values are that people set, at most.
const (
	maxSuffix   = 40
	maxRevision = 64
)

// endings are what is behind a tag in another tag of the same repository: -slim
// for 22 and 22-slim. TAG_SUFFIX and REVISION, which stand behind all tags, may
// not be one of them, else one image would get the tag of another.
func (f *File) endings() []string {
	repositories := map[string]map[string]bool{} // tags
	for i := range f.Targets {
		t := &f.Targets[i]
		name := catalogue.RepositoryIn(t.Registry, t.Image)
		if repositories[name] == nil {
			repositories[name] = map[string]bool{}
		}
		for _, tag := range t.Tags {
			repositories[name][tag] = true
		}
	}
	endings := map[string]bool{}
	for _, tags := range repositories {
		for tag := range tags {
			for i := 1; i < len(tag); i++ {
				if tags[tag[:i]] && len(tag)-i <= maxSuffix+1+maxRevision {
					endings[tag[i:]] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(endings))
}

// OwnRegistries are those that images have whatever REGISTRY is, sorted.
func (f *File) OwnRegistries() []string {
	var all []string
	for i := range f.Targets {
		if own := f.Targets[i].Registry; own != "" {
			all = append(all, own)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// takenRegistries are the values of REGISTRY that would lead images into a repository
// which another image has with a registry of its own, where their tags could meet.
func (f *File) takenRegistries() []string {
	taken := map[string]bool{}
	for i := range f.Targets {
		own := &f.Targets[i]
		if own.Registry == "" {
			continue
		}
		name := catalogue.Repository(own.Registry + "/" + own.Image)
		for j := range f.Targets {
			other := &f.Targets[j]
			if other.Registry != "" || !meet(own, other) {
				continue
			}
			if name == catalogue.Repository(other.Image) {
				taken[""] = true
			}
			if registry, is := strings.CutSuffix(name, "/"+other.Image); is {
				taken[registry] = true
				if full := catalogue.RepositoryIn(own.Registry, own.Image); strings.HasPrefix(full, "docker.io/") { // which need not be named
					taken["docker.io/"+registry], taken["index.docker.io/"+registry] = true, true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(taken))
}

// meet says whether two images could get one tag in one repository.
func meet(a, b *Target) bool {
	if len(a.Texts.Tags) > 0 || len(b.Texts.Tags) > 0 {
		return true
	}
	return slices.ContainsFunc(a.Tags, func(one string) bool {
		return slices.ContainsFunc(b.Tags, func(other string) bool {
			return strings.HasPrefix(one, other) || strings.HasPrefix(other, one)
		})
	})
}

// room is how many characters are left behind the longest tag.
func (f *File) room() int {
	room := maxTag
	for i := range f.Targets {
		for _, tag := range f.Targets[i].Tags {
			room = min(room, maxTag-utf8.RuneCountInString(tag))
		}
	}
	return room
}

// CheckTags refuses values that make no tags, or the same for two images, as
// the emitted variables do.
func (f *File) CheckTags(v Values) error {
	behind := v.TagSuffix
	if v.Revision != "" {
		behind += "-" + v.Revision
	}
	var errs []error
	if room := f.room(); len(behind) > room {
		errs = append(errs, fmt.Errorf("TAG_SUFFIX and REVISION: %s", tooLong(room)))
	}
	if len(f.Variables) > 0 {
		errs = append(errs, f.checkVariableTags(v, behind)...)
	}
	if slices.Contains(f.takenRegistries(), v.Registry) {
		errs = append(errs, fmt.Errorf("REGISTRY=%q: %s", v.Registry, takenRegistry))
	}
	for _, end := range f.endings() {
		if end == v.TagSuffix || v.Revision != "" && (end == behind || end+v.TagSuffix == behind) {
			errs = append(errs, fmt.Errorf("TAG_SUFFIX=%q, REVISION=%q: %s", v.TagSuffix, v.Revision, sameTag))
			break
		}
	}
	return errors.Join(errs...)
}

// What the emitted variables say of wrong values.
const sameTag = "With these an image would get a tag that another image has, " +
	"or the same image for another purpose. Choose others."

// takenRegistry is what the variable REGISTRY says of such values.
const takenRegistry = "Another image is there by a registry of its own, and would have the same names. Choose another."

func tooLong(room int) string {
	return fmt.Sprintf("Tags have %d characters at most; "+
		"for the longest of these, %d are left for TAG_SUFFIX, a dash and REVISION.", maxTag, room)
}

// cacheName is the name of a target's cache. Tags of images do not start with an
// underscore: whatever the variables are set to, no cache has the reference of
// an image.
func cacheName(target string) string { return cachePrefix + target }

const cachePrefix = "_"

// ordinaryRoom is enough for the longest values.
func ordinaryRoom(room int) bool { return room >= maxSuffix+1+maxRevision }

// registryRules are what the preamble says of REGISTRY besides what it always does.
func (f *File) registryRules() string {
	taken := f.takenRegistries()
	if len(taken) == 0 {
		return ""
	}
	return fmt.Sprintf("\n  validation {\n    condition     = !contains(%s, REGISTRY)\n    error_message = %s\n  }",
		list(taken), quote("REGISTRY: "+takenRegistry))
}

// tagRules are what the preamble says of TAG_SUFFIX besides what it always does.
func (f *File) tagRules() string {
	var b strings.Builder
	rule := func(condition, message string) {
		fmt.Fprintf(&b, "\n  validation {\n    condition     = %s\n    error_message = %s\n  }", condition, quote(message))
	}
	if room := f.room(); !ordinaryRoom(room) {
		rule(fmt.Sprintf(`strlen("${TAG_SUFFIX}${REVISION == "" ? "" : "-${REVISION}"}") <= %d`, room), tooLong(room))
	}
	if ends := f.endings(); len(ends) > 0 {
		rule(fmt.Sprintf(
			`length([for end in %s : end if end == TAG_SUFFIX || REVISION != "" && contains([end, "${end}${TAG_SUFFIX}"], "${TAG_SUFFIX}-${REVISION}")]) == 0`,
			list(ends)), sameTag)
	}
	return b.String()
}
