// Package baseline is the file of findings that are known: those that a repository
// had when it came in. What is in it is no news; what is mended goes out of it, and
// nothing comes in by itself.
package baseline

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/diag"
)

// FileName is the name of the baseline, at the root of a repository.
const FileName = "runbake.baseline.hcl"

// Key is what makes a finding the same after lines have moved: no line is in it.
type Key struct {
	File    string // from the root of the repository
	Rule    string
	Summary string
}

// Finding is a finding that is known.
type Finding struct {
	Key
	Count int       // how many of the file have this key
	Range hcl.Range // of its header, when it was read
}

// File is a baseline.
type File struct {
	Findings []Finding // sorted by key, each key once
}

// lineNumber is a line that a summary names.
var lineNumber = regexp.MustCompile(`\bline [0-9]+`)

// keyOf is the key of a finding; false for what no rule has made, which is not a
// question of what a repository had: definitions that are invalid, and the lock.
func keyOf(d *hcl.Diagnostic) (Key, bool) {
	rule := diag.RuleOf(d).ID
	if rule == "" || d.Subject == nil {
		return Key{}, false
	}
	// The file keeps text as HCL has it: UTF-8, in one form.
	text := func(s string) string { return cty.StringVal(strings.ToValidUTF8(s, "\uFFFD")).AsString() }
	summary := lineNumber.ReplaceAllString(diag.Masked(d.Summary), "line N")
	return Key{text(d.Subject.Filename), rule, text(summary)}, true
}

// Ruled reports whether a finding may be known.
func Ruled(d *hcl.Diagnostic) bool { _, ok := keyOf(d); return ok }

func compare(a, b Key) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Summary, b.Summary))
}

func (f *File) find(k Key) (int, bool) {
	return slices.BinarySearchFunc(f.Findings, k, func(known Finding, k Key) int { return compare(known.Key, k) })
}

// count is how many findings of a key are known.
func (f *File) count(k Key) int {
	if i, found := f.find(k); found {
		return f.Findings[i].Count
	}
	return 0
}

// add adds findings of a key.
func (f *File) add(k Key, count int) {
	i, found := f.find(k)
	if !found {
		f.Findings = slices.Insert(f.Findings, i, Finding{Key: k})
	}
	f.Findings[i].Count += count
}

// Len is how many findings are known.
func (f *File) Len() int {
	n := 0
	for _, known := range f.Findings {
		n += known.Count
	}
	return n
}

// Of is the baseline that knows all findings.
func Of(diags hcl.Diagnostics) *File {
	f := &File{}
	for _, d := range diags {
		if k, ok := keyOf(d); ok {
			f.add(k, 1)
		}
	}
	return f
}

// Shrink is what of a baseline is still found.
func (f *File) Shrink(found *File) *File {
	kept := &File{}
	for _, known := range f.Findings {
		if n := min(known.Count, found.count(known.Key)); n > 0 {
			kept.add(known.Key, n)
		}
	}
	return kept
}

// Everywhere is the baseline for a run about some images alone: what is known of one
// file is known of all. A finding on a base is told once, and of the images that are
// built on it where nobody asked about the base.
func (f *File) Everywhere(diags hcl.Diagnostics) *File {
	wide := &File{Findings: slices.Clone(f.Findings)}
	for _, d := range diags {
		k, ruled := keyOf(d)
		same := func(known Finding) bool { return known.Rule == k.Rule && known.Summary == k.Summary }
		if ruled && f.count(k) == 0 && slices.ContainsFunc(f.Findings, same) {
			wide.add(k, 1)
		}
	}
	return wide
}

// Divide tells findings that are known from the others. Of a key with more findings
// than are known nobody can say which are new: all of them are told.
func (f *File) Divide(diags hcl.Diagnostics) (news, known hcl.Diagnostics) {
	found := Of(diags)
	for _, d := range diags {
		k, ruled := keyOf(d)
		n, all := f.count(k), found.count(k)
		switch {
		case !ruled || n == 0:
			news = append(news, d)
		case all <= n:
			known = append(known, d)
		default:
			clone := *d
			clone.Detail = fmt.Sprintf("%s\n%d of these are known, and %d are there.", d.Detail, n, all)
			news = append(news, &clone)
		}
	}
	return news, known
}

// Gone warns of each known finding that is found no more.
func (f *File) Gone(diags hcl.Diagnostics) hcl.Diagnostics {
	found := Of(diags)
	var gone hcl.Diagnostics
	for _, known := range f.Findings {
		left := found.count(known.Key)
		if left >= known.Count {
			continue
		}
		summary := fmt.Sprintf("A known finding is gone from %s: %s", known.File, known.Summary)
		if left > 0 {
			summary = fmt.Sprintf("%d of %d known findings are gone from %s: %s", known.Count-left, known.Count, known.File, known.Summary)
		}
		gone = append(gone, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: summary,
			Detail: "Run runbake lint --write-baseline, which drops it, so that it does not come back unseen.", Subject: known.Range.Ptr(),
		})
	}
	return gone
}

const header = `# Written by runbake lint --write-baseline: findings that are known. The list only gets shorter.
#
#   runbake lint                             tell what is new, and what of this is mended
#   runbake lint --write-baseline            drop what is mended
#   runbake lint --write-baseline --force    take what is new as well
`

// Encode writes a baseline: the same bytes for the same findings, in canonical form.
func (f *File) Encode() []byte {
	out := hclwrite.NewEmptyFile()
	var in *hclwrite.Body
	for i, known := range f.Findings {
		if i == 0 || known.File != f.Findings[i-1].File {
			out.Body().AppendNewline()
			in = out.Body().AppendNewBlock("file", []string{known.File}).Body()
		} else {
			in.AppendNewline()
		}
		body := in.AppendNewBlock("finding", []string{known.Rule}).Body()
		body.SetAttributeValue("summary", cty.StringVal(known.Summary))
		if known.Count > 1 {
			body.SetAttributeValue("count", cty.NumberIntVal(int64(known.Count)))
		}
	}
	return append([]byte(header), hclwrite.Format(out.Bytes())...)
}
