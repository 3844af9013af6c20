package bakecheck

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/runbake/runbake/bake"
)

// schema is what an emitted text may hold, and what was found in it so far.
type schema struct {
	blocks map[string]*hcl.BodySchema // by type
	seen   map[string]hcl.Range       // where names were given
}

func newSchema() *schema {
	s := &schema{blocks: map[string]*hcl.BodySchema{}, seen: map[string]hcl.Range{}}
	for _, t := range []string{"variable", "function", "group", "target"} {
		s.blocks[t] = schemaOf(t)
	}
	return s
}

// checkSchema reports everything that bake would ignore: unknown blocks and
// attributes, and names that are given twice.
func checkSchema(src []byte) error {
	file, diags := hclsyntax.ParseConfig(src, bake.FileName, hcl.InitialPos)
	if diags.HasErrors() {
		return joined(diags)
	}
	s, body := newSchema(), file.Body.(*hclsyntax.Body) // of HCL's native syntax, always
	return joined(append(s.check(body), s.duplicates(body)...))
}

// check reports what does not belong where it is. It changes nothing.
func (s *schema) check(body *hclsyntax.Body) hcl.Diagnostics {
	content, diags := body.Content(topLevel(body))
	for _, block := range content.Blocks {
		_, more := block.Body.Content(s.blocks[block.Type])
		diags = append(diags, more...)
	}
	return diags
}

// duplicates reports names that are given again.
func (s *schema) duplicates(body *hclsyntax.Body) (diags hcl.Diagnostics) {
	for _, block := range body.Blocks {
		if len(block.Labels) != 1 { // check has said so
			continue
		}
		name := block.Type + " " + block.Labels[0]
		if block.Type == "group" { // groups and targets share their names
			name = "target " + block.Labels[0]
		}
		if first, dup := s.seen[name]; dup {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: fmt.Sprintf("Duplicate name %q", block.Labels[0]),
				Detail: fmt.Sprintf("It was given at %s already.", first), Subject: block.DefRange().Ptr(),
			})
		}
		s.seen[name] = block.DefRange()
	}
	return diags
}

// topLevel is what a file may hold: blocks, and values of its own, which begin
// with an underscore.
func topLevel(body *hclsyntax.Body) *hcl.BodySchema {
	schema := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "variable", LabelNames: []string{"name"}},
		{Type: "function", LabelNames: []string{"name"}},
		{Type: "group", LabelNames: []string{"name"}},
		{Type: "target", LabelNames: []string{"name"}},
	}}
	for name := range body.Attributes {
		if strings.HasPrefix(name, "_") {
			schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
		}
	}
	return schema
}

// schemaOf is what a block may hold. For groups and targets it comes from
// bake's own types, so that it follows them when buildx is upgraded.
func schemaOf(blockType string) *hcl.BodySchema {
	switch blockType {
	case "target":
		schema, _ := gohcl.ImpliedBodySchema(buildxbake.Target{})
		return schema
	case "group":
		schema, _ := gohcl.ImpliedBodySchema(buildxbake.Group{})
		return schema
	case "function":
		return &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
			{Name: "params", Required: true}, {Name: "variadic_params"}, {Name: "result", Required: true},
		}}
	}
	return &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
	}
}

// joined makes one error of all diagnostics; their own Error shows the first.
func joined(diags hcl.Diagnostics) error {
	// Attributes come in no order.
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int { return cmp.Compare(start(a), start(b)) })
	errs := make([]error, 0, len(diags))
	for _, d := range diags {
		errs = append(errs, d)
	}
	return errors.Join(errs...)
}

// start is the byte of a text at which a diagnostic begins.
func start(d *hcl.Diagnostic) int {
	if d.Subject == nil {
		return 0
	}
	return d.Subject.Start.Byte
}
