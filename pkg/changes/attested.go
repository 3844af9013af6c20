package changes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/package-url/packageurl-go"

	"github.com/runbake/runbake/pkg/sbom"
)

// Labels and annotations that name the base of an image:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
const (
	BaseName   = "org.opencontainers.image.base.name"
	BaseDigest = "org.opencontainers.image.base.digest"
)

// ReadSPDX reads the packages of an in-toto statement whose predicate is an SPDX
// document. What the document describes, the image itself, is none.
func ReadSPDX(statement []byte) ([]Package, error) {
	attested, err := sbom.Parse(statement)
	if err != nil {
		return nil, err
	}
	found := collected{}
	for _, p := range attested {
		if err := found.add(Package{p.Type, p.Name, p.Version}); err != nil {
			return nil, fmt.Errorf("the SBOM: %w", err)
		}
	}
	return sorted(found.all), nil
}

// material is something that a build has taken.
type material struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// ReadBase finds the base of an image: its name where labels have it, and the digest
// in the provenance of the build, an in-toto statement; nil where there is none. A
// build that took several images tells by that name which of them is the base.
func ReadBase(labels map[string]string, provenance []byte) (Base, error) {
	name, pinned, _ := strings.Cut(labels[BaseName], "@")
	base := Base{name, cmp.Or(labels[BaseDigest], pinned)}
	if provenance == nil {
		return base, nil
	}
	var s struct {
		Predicate struct {
			Materials  []material `json:"materials"` // SLSA 0.2
			Definition struct {
				Dependencies []material `json:"resolvedDependencies"` // SLSA 1
			} `json:"buildDefinition"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(provenance, &s); err != nil {
		return base, fmt.Errorf("the provenance is not understood: %w", err)
	}
	var images []Base
	for _, m := range slices.Concat(s.Predicate.Materials, s.Predicate.Definition.Dependencies) {
		purl, err := packageurl.FromString(m.URI)
		if err != nil || purl.Type != "docker" || m.Digest["sha256"] == "" {
			continue
		}
		name := strings.Trim(purl.Namespace+"/"+purl.Name, "/")
		if name == "docker/dockerfile" { // the frontend
			continue
		}
		if purl.Version != "" {
			name += ":" + purl.Version
		}
		if found := (Base{name, "sha256:" + m.Digest["sha256"]}); !slices.Contains(images, found) {
			images = append(images, found)
		}
	}
	for _, i := range images {
		if base.Name == "" && len(images) == 1 {
			return i, nil
		}
		if base.Digest == "" && sameName(i.Name, base.Name) {
			base.Digest = i.Digest
		}
	}
	return base, nil
}

// sameName reports whether two names mean one image.
func sameName(a, b string) bool {
	x, errX := reference.ParseNormalizedNamed(a)
	y, errY := reference.ParseNormalizedNamed(b)
	return errX == nil && errY == nil && reference.TagNameOnly(x).String() == reference.TagNameOnly(y).String()
}
