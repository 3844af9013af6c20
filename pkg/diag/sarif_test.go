package diag_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
)

// TestWriteSARIF compares a whole log. That such logs conform to the schema of
// the standard is tested in tests/repo.
func TestWriteSARIF(t *testing.T) {
	ruled := problem("Bad", &hcl.Range{
		Filename: "a b/ü.sh", Start: hcl.Pos{Line: 1, Column: 5, Byte: 4},
		End: hcl.Pos{Line: 3, Column: 2, Byte: 12},
	})
	ruled.Severity, ruled.Extra = hcl.DiagWarning, diag.Rule{ID: "some-rule", URL: "https://example.org/#some-rule"}
	nowhere := problem("Nowhere", nil)
	nowhere.Detail = ""
	var got strings.Builder
	err := diag.WriteSARIF(&got, hcl.Diagnostics{ruled, nowhere}, diag.SARIFOptions{
		Version: "v1",
		Rules: []diag.Rule{{
			ID: "some-rule", What: "What", Why: "Why", Fix: "How",
			URL: "https://example.org/#some-rule", Warning: true,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != wantSARIF {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), wantSARIF)
	}
}

const wantSARIF = `{
  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "runbake",
          "version": "v1",
          "informationUri": "https://github.com/runbake/runbake",
          "rules": [
            {
              "id": "definition",
              "shortDescription": {
                "text": "Definitions are valid"
              },
              "helpUri": "https://github.com/runbake/runbake/blob/main/docs/definitions.md",
              "defaultConfiguration": {
                "level": "error"
              }
            },
            {
              "id": "some-rule",
              "shortDescription": {
                "text": "What"
              },
              "fullDescription": {
                "text": "Why"
              },
              "help": {
                "text": "How"
              },
              "helpUri": "https://example.org/#some-rule",
              "defaultConfiguration": {
                "level": "warning"
              }
            }
          ]
        }
      },
      "columnKind": "unicodeCodePoints",
      "results": [
        {
          "ruleId": "some-rule",
          "ruleIndex": 1,
          "level": "warning",
          "message": {
            "text": "Bad. Mend it."
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "a%20b/%C3%BC.sh",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1,
                  "startColumn": 5,
                  "endLine": 3,
                  "endColumn": 2,
                  "byteOffset": 4,
                  "byteLength": 8
                }
              }
            }
          ]
        },
        {
          "ruleId": "definition",
          "ruleIndex": 0,
          "level": "error",
          "message": {
            "text": "Nowhere"
          }
        }
      ]
    }
  ]
}
`

// TestSuppressed: the standard wants suppressions of all results of a run, or of none.
func TestSuppressed(t *testing.T) {
	diags := hcl.Diagnostics{problem("New", nil)}
	known := problem("Known", nil)
	known.Extra = diag.Rule{ID: "some-rule"}
	diags = append(diags, diag.Suppress(hcl.Diagnostics{known})...)
	if diag.Suppressed(known) || !diag.Suppressed(diags[1]) || diag.RuleOf(diags[1]).ID != "some-rule" {
		t.Errorf("suppressed: %v, the given one: %v, rule %q", diag.Suppressed(diags[1]), diag.Suppressed(known), diag.RuleOf(diags[1]).ID)
	}
	for why, want := range map[string]string{"It is meant.": `[[] [{"kind":"external","justification":"It is meant."}]]`, "": "[ ]"} {
		var log bytes.Buffer
		found := diags
		if why == "" {
			found = hcl.Diagnostics{diags[0], known}
		}
		if err := diag.WriteSARIF(&log, found, diag.SARIFOptions{Suppression: why}); err != nil {
			t.Fatal(err)
		}
		var read struct {
			Runs []struct {
				Results []struct{ Suppressions json.RawMessage }
			}
		}
		if err := json.Unmarshal(log.Bytes(), &read); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range read.Runs[0].Results {
			var b bytes.Buffer
			if len(r.Suppressions) > 0 {
				if err := json.Compact(&b, r.Suppressions); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, b.String())
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: got %v, want %s", why, got, want)
		}
	}
}
