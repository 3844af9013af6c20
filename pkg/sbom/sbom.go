// Package sbom reads which packages an image has: from SPDX 2 as JSON, by itself
// or in the in-toto statement that BuildKit attaches to images.
//
// https://spdx.github.io/spdx-spec/v2.3/ describes the one,
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md the other.
package sbom

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Package is one package. What a document does not say is "".
type Package struct {
	Name    string
	Version string
	Type    string // of its package URL: deb, npm, golang …
	License string // an SPDX expression: what was concluded, else what was declared
}

// MaxPackages is how many packages are read of one document.
const MaxPackages = 100_000

// document is what is read of SPDX.
type document struct {
	SPDXVersion string        `json:"spdxVersion"`
	Packages    []spdxPackage `json:"packages"`
}

type spdxPackage struct {
	Name             string `json:"name"`
	VersionInfo      string `json:"versionInfo"`
	LicenseConcluded string `json:"licenseConcluded"`
	LicenseDeclared  string `json:"licenseDeclared"`
	Purpose          string `json:"primaryPackagePurpose"`
	ExternalRefs     []struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	} `json:"externalRefs"`
}

// Parse reads the packages of a document, sorted and without duplicates. The
// package that stands for the image itself is none of them.
func Parse(data []byte) ([]Package, error) {
	var in struct {
		document
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("not an SBOM as JSON: %w", err)
	}
	doc := in.document
	if len(in.Predicate) > 0 {
		if err := json.Unmarshal(in.Predicate, &doc); err != nil {
			return nil, fmt.Errorf("not an SBOM as JSON: %w", err)
		}
	}
	if !strings.HasPrefix(doc.SPDXVersion, "SPDX-2.") {
		return nil, fmt.Errorf("an SBOM of the format %q; SPDX-2 is read", doc.SPDXVersion)
	}
	if len(doc.Packages) > MaxPackages {
		return nil, fmt.Errorf("an SBOM of %d packages; %d are read", len(doc.Packages), MaxPackages)
	}
	packages := make([]Package, 0, len(doc.Packages))
	for _, p := range doc.Packages {
		if p.Purpose != "CONTAINER" && p.Purpose != "FILE" {
			packages = append(packages, p.simple())
		}
	}
	slices.SortFunc(packages, Compare)
	return slices.Compact(packages), nil
}

// Compare sorts packages by name, then by version and the rest.
func Compare(a, b Package) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Type, b.Type), cmp.Compare(a.License, b.License))
}

func (p *spdxPackage) simple() Package {
	found := Package{Name: p.Name, Version: p.VersionInfo, License: said(p.LicenseConcluded)}
	if found.License == "" {
		found.License = said(p.LicenseDeclared)
	}
	for _, ref := range p.ExternalRefs {
		// https://github.com/package-url/purl-spec: pkg:TYPE/…
		if kind, _, is := strings.Cut(strings.TrimPrefix(ref.Locator, "pkg:"), "/"); is && ref.Type == "purl" && found.Type == "" {
			found.Type = kind
		}
	}
	return found
}

// said is a field without the words by which SPDX says that it says nothing.
func said(license string) string {
	if license == "NOASSERTION" || license == "NONE" {
		return ""
	}
	return license
}
