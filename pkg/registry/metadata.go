package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Built is what a build says of one target in its metadata file.
type Built struct {
	Target string
	Digest string
	Names  []string // what was pushed, with or without tags
}

// IsMetadata reports whether a file is what buildx writes as metadata, or
// runbake build does.
func IsMetadata(src []byte) bool {
	var file map[string]json.RawMessage
	if json.Unmarshal(src, &file) != nil {
		return false
	}
	for name, value := range file {
		var target map[string]json.RawMessage
		if json.Unmarshal(value, &target) != nil {
			if !ofBuildx(name) {
				return false
			}
			continue
		}
		for key := range target {
			if !ofBuildx(key) {
				return false
			}
		}
	}
	return true
}

// ofBuildx reports whether a key is one that buildx gives to metadata.
func ofBuildx(key string) bool {
	return strings.HasPrefix(key, "buildx.") || strings.HasPrefix(key, "containerimage.") || key == "image.name"
}

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ParseMetadata reads a file that docker buildx bake --metadata-file wrote: what
// it says of each target that made an image, sorted by target.
func ParseMetadata(src []byte) ([]Built, error) {
	var file map[string]json.RawMessage
	if err := json.Unmarshal(src, &file); err != nil {
		return nil, fmt.Errorf("not a metadata file of bake: %w", err)
	}
	if _, single := file["containerimage.digest"]; single {
		return nil, errors.New("written by docker buildx build, which does not name targets; docker buildx bake --metadata-file does")
	}
	var all []Built
	for target, value := range file {
		if !bytes.HasPrefix(value, []byte("{")) { // warnings, and what else buildx adds
			continue
		}
		var entry struct {
			Digest string `json:"containerimage.digest"`
			Name   string `json:"image.name"`
		}
		if err := json.Unmarshal(value, &entry); err != nil {
			return nil, fmt.Errorf("target %q: %w", target, err)
		}
		if entry.Digest == "" { // nothing was exported: a test
			continue
		}
		if !digestPattern.MatchString(entry.Digest) {
			return nil, fmt.Errorf("target %q: %q is no digest", target, entry.Digest)
		}
		b := Built{Target: target, Digest: entry.Digest}
		for n := range strings.SplitSeq(entry.Name, ",") {
			if n = strings.TrimSpace(n); n != "" {
				b.Names = append(b.Names, n)
			}
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b Built) int { return strings.Compare(a.Target, b.Target) })
	return all, nil
}

// Repositories are the repositories of what was pushed, without duplicates.
func (b Built) Repositories() []string {
	var all []string
	for _, n := range b.Names {
		if r := RepositoryOf(n); !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// SameRepository reports whether two names mean one repository: BuildKit writes
// docker.io/library/node where people write node.
func SameRepository(a, b string) bool {
	left, err := name.NewRepository(a)
	if err != nil {
		return false
	}
	right, err := name.NewRepository(b)
	return err == nil && left.String() == right.String()
}
