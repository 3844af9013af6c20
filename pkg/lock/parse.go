package lock

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/diag"
)

// anew is how to mend a lock: nothing in it is written by hand.
const anew = "Write the lock anew with runbake lock --update."

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Parse reads a lock. name is what diagnostics call it.
func Parse(name string, src []byte) (*File, hcl.Diagnostics) {
	file, diags := budget.ParseHCL(src, name)
	if diags.HasErrors() {
		for _, d := range diags {
			d.Detail += " " + anew
		}
		return &File{}, diag.Sort(diags)
	}
	p := &parser{}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		panic("hclsyntax parses into its own bodies")
	}
	for _, a := range body.Attributes {
		p.report(a.NameRange, fmt.Sprintf("Unknown attribute %q", a.Name), "A lock has image blocks and nothing else. "+anew)
	}
	f := &File{}
	for _, b := range body.Blocks {
		image, ok := p.image(b)
		if !ok {
			continue
		}
		if first, found := f.Find(image.Name); found {
			p.report(image.Range, fmt.Sprintf("Image %q is locked twice", image.Name), fmt.Sprintf("The first is at %s. %s", diag.Place(first.Range), anew))
			continue
		}
		f.Set(image)
	}
	return f, diag.Sort(p.diags)
}

type parser struct{ diags hcl.Diagnostics }

func (p *parser) report(at hcl.Range, summary, detail string) {
	p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// image reads one block.
func (p *parser) image(b *hclsyntax.Block) (Image, bool) {
	before := len(p.diags)
	if b.Type != "image" || len(b.Labels) != 1 {
		p.report(b.DefRange(), fmt.Sprintf("Unknown block %q", b.Type), `A lock has blocks of the form image "<name>" and nothing else. `+anew)
		return Image{}, false
	}
	i := Image{Name: b.Labels[0], Range: b.DefRange()}
	if full, digest := Name(i.Name); full != i.Name || digest != "" || !valid(i.Name) {
		p.report(b.LabelRanges[0], fmt.Sprintf("Invalid image %q", i.Name), "A lock has names in full, with a tag and without a digest: docker.io/library/node:24-slim. "+anew)
	}
	for _, nested := range b.Body.Blocks {
		p.report(nested.DefRange(), fmt.Sprintf("Unknown block %q", nested.Type), "An image has digest and platforms. "+anew)
	}
	for _, a := range b.Body.Attributes {
		switch a.Name {
		case "digest":
			i.Digest = p.digest(a.Expr)
		case "platforms":
			i.Platforms = p.platforms(a.Expr)
		default:
			p.report(a.NameRange, fmt.Sprintf("Unknown attribute %q", a.Name), "An image has digest and platforms. "+anew)
		}
	}
	for _, name := range []string{"digest", "platforms"} {
		if b.Body.Attributes[name] == nil {
			p.report(b.DefRange(), fmt.Sprintf("Image %q has no %s", i.Name, name), anew)
		}
	}
	return i, len(p.diags) == before
}

func (p *parser) digest(expr hclsyntax.Expression) string {
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String || !digestPattern.MatchString(v.AsString()) {
		p.report(expr.Range(), "Not a digest", `A digest is a string, "sha256:" and 64 digits and letters. `+anew)
		return ""
	}
	return v.AsString()
}

func (p *parser) platforms(expr hclsyntax.Expression) []Platform {
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		p.report(expr.Range(), "Not an object", `Platforms are an object, { "linux/amd64" = "sha256:…" }. `+anew)
		return nil
	}
	found := map[string]Platform{}
	for _, item := range object.Items {
		key, diags := item.KeyExpr.Value(nil)
		if diags.HasErrors() || key.IsNull() || key.Type() != cty.String || key.AsString() == "" {
			p.report(item.KeyExpr.Range(), "Not a platform", `A platform is a string, "linux/amd64". `+anew)
			continue
		}
		name := key.AsString()
		if _, twice := found[name]; twice {
			p.report(item.KeyExpr.Range(), fmt.Sprintf("Platform %q is locked twice", name), anew)
			continue
		}
		found[name] = Platform{name, p.digest(item.ValueExpr)}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Platform) int { return cmp.Compare(a.Name, b.Name) })
}
