package lint_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/pkg/buildcheck"
	"github.com/runbake/runbake/pkg/conformance"
	"github.com/runbake/runbake/pkg/lint"
)

// points are the numbers of the contract, as both halves give them.
var points = []string{
	1: "Files", 2: "README", 3: "Base image", 4: "User and group", 5: "Folders", 6: "Scripts are executable", 7: "Command", 8: "The server is not root",
	9: "build.sh", 10: "Dependencies", 11: "The executable of compiled runtimes", 12: "A failed build fails", 13: "launch.sh", 14: "Port and method",
	15: "The challenge", 16: "The request", 17: "The response", 18: "Errors of functions", 19: "The error object", 20: "Requests are apart",
	21: "Registry entry", 22: "Scripts that build images", 23: "Platforms", 24: "Fixture", 25: "Packages", 26: "The executor's own test",
}

const document = "../../docs/contract.md"

// TestDocument: docs/contract.md says what the tables say.
func TestDocument(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("run go test ./pkg/contract -update:\n%s", diff.Diff(document, got, "the tables", []byte(want)))
	}
}

const introduction = `# The contract

<!-- Written by go test ./pkg/contract -update from the tables of rules. Do not edit. -->

What an image must be that the function executor builds functions in and runs them in. ` + "`runbake lint`" + ` checks what files
decide, without building anything; ` + "`runbake test`" + ` asks what only a running image can answer.

## Levels and exceptions

A level says how strictly files are checked: ` + "`strict`" + ` is all of the contract, and the default; ` + "`guide`" + ` is what a repository
must be to work, for runtimes that come from elsewhere. It stands in a ` + "`lint`" + ` block of the project, or of a runtime or
base, with other severities for some rules, see [the definition language](definitions.md#lint). BuildKit's own checks can be
named there too.

In a Dockerfile or script a comment silences rules, on the line before, or behind a command of a script:

` + "```dockerfile\n# runbake:ignore base-pinned: the vendor has no other tag\nFROM vendor/tool\n```" + `

The reason is required, and so is that the comment silences something. A comment in front of an instruction counts for the
whole of it; findings that something is missing are at the ` + "`FROM`" + ` of the stage, or at the first line of a script.
`

// page is the document.
func page() string {
	var b strings.Builder
	b.WriteString(introduction)
	for number, title := range points {
		static, live := rulesOf(number)
		if number == 0 || len(static)+len(live) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %d. %s\n", number, title)
		writeStatic(&b, static)
		writeLive(&b, live)
	}
	static, _ := rulesOf(0)
	b.WriteString("\n## Besides\n")
	writeStatic(&b, static)
	b.WriteString("\n## BuildKit's checks\n\nThey are warnings at both levels. Checks that need the base image, or are experimental, are not run: nothing is pulled.\n\n| check | what |\n|---|---|\n")
	for _, r := range buildcheck.Rules() {
		fmt.Fprintf(&b, "| [%s](%s) | %s |\n", r.Name, r.URL, r.Description)
	}
	return b.String()
}

func rulesOf(number int) (static []lint.Rule, live []conformance.Rule) {
	for _, r := range lint.Rules() {
		if r.Number == number {
			static = append(static, r)
		}
	}
	for _, r := range conformance.Rules() {
		if r.Number == number {
			live = append(live, r)
		}
	}
	return static, live
}

func writeStatic(b *strings.Builder, rules []lint.Rule) {
	for _, r := range rules {
		angle := strings.NewReplacer("<", "&lt;")
		fmt.Fprintf(b, "\n### %s\n\n**%s.** %s\n\nTo mend it: %s\n\nLint: %s at strict, %s at guide.\n", r.ID, angle.Replace(r.What), r.Why, angle.Replace(r.Mend), r.Strict, r.Guide)
	}
}

func writeLive(b *strings.Builder, rules []conformance.Rule) {
	if len(rules) == 0 {
		return
	}
	b.WriteString("\nAsked of the running image:\n\n| rule | what | why | how to mend it |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;")
	for _, r := range rules {
		fmt.Fprintf(b, "| <a id=\"live-%s\"></a>%s | %s | %s | %s |\n", r.ID, r.ID, cell.Replace(r.What), cell.Replace(r.Why), cell.Replace(r.Mend))
	}
}

// TestPoints: every number of a rule has a title, and no live rule is lost.
func TestPoints(t *testing.T) {
	for _, r := range conformance.Rules() {
		if r.Number <= 0 || r.Number >= len(points) || points[r.Number] == "" {
			t.Errorf("live rule %s has number %d", r.ID, r.Number)
		}
	}
	for _, r := range lint.Rules() {
		if r.Number < 0 || r.Number >= len(points) {
			t.Errorf("rule %s has number %d", r.ID, r.Number)
		}
	}
}
