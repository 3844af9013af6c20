package bakecheck

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/bake"
)

// layout is an emitted text, cut at the ends of blocks: a head, which is parsed,
// and after it parts that hold targets and nothing else, which are parsed when
// they are compared and forgotten then. All syntax of a large text takes ten
// times its memory.
//
// For each block that it evaluates, bake makes the object of all blocks so far
// anew: reading n targets takes n² steps. In a text in which no block reads
// another one, but by inherits and contexts, a target says the same beside those
// that it inherits from alone.
type layout struct {
	src    []byte
	head   *hclsyntax.Body
	end    hcl.Pos // of the head
	parts  []span
	blocks map[string]span // of targets, by their names
}

// span is some of a text, from the place where it begins to a byte.
type span struct {
	from hcl.Pos
	to   int
}

// errUncut says that parts hold something else than targets.
var errUncut = errors.New("the text cannot be cut")

// errWhole says that a block may read another one: bake has to be asked about
// all of them together.
var errWhole = errors.New("the text has to be read whole")

// cut finds the head, and parts of so many targets. It looks at lines alone, and
// what it takes for the end of a block may be some of a heredoc: then a part
// holds no targets, or is no HCL.
func cut(src []byte, size int) *layout {
	l := &layout{src: src, blocks: map[string]span{}}
	pos, begin, targets, open := hcl.InitialPos, hcl.InitialPos, 0, ""
	var start hcl.Pos // of the block that is open
	inHead := true
	for line := range bytes.Lines(src) {
		name, is := targetName(line)
		if is && inHead {
			inHead, l.end = false, begin
		}
		if is {
			open, start = name, pos
		}
		pos.Line, pos.Byte = pos.Line+1, pos.Byte+len(line)
		if string(line) != "}\n" {
			continue
		}
		if inHead {
			begin = pos
			continue
		}
		if open != "" {
			l.blocks[open] = span{start, pos.Byte - 1}
			open = ""
		}
		if targets++; targets >= size {
			l.parts = append(l.parts, span{begin, pos.Byte})
			begin, targets = pos, 0
		}
	}
	switch {
	case inHead:
		l.end = pos
	case begin.Byte < len(src):
		l.parts = append(l.parts, span{begin, len(src)})
	}
	return l
}

// targetName is the name of the target that begins on a line.
func targetName(line []byte) (string, bool) {
	rest, is := bytes.CutPrefix(line, []byte(`target "`))
	if !is {
		return "", false
	}
	name, _, is := bytes.Cut(rest, []byte(`" {`))
	return string(name), is
}

// uncut is a text that is all head.
func uncut(src []byte) *layout {
	return &layout{src: src, end: hcl.Pos{Byte: len(src)}, blocks: map[string]span{}}
}

// parseHead parses what comes before the parts.
func (l *layout) parseHead() hcl.Diagnostics {
	body, diags := l.parse(span{hcl.InitialPos, l.end.Byte})
	if diags.HasErrors() {
		return diags
	}
	l.head = body
	for _, b := range body.Blocks {
		if b.Type == "target" && len(b.Labels) == 1 {
			l.blocks[b.Labels[0]] = place(b)
		}
	}
	return nil
}

// parse parses some of the text.
func (l *layout) parse(s span) (*hclsyntax.Body, hcl.Diagnostics) {
	file, diags := hclsyntax.ParseConfig(l.bytes(s), bake.FileName, s.from)
	if diags.HasErrors() {
		return nil, diags
	}
	return file.Body.(*hclsyntax.Body), nil // of HCL's native syntax, always
}

// place is where a block is.
func place(b *hclsyntax.Block) span { return span{b.TypeRange.Start, b.CloseBraceRange.End.Byte} }

// parsePart parses a part, which must hold targets alone.
func (l *layout) parsePart(s span) (*hclsyntax.Body, error) {
	body, diags := l.parse(s)
	if diags.HasErrors() || len(body.Attributes) > 0 ||
		slices.ContainsFunc(body.Blocks, func(b *hclsyntax.Block) bool { return b.Type != "target" }) {
		return nil, errUncut
	}
	return body, nil
}

