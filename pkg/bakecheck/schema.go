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

// checkSchema reports everything that bake would ignore: unknown blocks and
// attributes, and names that are given twice. It returns the parsed text.
func checkSchema(src []byte) (*hclsyntax.Body, error) {
	file, diags := hclsyntax.ParseConfig(src, bake.FileName, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, joined(diags)
	}
	body := file.Body.(*hclsyntax.Body) // of HCL's native syntax, always
	content, diags := body.Content(topLevel(body))
	seen := map[string]hcl.Range{}
	for _, block := range content.Blocks {
		_, more := block.Body.Content(schemaOf(block.Type))
		diags = append(diags, more...)
		name := block.Type + " " + block.Labels[0]
		if block.Type == "group" { // groups and targets share their names
			name = "target " + block.Labels[0]
		}
		if first, dup := seen[name]; dup {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: fmt.Sprintf("Duplicate name %q", block.Labels[0]),
				Detail: fmt.Sprintf("It was given at %s already.", first), Subject: block.DefRange.Ptr(),
			})
		}
		seen[name] = block.DefRange
	}
	return body, joined(diags)
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
