package diag_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
)

func at(file string, line, column, from, to int) *hcl.Range {
	return &hcl.Range{
		Filename: file,
		Start:    hcl.Pos{Line: line, Column: column, Byte: from},
		End:      hcl.Pos{Line: line, Column: column + to - from, Byte: to},
	}
}

func problem(summary string, subject *hcl.Range) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: "Mend it.", Subject: subject}
}

func TestSort(t *testing.T) {
	b2, a9, a1 := problem("x", at("b", 2, 1, 5, 6)), problem("x", at("a", 9, 1, 90, 91)), problem("x", at("a", 1, 1, 0, 1))
	none, other := problem("x", nil), problem("w", at("a", 1, 1, 0, 1))
	given := hcl.Diagnostics{b2, a9, a1, none, other, a1, problem("x", at("b", 2, 1, 5, 6))}
	got := diag.Sort(given)
	want := hcl.Diagnostics{none, other, a1, a9, b2}
	if len(got) != len(want) {
		t.Fatalf("got %d, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: got %v, want %v", i, got[i], want[i])
		}
	}
	if given[0] != b2 {
		t.Error("the argument was changed")
	}
}

func TestWriteText(t *testing.T) {
	cases := []struct {
		name, src string
		subject   *hcl.Range
		want      string
	}{
		{"tabs stay", "\tkey = 1\n", at("f", 1, 2, 1, 4), "f:1:2: error: Bad\n  1 | \tkey = 1\n    | \t^~~\n  Mend it.\n"},
		{"wide characters", "a = \"漢字\" x\n", at("f", 1, 10, 13, 14), "f:1:10: error: Bad\n  1 | a = \"漢字\" x\n    |            ^\n  Mend it.\n"},
		{
			"passwords of addresses", "a = \"https://me:geheim@example.com/x\"\n", at("f", 1, 1, 0, 1),
			"f:1:1: error: Bad\n  1 | a = \"https://me:******@example.com/x\"\n    | ^\n  Mend it.\n",
		},
		{"the last line", "a", at("f", 1, 1, 0, 1), "f:1:1: error: Bad\n  1 | a\n    | ^\n  Mend it.\n"},
		{"end of file", "a\n", at("f", 2, 1, 2, 2), "f:2:1: error: Bad\n  2 | \n    | ^\n  Mend it.\n"},
		{"no source", "", at("other", 3, 4, 9, 10), "other:3:4: error: Bad\n  Mend it.\n"},
		{"no place", "", nil, "error: Bad\n  Mend it.\n"},
		{"escape sequences", "a = \"\x1b[31m\"\r\n", at("f", 1, 1, 0, 1), "f:1:1: error: Bad\n  1 | a = \"\\x1b[31m\"\n    | ^\n  Mend it.\n"},
		{
			"several lines", "a = [\n  1,\n]\n",
			&hcl.Range{Filename: "f", Start: hcl.Pos{Line: 1, Column: 5, Byte: 4}, End: hcl.Pos{Line: 3, Column: 2, Byte: 12}},
			"f:1:5: error: Bad\n  1 | a = [\n    |     ^\n  2 |   1,\n    |   ^~\n  3 | ]\n    | ^\n  Mend it.\n",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got strings.Builder
			if err := diag.WriteText(&got, map[string][]byte{"f": []byte(c.src)}, hcl.Diagnostics{problem("Bad", c.subject)}, diag.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if got.String() != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got.String(), c.want)
			}
		})
	}
}

func TestColor(t *testing.T) {
	for color, want := range map[bool]int{true: 6, false: 0} {
		var got strings.Builder
		diags := hcl.Diagnostics{problem("Bad", at("f", 1, 1, 0, 1))}
		if err := diag.WriteText(&got, nil, diags, diag.TextOptions{Color: color}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(got.String(), "\x1b["); n != want {
			t.Errorf("color %v: %d escape sequences, want %d: %q", color, n, want, got.String())
		}
	}
}

func TestWriteGitHub(t *testing.T) {
	hostile := problem("a: b, 100%\n::error::forged", at("x,y:z", 1, 2, 1, 4))
	hostile.Detail = "50%\nsecond line\r"
	lines := problem("Long", &hcl.Range{Filename: "f", Start: hcl.Pos{Line: 1, Column: 5, Byte: 4}, End: hcl.Pos{Line: 3, Column: 2, Byte: 12}})
	lines.Severity = hcl.DiagWarning
	var got strings.Builder
	if err := diag.WriteGitHub(&got, hcl.Diagnostics{hostile, lines, problem("Nowhere", nil)}); err != nil {
		t.Fatal(err)
	}
	want := `::error file=x%2Cy%3Az,line=1,endLine=1,col=2,endColumn=5,title=a%3A b%2C 100%25%0A%3A%3Aerror%3A%3Aforged::50%25%0Asecond line%0D
::warning file=f,line=1,endLine=3,title=Long::Mend it.
::error title=Nowhere::Mend it.
`
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

func TestSummary(t *testing.T) {
	warning := &hcl.Diagnostic{Severity: hcl.DiagWarning}
	for want, diags := range map[string]hcl.Diagnostics{
		"":                    nil,
		"1 error":             {problem("a", nil)},
		"2 errors, 1 warning": {problem("a", nil), problem("b", nil), warning},
		"2 warnings":          {warning, warning},
	} {
		if got := diag.Summary(diags); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"platforms", "platform", "tags", "12", "node-22"}
	for given, want := range map[string]string{
		"plattforms": "platforms", "PLATFORM": "platform", "tag": "tags", "colour": "", "13": "12", "x": "", "": "", "node-23": "node-22",
	} {
		if got := diag.Suggest(given, known); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

// TestRule: every format shows the rule of a diagnostic and its page.
func TestRule(t *testing.T) {
	ruled := problem("Bad", at("f", 1, 1, 0, 1))
	ruled.Extra = diag.Rule{ID: "some-rule", URL: "https://example.org/#some-rule"}
	cases := map[string]func(*strings.Builder) error{
		"f:1:1: error: Bad [some-rule]\n  1 | a\n    | ^\n  Mend it.\n  https://example.org/#some-rule\n": func(b *strings.Builder) error {
			return diag.WriteText(b, map[string][]byte{"f": []byte("a\n")}, hcl.Diagnostics{ruled}, diag.TextOptions{})
		},
		"::error file=f,line=1,endLine=1,col=1,endColumn=2,title=Bad [some-rule]::Mend it.%0Ahttps://example.org/#some-rule\n": func(b *strings.Builder) error {
			return diag.WriteGitHub(b, hcl.Diagnostics{ruled})
		},
		`{
  "version": 1,
  "kind": "lint",
  "items": [
    {
      "severity": "error",
      "summary": "Bad",
      "detail": "Mend it.",
      "rule": "some-rule",
      "url": "https://example.org/#some-rule",
      "at": {
        "file": "f",
        "line": 1,
        "column": 1
      },
      "end": {
        "file": "f",
        "line": 1,
        "column": 2
      }
    }
  ]
}
`: func(b *strings.Builder) error { return diag.WriteJSON(b, hcl.Diagnostics{ruled}) },
	}
	for want, write := range cases {
		var got strings.Builder
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
		}
	}
	if other := problem("Bad", at("f", 1, 1, 0, 1)); len(diag.Sort(hcl.Diagnostics{ruled, other})) != 2 {
		t.Error("diagnostics of different rules are taken for one")
	}
}