func (l *layout) bytes(s span) []byte { return l.src[s.from.Byte:s.to] }

// shared is the text of what all targets share: values, variables and functions.
func (l *layout) shared() []byte {
	var text []byte
	for _, attr := range l.head.Attributes {
		text = append(append(text, l.src[attr.SrcRange.Start.Byte:attr.SrcRange.End.Byte]...), '\n')
	}
	lines := bytes.SplitAfter(text, []byte("\n")) // attributes come in no order
	slices.SortFunc(lines, bytes.Compare)
	text = slices.Concat(lines...)
	for _, b := range l.head.Blocks {
		if b.Type != "target" && b.Type != "group" {
			text = append(append(text, l.src[b.TypeRange.Start.Byte:b.CloseBraceRange.End.Byte]...), '\n')
		}
	}
	return text
}

// parents are the blocks that some inherit from, however far, and their text.
func (l *layout) parents(names []string) ([]*hclsyntax.Block, []byte, error) {
	var blocks []*hclsyntax.Block
	var text []byte
	seen := map[string]bool{}
	for todo := slices.Clone(names); len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		at, known := l.blocks[name]
		if seen[name] || !known { // bake says which it cannot find
			continue
		}
		seen[name] = true
		body, err := l.parsePart(at)
		if err != nil {
			return nil, nil, err
		}
		for _, b := range body.Blocks {
			more, err := inherited(b.Body)
			if err != nil {
				return nil, nil, err
			}
			blocks, todo = append(blocks, b), append(todo, more...)
		}
		text = append(append(text, l.bytes(at)...), 0)
	}
	return blocks, text, nil
}

// inherited are the names that a block says it inherits from, each as it is.
func inherited(body *hclsyntax.Body) ([]string, error) {
	attr, found := body.Attributes["inherits"]
	if !found {
		return nil, nil
	}
	list, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		return nil, errWhole
	}
	var names []string
	for _, item := range list {
		value, diags := item.Value(nil)
		if diags.HasErrors() || value.Type() != cty.String || value.IsNull() {
			return nil, errWhole
		}
		names = append(names, value.AsString())
	}
	return names, nil
}

// readsBlocks says whether a block may read another one: it names a target or a
// group as an object, target.x.tags.
func readsBlocks(body *hclsyntax.Body) bool {
	own := parameters(body)
	for name, attr := range body.Attributes {
		if name == "params" || name == "variadic_params" {
			continue
		}
		for _, traversal := range hclsyntax.Variables(attr.Expr) {
			root := traversal.RootName()
			if (root == "target" || root == "group") && !slices.Contains(own, root) {
				return true
			}
		}
	}
	return slices.ContainsFunc(body.Blocks, func(b *hclsyntax.Block) bool { return readsBlocks(b.Body) })
}

// parameters are the names that a function gives to what it is called with.
func parameters(body *hclsyntax.Body) []string {
	attr, found := body.Attributes["params"]
	if !found {
		return nil
	}
	var names []string
	params, _ := hcl.ExprList(attr.Expr) // bake reports what is no list
	for _, p := range params {
		names = append(names, hcl.ExprAsKeyword(p))
	}
	return names
}

// contexts are the names of targets that values, variables and functions give
// as contexts.
func (l *layout) contexts() []string {
	var names []string
	visit := func(n hclsyntax.Node) hcl.Diagnostics {
		if literal, is := n.(*hclsyntax.LiteralValueExpr); is && literal.Val.Type() == cty.String {
			if name, is := strings.CutPrefix(literal.Val.AsString(), "target:"); is {
				names = append(names, name)
			}
		}
		return nil
	}
	for _, attr := range l.head.Attributes {
		_ = hclsyntax.VisitAll(attr.Expr, visit)
	}
	for _, b := range l.head.Blocks {
		if b.Type != "group" && b.Type != "target" {
			_ = hclsyntax.VisitAll(b.Body, visit)
		}
	}
	return names
}
