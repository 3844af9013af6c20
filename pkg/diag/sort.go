// Package diag is how problems in definitions reach people and programs:
// sorted, without duplicates, with the place, the source and the way to mend
// them.
package diag

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Sort returns diagnostics in the order of their places and without
// duplicates. HCL's decoders report in random order; everything that is shown
// or compared goes through here.
func Sort(diags hcl.Diagnostics) hcl.Diagnostics {
	sorted := slices.Clone(diags)
	slices.SortStableFunc(sorted, compare)
	return slices.CompactFunc(sorted, func(a, b *hcl.Diagnostic) bool { return compare(a, b) == 0 })
}

func compare(a, b *hcl.Diagnostic) int {
	placeA, placeB := subject(a), subject(b)
	return cmp.Or(
		cmp.Compare(placeA.Filename, placeB.Filename),
		cmp.Compare(placeA.Start.Byte, placeB.Start.Byte),
		cmp.Compare(placeA.Start.Line, placeB.Start.Line),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Summary, b.Summary),
		cmp.Compare(a.Detail, b.Detail),
		cmp.Compare(RuleOf(a).ID, RuleOf(b).ID),
	)
}

// subject is the place of a diagnostic; the zero range if it has none.
func subject(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}
