package definition

import "github.com/hashicorp/hcl/v2"

// Budget is a budget block: what an image may come to at most. What was not given is
// nil.
type Budget struct {
	Compressed *String
	Layers     *Int
	Start      *String
	Range      hcl.Range // the block's header
}

// budgetBlock is the header of a budget, which a project, runtime, base, version and
// variant may have.
func budgetBlock() hcl.BlockHeaderSchema { return hcl.BlockHeaderSchema{Type: "budget"} }

// budget decodes the budget block of a body; nil if it has none.
func (d *decoder) budget(content *hcl.BodyContent) *Budget {
	b := d.single(content, "budget", "a block has one budget")
	if b == nil {
		return nil
	}
	a := d.content(b.Body, &hcl.BodySchema{Attributes: attributes("compressed", "layers", "start")}, nil).Attributes
	return &Budget{Compressed: d.string(a["compressed"]), Layers: d.int(a["layers"]), Start: d.string(a["start"]), Range: b.DefRange}
}
