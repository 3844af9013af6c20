package changes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/changes"
)

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u9
Description: GNU C Library
 Package: not-one
 .
 Version: 9

Package: gone
Status: deinstall ok config-files
Version: 1

Package: half
Status: install reinstreq half-installed
Version: 2
Version: 3

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-9+deb12u9
`

const apkInstalled = `C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
F:lib
R:ld-musl-x86_64.so.1

P:busybox
V:1.37.0-r12

`

const statement = `{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "predicate": {
  "spdxVersion": "SPDX-2.3",
  "packages": [
    {"SPDXID": "SPDXRef-root", "name": "sbom", "versionInfo": "1"},
    {"SPDXID": "SPDXRef-image", "name": "image", "versionInfo": "1", "primaryPackagePurpose": "CONTAINER"},
    {"SPDXID": "SPDXRef-1", "name": "libc6", "versionInfo": "2.36-9", "externalRefs": [
      {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
      {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12"}]},
    {"SPDXID": "SPDXRef-2", "name": "@npmcli/config", "versionInfo": "8.0.0", "externalRefs": [
      {"referenceType": "purl", "referenceLocator": "pkg:npm/%40npmcli/config@8.0.0"}]},
    {"SPDXID": "SPDXRef-3", "name": "@npmcli/config", "versionInfo": "8.0.0", "externalRefs": [
      {"referenceType": "purl", "referenceLocator": "pkg:npm/%40npmcli/config@8.0.0"}]},
    {"SPDXID": "SPDXRef-4", "name": "tool", "versionInfo": "7", "externalRefs": [{"referenceType": "purl", "referenceLocator": "no purl"}]},
    {"SPDXID": "SPDXRef-5", "name": "bare", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:generic/bare"}]}
  ],
  "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": "SPDXRef-root", "relationshipType": "DESCRIBES"}]
}}`

func TestReaders(t *testing.T) {
	long := strings.Repeat("x", 1025)
	for name, c := range map[string]struct {
		read func([]byte) ([]changes.Package, error)
		text string
		want string
	}{
		"dpkg":            {changes.ReadDpkg, status, "[{deb half 2} {deb libc6 2.36-9+deb12u9}]"},
		"dpkg, status.d":  {changes.ReadDpkg, "Package: tzdata\nVersion: 2024a-0+deb12u1", "[{deb tzdata 2024a-0+deb12u1}]"},
		"dpkg, CRLF":      {changes.ReadDpkg, "Package: a\r\nVersion: 1\r\n\r\nPackage: b\r\nVersion: 2\r\n", "[{deb a 1} {deb b 2}]"},
		"dpkg, nothing":   {changes.ReadDpkg, "", "[]"},
		"dpkg, long name": {changes.ReadDpkg, "Package: " + long, "the database of dpkg: the name or version of a package has more than 1024 bytes"},
		"dpkg, long line": {changes.ReadDpkg, strings.Repeat("x", 17<<20), "the database of dpkg: a line has more than 16777216 bytes"},
		"dpkg, many": {
			changes.ReadDpkg, strings.Repeat("Package: a\n\n", 200_001), "the database of dpkg: more than 200000 packages",
		},
		"apk":          {changes.ReadApk, apkInstalled, "[{apk busybox 1.37.0-r12} {apk musl 1.2.5-r0}]"},
		"apk, hostile": {changes.ReadApk, "P:\x1b]0;x\a\nV:\u202e\n", "[{apk \x1b]0;x\a \u202e}]"},
		"apk, long":    {changes.ReadApk, "P:a\nV:" + long, "the database of apk: the name or version of a package has more than 1024 bytes"},
		"spdx": {
			changes.ReadSPDX, statement,
			"[{ tool 7} {deb libc6 2.36-9+deb12u9} {generic bare } {npm @npmcli/config 8.0.0}]",
		},
		"spdx, empty": {changes.ReadSPDX, "{}", `an SBOM of the format ""; SPDX-2 is read`},
		"spdx, cut":   {changes.ReadSPDX, statement[:200], "not an SBOM as JSON: unexpected end of JSON input"},
		"spdx, long":  {changes.ReadSPDX, strings.Replace(statement, "tool", long, 1), "the SBOM: the name or version of a package has more than 1024 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			packages, err := c.read([]byte(c.text))
			got := fmt.Sprint(packages)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestReadBase(t *testing.T) {
	const (
		zero   = `{"predicate": {"materials": [{"uri": "pkg:docker/docker/dockerfile@1", "digest": {"sha256": "f"}}, {"uri": "pkg:docker/node@22-slim?platform=linux%2Famd64", "digest": {"sha256": "aa"}}]}}`
		one    = `{"predicate": {"buildDefinition": {"resolvedDependencies": [{"uri": "pkg:docker/node@22-slim", "digest": {"sha256": "bb"}}, {"uri": "pkg:docker/ghcr.io/acme/tools@1", "digest": {"sha256": "cc"}}, {"uri": "https://example.com/a.tgz", "digest": {"sha256": "dd"}}]}}}`
		broken = `[`
	)
	name := func(n string) map[string]string { return map[string]string{changes.BaseName: n} }
	for _, c := range []struct {
		what       string
		labels     map[string]string
		provenance string
		want       string
	}{
		{"nothing", nil, "", "{ }"},
		{"a label", name("node:22-slim"), "", "{node:22-slim }"},
		{"a label with a digest", name("node:22-slim@sha256:ee"), one, "{node:22-slim sha256:ee}"},
		{"labels", map[string]string{changes.BaseName: "a", changes.BaseDigest: "sha256:ff"}, one, "{a sha256:ff}"},
		{"the only image", nil, zero, "{node:22-slim sha256:aa}"},
		{"one of two", name("docker.io/library/node:22-slim"), one, "{docker.io/library/node:22-slim sha256:bb}"},
		{"one of a registry", name("ghcr.io/acme/tools:1"), one, "{ghcr.io/acme/tools:1 sha256:cc}"},
		{"which of two is not said", nil, one, "{ }"},
		{"another", name("debian:12"), one, "{debian:12 }"},
		{"broken", nil, broken, "the provenance is not understood: unexpected end of JSON input"},
	} {
		var provenance []byte
		if c.provenance != "" {
			provenance = []byte(c.provenance)
		}
		base, err := changes.ReadBase(c.labels, provenance)
		got := fmt.Sprint(base)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

// fuzzReader: whatever a database holds, there is an answer: packages with names, in
// order, each once.
func fuzzReader(f *testing.F, read func([]byte) ([]changes.Package, error)) {
	f.Fuzz(func(t *testing.T, text []byte) {
		packages, err := read(text)
		if err != nil {
			return
		}
		for i, p := range packages {
			if p.Name == "" || len(p.Name) > 1024 || len(p.Version) > 1024 {
				t.Errorf("%+v", p)
			}
			if i > 0 && fmt.Sprint(packages[i-1]) == fmt.Sprint(p) && packages[i-1] == p {
				t.Errorf("%+v is there twice", p)
			}
		}
		if updates := changes.Compare(
			[]changes.Image{{Platform: "p", Digest: "a", Packages: packages, Source: changes.Layers}},
			[]changes.Image{{Platform: "p", Digest: "b", Packages: packages, Source: changes.Layers}},
		); updates[0].State != changes.Rebuilt {
			t.Errorf("not the same as itself: %+v", updates)
		}
	})
}

func FuzzReadDpkg(f *testing.F) {
	f.Add([]byte(status))
	fuzzReader(f, changes.ReadDpkg)
}

func FuzzReadApk(f *testing.F) {
	f.Add([]byte(apkInstalled))
	fuzzReader(f, changes.ReadApk)
}

func FuzzReadSPDX(f *testing.F) {
	f.Add([]byte(statement))
	fuzzReader(f, changes.ReadSPDX)
}
