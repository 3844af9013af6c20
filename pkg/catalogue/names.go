package catalogue

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/pkg/definition"
)

var (
	registryPattern   = regexp.MustCompile(RegistryPattern)
	repositoryPattern = regexp.MustCompile(RepositoryPattern)
	keyPattern        = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	versionPattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
)

// Groups of the emitted file that are not runtime keys.
const (
	GroupDefault    = "default"
	GroupBases      = "bases"
	GroupDeprecated = "deprecated"
	GroupTest       = "test"
	// TestPrefix is in front of the targets and groups that test images.
	TestPrefix = GroupTest + "-"
	// CheckPrefix is in front of the targets that run the checks of images.
	CheckPrefix = "check-"
)

// ownGroups are names of groups that every emitted file may have.
var ownGroups = []string{GroupDefault, GroupBases, GroupDeprecated, GroupTest}

// reserved says that a name is one of a group, or of tests, in every file.
func reserved(name string) bool {
	return slices.Contains(ownGroups, name) || strings.HasPrefix(name, TestPrefix) || strings.HasPrefix(name, CheckPrefix)
}

func (r *resolver) checkKey(key definition.String) bool {
	if slices.Contains(ownGroups, key.Value) {
		r.report(key.Range, fmt.Sprintf("%q is a reserved key", key.Value),
			"The emitted file has a group of that name. Choose another key.")
		return false
	}
	for _, prefix := range []string{TestPrefix, CheckPrefix} {
		if strings.HasPrefix(key.Value, prefix) {
			r.report(key.Range, fmt.Sprintf("%q is a reserved key", key.Value),
				fmt.Sprintf("Names that start with %s are those of tests in the emitted file. Choose another key.", prefix))
			return false
		}
	}
	if !keyPattern.MatchString(key.Value) {
		r.report(key.Range, fmt.Sprintf("Invalid key %q", key.Value),
			"A key has lower-case letters, digits and dashes, and starts with a letter or digit.")
		return false
	}
	return true
}

// checkVersionName checks the name of a version or a variant.
func (r *resolver) checkVersionName(what string, name definition.String) {
	if !versionPattern.MatchString(name.Value) {
		r.report(name.Range, fmt.Sprintf("Invalid %s %q", what, name.Value),
			fmt.Sprintf("A %s has lower-case letters, digits, dots, dashes and underscores, and starts with a letter or digit.", what))
	}
}

func (r *resolver) checkDate(s definition.String, what string) {
	if _, err := time.Parse(time.DateOnly, s.Value); err != nil {
		r.report(s.Range, fmt.Sprintf("%q is not a date", s.Value),
			fmt.Sprintf(`Write the day %s as YYYY-MM-DD, for example "2026-04-30".`, what))
	}
}

func (r *resolver) entrypoint(s definition.String) {
	if s.Value == "" || s.Value == "." || s.Value == ".." || path.Base(s.Value) != s.Value || strings.Contains(s.Value, `\`) {
		r.report(s.Range, fmt.Sprintf("Invalid entry point %q", s.Value), `Write a file name without folders, for example "index.js".`)
	}
}

// Patterns of names that the emitted variables may have.
const (
	RegistryPattern   = `^([a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*)?$`
	RepositoryPattern = `^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*$` // without a tag
)

// Repository is the short form of an image name that may stand alone: with an
// empty REGISTRY, x and library/x are the same.
func Repository(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image
	}
	return reference.FamiliarName(named)
}

// RepositoryIn tells the repository of an image from those of others: in full with a
// registry of its own, and else, "", below whatever REGISTRY is.
func RepositoryIn(registry, image string) string {
	if registry == "" {
		return Repository(image)
	}
	named, err := reference.ParseNormalizedNamed(registry + "/" + image)
	if err != nil {
		return registry + "/" + image // reported for the attributes
	}
	return named.Name()
}

// TargetName makes a bake target name of an id. Bake allows letters, digits,
// dashes and underscores, and reads a dot on its command line as an underscore.
func TargetName(id string) string {
	return strings.ReplaceAll(id, ".", "_")
}

// compareNatural orders names so that numbers in them count as numbers: 3.9
// before 3.10.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		partA, restA := leading(a)
		partB, restB := leading(b)
		if c := comparePart(partA, partB); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

func comparePart(a, b string) int {
	if !isDigit(a[0]) || !isDigit(b[0]) {
		return cmp.Compare(a, b)
	}
	numberA, numberB := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(numberA), len(numberB)), cmp.Compare(numberA, numberB), cmp.Compare(len(a), len(b)))
}

// leading splits off the run of digits, or of other characters, that s starts
// with.
func leading(s string) (part, rest string) {
	n := 1
	for n < len(s) && isDigit(s[n]) == isDigit(s[0]) {
		n++
	}
	return s[:n], s[n:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
