package planner

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/importer/fact"
)

func list(items []string) cty.Value {
	values := make([]cty.Value, 0, len(items))
	for _, s := range items {
		values = append(values, cty.StringVal(s))
	}
	return cty.TupleVal(values)
}

func templatesTokens(templates []string) hclwrite.Tokens {
	items := make([]hclwrite.Tokens, 0, len(templates))
	for _, t := range templates {
		items = append(items, templateTokens(t))
	}
	return hclwrite.TokensForTuple(items)
}

// objectTokens writes pairs on one line, or one a line when there are several.
func objectTokens(list []fact.Pair) hclwrite.Tokens {
	if len(list) > 1 {
		attributes := make([]hclwrite.ObjectAttrTokens, 0, len(list))
		for _, p := range list {
			attributes = append(attributes, hclwrite.ObjectAttrTokens{
				Name: keyTokens(p.Name), Value: valueTokens(p),
			})
		}
		return hclwrite.TokensForObject(attributes)
	}
	tokens := hclwrite.Tokens{{Type: hclsyntax.TokenOBrace, Bytes: []byte("{ ")}}
	tokens = append(tokens, keyTokens(list[0].Name)...)
	tokens = append(tokens, &hclwrite.Token{Type: hclsyntax.TokenEqual, Bytes: []byte("="), SpacesBefore: 1})
	tokens = append(tokens, valueTokens(list[0])...)
	return append(tokens, &hclwrite.Token{Type: hclsyntax.TokenCBrace, Bytes: []byte(" }")})
}

// valueTokens is a value, or the template that makes it.
func valueTokens(p fact.Pair) hclwrite.Tokens {
	if p.Template == nil {
		return hclwrite.TokensForValue(cty.StringVal(p.Value))
	}
	tokens := hclwrite.Tokens{{Type: hclsyntax.TokenOQuote, Bytes: []byte(`"`)}}
	for _, piece := range p.Template {
		if piece.Variable == "" {
			tokens = append(tokens, &hclwrite.Token{Type: hclsyntax.TokenQuotedLit, Bytes: literal(piece.Literal)})
			continue
		}
		tokens = append(tokens, &hclwrite.Token{Type: hclsyntax.TokenTemplateInterp, Bytes: []byte("${")},
			&hclwrite.Token{Type: hclsyntax.TokenIdent, Bytes: []byte("var." + piece.Variable)},
			&hclwrite.Token{Type: hclsyntax.TokenTemplateSeqEnd, Bytes: []byte("}")})
	}
	return append(tokens, &hclwrite.Token{Type: hclsyntax.TokenCQuote, Bytes: []byte(`"`)})
}

// literal is a text within the quotes of a template.
func literal(s string) []byte {
	text := hclwrite.TokensForValue(cty.StringVal(s)).Bytes()
	return text[1 : len(text)-1]
}

func keyTokens(key string) hclwrite.Tokens {
	if hclsyntax.ValidIdentifier(key) {
		return hclwrite.TokensForIdentifier(key)
	}
	return hclwrite.TokensForValue(cty.StringVal(key))
}

// templateTokens writes a string with one of our variables in it.
func templateTokens(s string) hclwrite.Tokens {
	variable := keyVariable
	if strings.Contains(s, versionVariable) {
		variable = versionVariable
	}
	before, after, found := strings.Cut(s, variable)
	if !found {
		return hclwrite.TokensForValue(cty.StringVal(s))
	}
	return hclwrite.Tokens{
		{Type: hclsyntax.TokenOQuote, Bytes: []byte(`"`)},
		{Type: hclsyntax.TokenQuotedLit, Bytes: literal(before)},
		{Type: hclsyntax.TokenTemplateInterp, Bytes: []byte("${")},
		{Type: hclsyntax.TokenIdent, Bytes: []byte(variable[2 : len(variable)-1])},
		{Type: hclsyntax.TokenTemplateSeqEnd, Bytes: []byte("}")},
		{Type: hclsyntax.TokenQuotedLit, Bytes: literal(after)},
		{Type: hclsyntax.TokenCQuote, Bytes: []byte(`"`)},
	}
}

// runTokens is base.debian["12"].
func runTokens(v *version) hclwrite.Tokens {
	return hclwrite.TokensForTraversal(hcl.Traversal{
		hcl.TraverseRoot{Name: "base"}, hcl.TraverseAttr{Name: v.key}, hcl.TraverseIndex{Key: cty.StringVal(v.name)},
	})
}
