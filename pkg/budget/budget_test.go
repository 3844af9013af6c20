package budget_test

import (
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/budget"
)

// loops is a template of loops in one another.
func loops(n int, list string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("%{for v" + string(rune('a'+i)) + " in " + list + "}")
	}
	return `a = "` + b.String() + "x" + strings.Repeat("%{endfor}", n) + `"`
}

func TestParseHCL(t *testing.T) {
	many := strings.Repeat
	items := "[" + many("1, ", 300) + "1]"
	for name, c := range map[string]struct{ src, want string }{
		"an ordinary file":       {"project {\n  labels = { a = \"x${1 + 2}\", b = <<-E\n    %{if true}y%{endif}\n  E\n }\n}\n", ""},
		"a long list":            {"a = [" + many("\"${-1}\", ", 5000) + "]", ""},
		"many lines":             {many("b {\n  c = !true\n}\n", 5000), ""},
		"brackets":               {"a = " + many("(", 200_000) + "1" + many(")", 200_000), "a:1,505-506: The text is nested too deep"},
		"brackets left open":     {"a = " + many("[", 200_000), "a:1,505-506: The text is nested too deep"},
		"blocks":                 {many("a {\n", 200_000), "a:501,3-4: The text is nested too deep"},
		"templates":              {"a = " + many(`"${`, 200_000), "nested too deep"},
		"negations":              {"a = " + many("!", 200_000) + "true", "nested too deep"},
		"signs":                  {"a = " + many("- ", 200_000) + "1", "nested too deep"},
		"conditions":             {"a = " + many("true ? 1 : ", 200_000) + "1", "nested too deep"},
		"sums":                   {"a = 1" + many(" + 1", 200_000), "nested too deep"},
		"controls of a template": {`a = "` + many("%{if true}", 200_000), "nested too deep"},
		"a number":               {"a = \"x${1e99999999}\"", "a:1,9-19: Number is out of all proportion"},
		"a small number":         {"a = \"x${1e-99999999}\"", "Number is out of all proportion"},
		"three loops":            {loops(3, "[1, 2, 3]"), ""},
		"eight loops":            {loops(8, "[1, 2]"), "Too many loops in one another"},
		"long loops":             {loops(3, items), "The loops take too long"},
		"a loop over a loop":     {"a = [for x in [for y in [for z in " + items + ": " + items + "]: " + items + "]: 1]", "The loops take too long"},
		"a loop over its item":   {"a = [for x in [" + items + ", " + items + "]: [for y in x: [for z in x: " + items + "]]]", "The loops take too long"},
		"a matrix":               {"target \"a\" {\n  matrix = { x = " + items + ", y = [1, 2] }\n}\n", ""},
		"a matrix of millions":   {"target \"a\" {\n  matrix = { x = " + items + ", y = " + items + ", z = " + items + " }\n}\n", "a:2,3-2741: The matrix makes too many targets"},
		"many loops":             {many("b {\n"+loops(2, items)+"\n}\n", 20), "The loops take too long"},
	} {
		t.Run(name, func(t *testing.T) {
			file, diags := budget.ParseHCL([]byte(c.src), "a")
			switch {
			case c.want == "" && (diags.HasErrors() || file == nil):
				t.Errorf("refused: %v", diags)
			case c.want != "" && (file != nil || !strings.Contains(diags.Error(), c.want)):
				t.Errorf("got %v, want %q", diags, c.want)
			}
		})
	}
}

func TestScript(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		deep bool
	}{
		"an ordinary script": {"set -e\nfor i in $(seq 3); do\n  case $i in\n  a) echo \"(\" ;;\n  *) if true; then echo $((1 + 2)); fi ;;\n  esac\ndone\n", false},
		"many commands":      {strings.Repeat("if true; then f() { (echo); }; fi\n", 5000), false},
		"substitutions":      {"x=" + strings.Repeat("$(", 4000) + "echo" + strings.Repeat(")", 4000), true},
		"cases":              {strings.Repeat("$(case x in a) ", 4000), true},
		"conditions":         {strings.Repeat("if ", 4000), true},
		"loops":              {strings.Repeat("while true; do ", 4000), true},
	} {
		if at, deep := budget.Script([]byte(c.src)); deep != c.deep || deep && at == 0 {
			t.Errorf("%s: got %t at %d", name, deep, at)
		}
	}
}

// FuzzParseHCL: whatever it is, it is read or refused at once.
func FuzzParseHCL(f *testing.F) {
	for _, seed := range []string{"a = 1", "a = \"x${[for x in [1]: x]}%{if true}b%{endif}\"", "b \"c\" {\n  d = <<E\nx\nE\n}\n", "a = (((", "a = !-1 ? 2 : 3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, diags := budget.ParseHCL([]byte(src), "a")
		if file == nil && !diags.HasErrors() {
			t.Error("no file, and no reason")
		}
	})
}
