package sbom_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/sbom"
)

const document = `{"spdxVersion": "SPDX-2.3", "packages": [
  {"name": "zlib1g", "versionInfo": "1:1.2.13", "licenseDeclared": "Zlib",
   "licenseConcluded": "NOASSERTION", "externalRefs": [
    {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:zlib/x"},
    {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/zlib1g@1.2.13?arch=amd64"}]},
  {"name": "left-pad", "versionInfo": "1.3.0", "licenseConcluded": "WTFPL", "licenseDeclared": "MIT",
   "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/left-pad@1.3.0"}]},
  {"name": "left-pad", "versionInfo": "1.3.0", "licenseConcluded": "WTFPL",
   "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/left-pad@1.3.0"}]},
  {"name": "sbom", "primaryPackagePurpose": "FILE"},
  {"name": "bare"}]}`

func TestParse(t *testing.T) {
	want := []sbom.Package{
		{Name: "bare"},
		{Name: "left-pad", Version: "1.3.0", Type: "npm", License: "WTFPL"},
		{Name: "zlib1g", Version: "1:1.2.13", Type: "deb", License: "Zlib"},
	}
	statement := `{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "predicate": ` + document + `}`
	for name, text := range map[string]string{"document": document, "statement": statement} {
		if got, err := sbom.Parse([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                            "not an SBOM as JSON: unexpected end of JSON input",
		`[]`:                          "not an SBOM as JSON: ",
		`{"predicate": []}`:           "not an SBOM as JSON: ",
		`{}`:                          `an SBOM of the format ""; SPDX-2 is read`,
		`{"spdxVersion": "SPDX-3.0"}`: `an SBOM of the format "SPDX-3.0"; SPDX-2 is read`,
		`{"bomFormat": "CycloneDX"}`:  `an SBOM of the format ""; SPDX-2 is read`,
		`{"spdxVersion": "SPDX-2.3", "packages": [` + strings.Repeat(`{},`, sbom.MaxPackages) + `{}]}`: "an SBOM of 100001 packages; 100000 are read",
	} {
		if _, err := sbom.Parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: whatever a registry sends, what comes out is sorted and has no
// duplicates.
func FuzzParse(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(`{"predicate": ` + document + `}`))
	f.Add([]byte(`{"spdxVersion": "SPDX-2.2", "packages": [null, {"externalRefs": [null]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := sbom.Parse(data)
		if err != nil {
			return
		}
		for i := range got[min(1, len(got)):] {
			if sbom.Compare(got[i], got[i+1]) >= 0 {
				t.Errorf("%+v comes before %+v", got[i], got[i+1])
			}
		}
	})
}
