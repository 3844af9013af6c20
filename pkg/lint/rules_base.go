package lint

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/pkg/catalogue"
)

// pinned reports whether a reference has a tag other than latest, or a digest.
func pinned(ref string) bool {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return true // reported elsewhere
	}
	if _, is := named.(reference.Digested); is {
		return true
	}
	tagged, is := named.(reference.Tagged)
	return is && tagged.Tag() != "latest"
}

// unpinned lists images without a version: those of FROM, or the others.
func (s *subject) unpinned(from bool) []finding {
	var found []finding
	for _, b := range s.version.Bases {
		line := strings.TrimSpace(s.text(b.Range.Filename).line(b.Range.Start.Line))
		inFrom := b.Arg != "" || b.Root || strings.HasPrefix(strings.ToUpper(line), "FROM")
		if inFrom != from || pinned(b.Ref) {
			continue
		}
		named, err := reference.ParseNormalizedNamed(b.Ref)
		example := b.Ref
		if err == nil {
			example = reference.FamiliarName(named)
		}
		found = append(found, finding{
			at: b.Range, summary: fmt.Sprintf("The image %s has no version", b.Ref),
			fix: fmt.Sprintf("Write a tag with a version: %s:<version>.", example),
		})
	}
	return found
}

func basePinned(s *subject) []finding { return s.unpinned(true) }

func copyPinned(s *subject) []finding { return s.unpinned(false) }

// root is the image of others that the version is built on.
func (s *subject) root() (catalogue.Image, reference.Named, bool) {
	for _, b := range s.version.Bases {
		if !b.Root {
			continue
		}
		named, err := reference.ParseNormalizedNamed(b.Ref)
		return b, named, err == nil
	}
	return catalogue.Image{}, nil, false
}

func baseOfficial(s *subject) []finding {
	b, named, ok := s.root()
	if !ok {
		return nil
	}
	name := path.Base(reference.Path(named))
	official := reference.Domain(named) == "docker.io" && strings.HasPrefix(reference.Path(named), "library/")
	switch {
	case official && name == "openjdk":
		return []finding{{
			at: b.Range, summary: "The official image openjdk is deprecated",
			fix: "Use eclipse-temurin.",
		}}
	case !official && (slices.Contains(officialDebian, name) || name == "alpine"):
		return []finding{{
			at: b.Range, summary: fmt.Sprintf("%s is not the official image", b.Ref),
			fix: fmt.Sprintf("Use %s.", name),
		}}
	}
	return nil
}

// languages are keys whose official image has another name.
var languages = map[string][]string{
	"go": {"golang"}, "java": {"openjdk", "eclipse-temurin", "amazoncorretto"}, "kotlin": {},
}

var tagVersion = regexp.MustCompile(`^(?:[a-z]+-)?(\d+(?:\.\d+)*)`)

func baseVersion(s *subject) []finding {
	b, named, ok := s.root()
	if !ok {
		return nil
	}
	tagged, is := named.(reference.Tagged)
	name, key := path.Base(reference.Path(named)), s.version.Runtime.Key
	related := name == key || slices.Contains(languages[key], name) || strings.HasPrefix(key, name+"-")
	if !is || !related {
		return nil
	}
	given := tagVersion.FindStringSubmatch(tagged.Tag())
	want := versionNumber.FindString(s.version.Name)
	if given == nil || want == "" || compatible(given[1], want) {
		return nil
	}
	return []finding{{
		at: b.Range, summary: fmt.Sprintf("%s is built on %s", s.version.ID, b.Ref),
		detail: fmt.Sprintf("That is version %s.", given[1]),
	}}
}

var versionNumber = regexp.MustCompile(`\b\d+(?:\.\d+)*\b`)

// compatible reports whether two versions agree as far as both go: 16 and 16.0,
// 3.10.4 and 3.10.
func compatible(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	n := min(len(x), len(y))
	return slices.Equal(x[:n], y[:n])
}
