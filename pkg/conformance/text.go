package conformance

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/runbake/runbake/pkg/contract"
)

// WriteText writes a report for people: a line for each rule, those that failed
// last, with what was wanted, what came, and what the server wrote.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	results := slices.SortedStableFunc(slices.Values(r.Results), func(a, b Result) int {
		return cmp.Compare(rank(a.Verdict)/rank(Fail), rank(b.Verdict)/rank(Fail))
	})
	for _, result := range results {
		fmt.Fprintf(&b, "%-7s  %-17s  %s\n", result.Verdict, result.Name(), what(result))
		writeDetails(&b, result)
	}
	fmt.Fprintf(&b, "%s\n", r.Summary())
	_, err := io.WriteString(w, b.String())
	return err
}

// what a rule says, or whose a check is.
func what(result Result) string {
	if result.Check != "" {
		return "The definition asks it"
	}
	rules := contract.Checked(contract.Live)
	if i := slices.IndexFunc(rules, func(r contract.Rule) bool { return r.ID == result.Rule }); i >= 0 {
		return rules[i].What
	}
	return ""
}

const indent = "         "

func writeDetails(b *strings.Builder, r Result) {
	switch r.Verdict {
	case NotRun:
		fmt.Fprintf(b, "%sbecause  %s\n", indent, clean(r.Reason))
	case Fail:
		fmt.Fprintf(b, "%swant  %s\n%sgot   %s\n", indent, clean(r.Want), indent, clean(r.Got))
		for line := range strings.Lines(r.Log) {
			fmt.Fprintf(b, "%s  | %s\n", indent, clean(strings.TrimRight(line, "\r\n")))
		}
	}
}

// clean makes what a server said safe for a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202A && r <= 0x202E ||
			r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Summary counts in words: "36 passed, 1 failed, 3 not run; first answer after
// 70ms".
func (r *Report) Summary() string {
	text := r.counts()
	if r.StartSeconds > 0 {
		text += fmt.Sprintf("; first answer after %v", r.start())
	}
	return text
}

// start is how long the first answer took, as people read it.
func (r *Report) start() time.Duration {
	return time.Duration(r.StartSeconds * float64(time.Second)).Round(time.Millisecond)
}

func (r *Report) counts() string {
	parts := []string{fmt.Sprintf("%d passed", r.Count(Pass))}
	for _, c := range []struct {
		verdict Verdict
		word    string
	}{{Fail, "failed"}, {NotRun, "not run"}} {
		if n := r.Count(c.verdict); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.word))
		}
	}
	return strings.Join(parts, ", ")
}

// Run is the test of one version on one platform.
type Run struct {
	ID       string  `json:"id"`
	Platform string  `json:"platform"`
	Cached   bool    `json:"cached"`           // nothing has changed since it was run
	Error    string  `json:"error,omitempty"`  // why there is no report
	Report   *Report `json:"report,omitempty"` // nil with an error
}

// Failed reports whether a rule is broken, or nothing could be found out.
func (r *Run) Failed() bool {
	return r.Report == nil || r.Error != "" || r.Report.Count(Fail) > 0
}

// WriteTable writes runs for people: a row for each, and below what failed.
func WriteTable(w io.Writer, runs []Run) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RUNTIME\tPLATFORM\tVERDICT\tRULES\tFIRST ANSWER")
	for _, run := range runs {
		verdict, rules, first := "pass", "not tested", "-"
		if run.Failed() {
			verdict = "FAIL"
		}
		if run.Report != nil {
			rules = run.Report.counts()
			if run.Report.StartSeconds > 0 {
				first = run.Report.start().String()
			}
		}
		if run.Cached {
			verdict += ", cached"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", run.ID, run.Platform, verdict, rules, first)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, run := range runs {
		writeFailures(&b, run)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeFailures(b *strings.Builder, run Run) {
	if !run.Failed() {
		return
	}
	fmt.Fprintf(b, "\n%s on %s\n", run.ID, run.Platform)
	for line := range strings.Lines(run.Error) {
		fmt.Fprintf(b, "  %s\n", clean(strings.TrimRight(line, "\r\n")))
	}
	if run.Report == nil {
		return
	}
	for _, result := range run.Report.Results {
		if result.Verdict == Fail {
			fmt.Fprintf(b, "  %-5s  %s: %s\n", "fail", result.Name(), what(result))
			writeDetails(b, result)
		}
	}
}
