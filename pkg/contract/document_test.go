package contract_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/pkg/buildcheck"
	"github.com/runbake/runbake/pkg/contract"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

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
must be to work, for runtimes that come from elsewhere; ` + "`off`" + ` asks nothing but what is given a severity. It stands in a ` + "`lint`" + ` block of the project, or of a runtime or
base, with other severities for some rules, see [the definition language](definitions.md#lint). BuildKit's own checks can be
named there too.

Images that are no runtimes have ` + "`contract = \"none\"`" + `, in the project, a runtime or a base: they are held to the rules that
hold for every Dockerfile and script, and tested by [checks](definitions.md#check) alone.

In a Dockerfile or script a comment silences rules, on the line before, or behind a command of a script:

` + "```dockerfile\n# runbake:ignore base-pinned: the vendor has no other tag\nFROM vendor/tool\n```" + `

The reason is required, and so is that the comment silences something. A comment in front of an instruction counts for the
whole of it; findings that something is missing are at the ` + "`FROM`" + ` of the stage, or at the first line of a script.
`

// page is the document.
func page() string {
	var b strings.Builder
	b.WriteString(introduction)
	for number, title := range contract.Points() {
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
	b.WriteString("\n## BuildKit's checks\n\nThey are warnings at the levels `strict` and `guide`. Checks that need the base image, " +
		"or are experimental, are not run: nothing is pulled.\n\n| check | what |\n|---|---|\n")
	for _, r := range buildcheck.Rules() {
		fmt.Fprintf(&b, "| [%s](%s) | %s |\n", r.ID, r.URL, r.What)
	}
	return b.String()
}

func rulesOf(point int) (static, live []contract.Rule) {
	for _, r := range contract.Rules() {
		switch {
		case r.Point != point:
		case r.Where == contract.Live:
			live = append(live, r)
		default:
			static = append(static, r)
		}
	}
	return static, live
}

func writeStatic(b *strings.Builder, rules []contract.Rule) {
	angle := strings.NewReplacer("<", "&lt;")
	for _, r := range rules {
		fmt.Fprintf(b, "\n### %s\n\n**%s.** %s\n\nTo mend it: %s\n\nLint: %s at strict, %s at guide.", r.ID,
			angle.Replace(r.What), r.Why, angle.Replace(r.Fix), r.Strict, r.Guide)
		if r.Where == contract.Both {
			b.WriteString(" A test asks the running image, too.")
		}
		if r.Any {
			b.WriteString(" It holds for images of no contract as well.")
		}
		b.WriteString("\n")
	}
}

func writeLive(b *strings.Builder, rules []contract.Rule) {
	if len(rules) == 0 {
		return
	}
	b.WriteString("\nAsked of the running image:\n\n| rule | what | why | how to mend it |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;")
	for _, r := range rules {
		fmt.Fprintf(b, "| <a id=\"live-%s\"></a>%[1]s | %s | %s | %s |\n", r.ID, cell.Replace(r.What),
			cell.Replace(r.Why), cell.Replace(r.Fix))
	}
}
