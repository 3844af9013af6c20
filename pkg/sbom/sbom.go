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

	"github.com/package-url/packageurl-go"
)

// Package is one package. What a document does not say is "".
type Package struct {
	Name    string // with its namespace, where that is part of what people call it
	Version string
	Type    string // of its package URL: deb, npm, golang …
	License string // an SPDX expression: what was concluded, else what was declared
}

// MaxPackages is how many packages are read of one document.
const MaxPackages = 100_000

// document is what is read of SPDX.
type document struct {
	SPDXVersion   string        `json:"spdxVersion"`
	Packages      []spdxPackage `json:"packages"`
	Describes     []string      `json:"documentDescribes"`
	Relationships []struct {
		Related string `json:"relatedSpdxElement"`
		Type    string `json:"relationshipType"`
	} `json:"relationships"`
}

type spdxPackage struct {
	ID               string `json:"SPDXID"`
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
	described := doc.described()
	packages := make([]Package, 0, len(doc.Packages))
	for _, p := range doc.Packages {
		if p.Purpose != "CONTAINER" && p.Purpose != "FILE" && !described[p.ID] {
			packages = append(packages, p.simple())
		}
	}
	slices.SortFunc(packages, Compare)
	return slices.Compact(packages), nil
}

// described are the ids of what the document is about: the image.
func (d *document) described() map[string]bool {
	ids := map[string]bool{}
	for _, id := range d.Describes {
		ids[id] = true
	}
	for _, r := range d.Relationships {
		if r.Type == "DESCRIBES" {
			ids[r.Related] = true
		}
	}
	delete(ids, "")
	return ids
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
		if ref.Type != "purl" {
			continue
		}
		if purl, err := packageurl.FromString(ref.Locator); err == nil {
			found.Type, found.Name = purl.Type, called(purl)
			if !strings.HasSuffix(p.VersionInfo, ":"+purl.Version) { // with an epoch, which an URL may leave out
				found.Version = cmp.Or(purl.Version, p.VersionInfo)
			}
			break
		}
	}
	return found
}

// called is the name of a package as people say it: the namespace of a distribution
// is its vendor, that of others a part of the name.
func called(purl packageurl.PackageURL) string {
	switch purl.Type {
	case "deb", "apk", "rpm", "alpm":
		return purl.Name
	}
	if purl.Namespace == "" {
		return purl.Name
	}
	return purl.Namespace + "/" + purl.Name
}

// said is a field without the words by which SPDX says that it says nothing.
func said(license string) string {
	if license == "NOASSERTION" || license == "NONE" {
		return ""
	}
	return license
}
