package baseline

import (
	"fmt"
	"math"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/diag"
)

// anew is how to mend a baseline: nothing in it has to be written by hand.
const anew = "Mend it, or write it anew with runbake lint --write-baseline --force."

// Parse reads a baseline. name is what diagnostics call it.
func Parse(name string, src []byte) (*File, hcl.Diagnostics) {
	file, diags := budget.ParseHCL(src, name)
	if diags.HasErrors() {
		for _, d := range diags {
			d.Detail += " " + anew
		}
		return &File{}, diag.Sort(diags)
	}
	p := &parser{file: &File{}}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		panic("hclsyntax parses into its own bodies")
	}
	p.attributes(body, `A baseline has blocks of the form file "<path>" and nothing else.`)
	for _, b := range body.Blocks {
		if b.Type != "file" || len(b.Labels) != 1 {
			p.report(b.DefRange(), fmt.Sprintf("Unknown block %q", b.Type), `A baseline has blocks of the form file "<path>" and nothing else.`)
			continue
		}
		p.findings(b)
	}
	return p.file, diag.Sort(p.diags)
}

type parser struct {
	file  *File
	diags hcl.Diagnostics
}

func (p *parser) report(at hcl.Range, summary, detail string) {
	p.diags = append(p.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: detail + " " + anew, Subject: at.Ptr(),
	})
}

// attributes refuses all attributes but those that are known.
func (p *parser) attributes(body *hclsyntax.Body, detail string, known ...string) {
	for _, a := range body.Attributes {
		if !slices.Contains(known, a.Name) {
			p.report(a.NameRange, fmt.Sprintf("Unknown attribute %q", a.Name), detail)
		}
	}
}

// findings reads those of one file.
func (p *parser) findings(in *hclsyntax.Block) {
	const detail = `A file has blocks of the form finding "<rule>" and nothing else.`
	p.attributes(in.Body, detail)
	for _, b := range in.Body.Blocks {
		if b.Type != "finding" || len(b.Labels) != 1 {
			p.report(b.DefRange(), fmt.Sprintf("Unknown block %q", b.Type), detail)
			continue
		}
		p.finding(in.Labels[0], b)
	}
}

// finding reads one block.
func (p *parser) finding(file string, b *hclsyntax.Block) {
	const detail = "A finding has summary and count."
	before := len(p.diags)
	p.attributes(b.Body, detail, "summary", "count")
	for _, nested := range b.Body.Blocks {
		p.report(nested.DefRange(), fmt.Sprintf("Unknown block %q", nested.Type), detail)
	}
	known := Finding{Key: Key{File: file, Rule: b.Labels[0]}, Count: 1, Range: b.DefRange()}
	if a := b.Body.Attributes["summary"]; a == nil {
		p.report(b.DefRange(), "The finding has no summary", detail)
	} else if v, diags := a.Expr.Value(nil); diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		p.report(a.Expr.Range(), "Not a text", "A summary is a string.")
	} else {
		known.Summary = v.AsString()
	}
	if a := b.Body.Attributes["count"]; a != nil {
		v, diags := a.Expr.Value(nil)
		if err := gocty.FromCtyValue(v, &known.Count); diags.HasErrors() || err != nil || known.Count < 1 || known.Count > math.MaxInt32 {
			p.report(a.Expr.Range(), "Not a count", "A count is a number from 1 on.")
		}
	}
	if len(p.diags) > before {
		return
	}
	i, twice := p.file.find(known.Key)
	if twice {
		p.report(b.DefRange(), "The finding is there twice", fmt.Sprintf("The first is at %s; a count says how many there are.", diag.Place(p.file.Findings[i].Range)))
		return
	}
	p.file.add(known.Key, known.Count)
	p.file.Findings[i].Range = known.Range
}
