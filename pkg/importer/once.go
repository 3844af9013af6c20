package importer

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// once says what one cause does to many images, such as those of a matrix, for the
// first of them, and counts the others. diags are sorted by place.
func once(diags hcl.Diagnostics) hcl.Diagnostics {
	var kept hcl.Diagnostics
	more := map[*hcl.Diagnostic][]string{}
	for _, d := range diags {
		first := d
		for i := len(kept) - 1; i >= 0 && samePlace(kept[i], d); i-- {
			if sameCause(kept[i], d) {
				first = kept[i]
			}
		}
		if first == d {
			kept = append(kept, d)
		} else {
			more[first] = append(more[first], other(first, d))
		}
	}
	for i, d := range kept {
		if names := more[d]; len(names) > 0 {
			clone := *d
			clone.Detail = fmt.Sprintf("%s\nThe same %s: %s.", d.Detail, times(len(names)), strings.Join(names, ", "))
			kept[i] = &clone
		}
	}
	return kept
}

// isName tells what is certainly a name from a word of a sentence: it has something
// that words have not.
func isName(word string) bool { return strings.ContainsAny(word, `0123456789:/_-"`) }

func times(n int) string {
	if n == 1 {
		return "once more"
	}
	return fmt.Sprintf("%d times more", n)
}

// other is what the second of two sentences of one cause has for the first one's name.
func other(a, b *hcl.Diagnostic) string {
	x, y := strings.Fields(a.Summary+" "+a.Detail), strings.Fields(b.Summary+" "+b.Detail)
	for i := range y {
		if i < len(x) && x[i] != y[i] {
			return strings.Trim(y[i], `,.:;"`)
		}
	}
	return b.Summary
}

func samePlace(a, b *hcl.Diagnostic) bool {
	return a.Subject != nil && b.Subject != nil && *a.Subject == *b.Subject
}

// sameCause reports sentences of one rule that differ in names alone.
func sameCause(a, b *hcl.Diagnostic) bool {
	x, _ := hcl.DiagnosticExtra[fact.Finding](a)
	y, _ := hcl.DiagnosticExtra[fact.Finding](b)
	return a.Severity == b.Severity && x.Rule == y.Rule && alike(a.Summary, b.Summary) && alike(a.Detail, b.Detail)
}

// alike reports sentences that have as many words, of which most are the same and the
// others are names.
func alike(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x) != len(y) {
		return false
	}
	same := 0
	for i := range x {
		switch {
		case x[i] == y[i]:
			same++
		case !isName(x[i]) || !isName(y[i]):
			return false
		}
	}
	return 2*same > len(x) || len(x) == 0
}
