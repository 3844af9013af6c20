package bakecheck

import (
	"errors"
	"fmt"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/runbake/runbake/bake"
)

// checkSchema reports everything that bake would ignore: unknown blocks and
// attributes, and names that are given twice.
func checkSchema(src []byte) error {
	file, diags := hclsyntax.ParseConfig(src, bake.FileName, hcl.InitialPos)
	if diags.HasErrors() {
		return joined(diags)
	}
	content, diags := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "variable", LabelNames: []string{"name"}},
		{Type: "function", LabelNames: []string{"name"}},
		{Type: "group", LabelNames: []string{"name"}},
		{Type: "target", LabelNames: []string{"name"}},
	}})
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
	return joined(diags)
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
	errs := make([]error, 0, len(diags))
	for _, d := range diags {
		errs = append(errs, d)
	}
	return errors.Join(errs...)
}
