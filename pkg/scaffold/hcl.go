package scaffold

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// from is a build argument and the image that it holds, by name or as a
// reference to a base.
type from struct {
	arg   string
	image string
	base  *reference
}

func (f from) tokens() hclwrite.Tokens {
	if f.base != nil {
		return f.base.tokens()
	}
	return hclwrite.TokensForValue(cty.StringVal(f.image))
}

// reference names a version of a base.
type reference struct{ key, version string }

func (r reference) String() string {
	return string(hclwrite.Format(r.tokens().Bytes()))
}

func (r reference) tokens() hclwrite.Tokens {
	return hclwrite.TokensForTraversal(hcl.Traversal{
		hcl.TraverseRoot{Name: "base"}, hcl.TraverseAttr{Name: r.key}, hcl.TraverseIndex{Key: cty.StringVal(r.version)},
	})
}

// settings are the attributes that the options ask for.
type settings struct {
	from      []from
	run       *reference
	platforms []string
	place     []text // context and Dockerfile, where they are elsewhere
}

// writePlace writes what a version is built from.
func (s settings) writePlace(body *hclwrite.Body) {
	for _, a := range s.place {
		body.SetAttributeValue(a.name, cty.StringVal(a.value))
	}
}

// writeFrom writes what a version is built from.
func (s settings) writeFrom(body *hclwrite.Body) {
	if len(s.from) > 0 {
		body.SetAttributeRaw("from", object(s.from))
	}
}

// writeRun writes where it runs.
func (s settings) writeRun(body *hclwrite.Body) {
	if s.run != nil {
		body.SetAttributeRaw("run", s.run.tokens())
	}
	if len(s.platforms) > 0 {
		values := make([]cty.Value, len(s.platforms))
		for i, p := range s.platforms {
			values[i] = cty.StringVal(p)
		}
		body.SetAttributeValue("platforms", cty.ListVal(values))
	}
}

// object writes { ARG = "image" }, one entry on the line of the braces and more
// on lines of their own.
func object(entries []from) hclwrite.Tokens {
	token := func(t hclsyntax.TokenType, text string) *hclwrite.Token {
		return &hclwrite.Token{Type: t, Bytes: []byte(text), SpacesBefore: 1}
	}
	tokens := hclwrite.Tokens{token(hclsyntax.TokenOBrace, "{")}
	for _, e := range entries {
		if len(entries) > 1 {
			tokens = append(tokens, token(hclsyntax.TokenNewline, "\n"))
		}
		key := hclwrite.TokensForValue(cty.StringVal(e.arg))
		if hclsyntax.ValidIdentifier(e.arg) {
			key = hclwrite.TokensForIdentifier(e.arg)
		}
		value := e.tokens()
		key[0].SpacesBefore, value[0].SpacesBefore = 1, 1
		tokens = slices.Concat(tokens, key, hclwrite.Tokens{token(hclsyntax.TokenEqual, "=")}, value)
	}
	if len(entries) > 1 {
		tokens = append(tokens, token(hclsyntax.TokenNewline, "\n"))
	}
	return append(tokens, token(hclsyntax.TokenCBrace, "}"))
}

// versionBlock is a version block with no blank lines around it.
func versionBlock(name string, s settings) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("version", []string{name}).Body()
	s.writePlace(body)
	s.writeFrom(body)
	s.writeRun(body)
	return tidy(f)
}

// tidy is a file in canonical format, with empty blocks on one line.
func tidy(f *hclwrite.File) []byte {
	return bytes.ReplaceAll(hclwrite.Format(f.Bytes()), []byte("{\n}"), []byte("{}"))
}

// text is an attribute that is a literal string.
type text struct{ name, value string }

// definitionFile is the runtime.hcl of a new runtime.
func definitionFile(key, version string, attributes []text, s settings) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("runtime", []string{key}).Body()
	for _, a := range attributes {
		body.SetAttributeValue(a.name, cty.StringVal(a.value))
	}
	s.writeRun(body)
	body.AppendNewline()
	s.writeFrom(body.AppendNewBlock("version", []string{version}).Body())
	return tidy(f)
}
