package bakecheck

import (
	"maps"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/bake"
)

// layout is an emitted text, cut at its blocks.
//
// For each block that it evaluates, bake makes the object of all blocks so far
// anew: reading n targets takes n² steps. A file in which no block reads
// another one, but by inherits and contexts, says the same when it is read in
// chunks, each with what all share and with the targets that its own need.
type layout struct {
	src     []byte // all of it
	starts  []int  // the bytes at which blocks begin
	shared  []byte // values, variables and functions
	groups  []byte
	targets map[string]block
	always  []string // targets that variables and functions name
	whole   bool     // some block may read another one: the text cannot be cut
}

// block is a target's text, and the names of the targets that it needs.
type block struct {
	text  []byte
	needs []string
}

// cut finds the blocks of a text that has been parsed.
func cut(src []byte, body *hclsyntax.Body) *layout {
	l := &layout{src: src, targets: make(map[string]block, len(body.Blocks))}
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		attr := body.Attributes[name]
		l.shared = append(append(l.shared, src[attr.SrcRange.Start.Byte:attr.SrcRange.End.Byte]...), '\n')
	}
	l.always = needs(body)
	l.whole = readsBlocks(&hclsyntax.Body{Attributes: body.Attributes})
	for _, b := range body.Blocks {
		text := slices.Concat(src[b.TypeRange.Start.Byte:b.CloseBraceRange.End.Byte], []byte("\n"))
		l.starts = append(l.starts, b.TypeRange.Start.Byte)
		l.whole = l.whole || readsBlocks(b.Body)
		switch b.Type {
		case "target":
			l.targets[b.Labels[0]] = block{text: text, needs: needs(b.Body)}
		case "group":
			l.groups = append(l.groups, text...)
		default:
			l.shared = append(l.shared, text...)
			l.always = append(l.always, needs(b.Body)...)
		}
	}
	return l
}

// formatJobs check the format of the text, some blocks at a time.
func (l *layout) formatJobs(before *Proven) []func() error {
	const some = 64 << 10 // bytes
	var jobs []func() error
	from := 0
	for _, to := range append(l.starts, len(l.src)) {
		if to-from < some && to < len(l.src) {
			continue
		}
		begin := from
		jobs = append(jobs, func() error {
			return before.once("format", l.src[begin:to], nil, func() error { return checkPart(l.src, begin, to) })
		})
		from = to
	}
	return jobs
}

// readsBlocks says whether a block may read another one that [needs] does not
// find: it names a target or a group as an object (target.x.tags), or the name of
// one is worked out.
func readsBlocks(body *hclsyntax.Body) bool {
	own := parameters(body)
	for name, attr := range body.Attributes {
		if name == "params" {
			continue
		}
		for _, traversal := range hclsyntax.Variables(attr.Expr) {
			root := traversal.RootName()
			object := (root == "target" || root == "group") && !slices.Contains(own, root)
			if object || name == "inherits" {
				return true
			}
		}
	}
	return slices.Contains(needs(body), "") ||
		slices.ContainsFunc(body.Blocks, func(b *hclsyntax.Block) bool { return readsBlocks(b.Body) })
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

// needs are the names of targets in a block: all strings of inherits, and all
// that begin as a context that is a target does.
func needs(body *hclsyntax.Body) []string {
	var names []string
	for key, attr := range body.Attributes {
		_ = hclsyntax.VisitAll(attr.Expr, func(n hclsyntax.Node) hcl.Diagnostics {
			if literal, is := n.(*hclsyntax.LiteralValueExpr); is && literal.Val.Type() == cty.String {
				text := literal.Val.AsString()
				if name, is := strings.CutPrefix(text, "target:"); is {
					names = append(names, name)
				} else if key == "inherits" {
					names = append(names, text)
				}
			}
			return nil
		})
	}
	return names
}

// chunk is what bake reads to know some targets: what is shared, and they with
// all that they need, however far. It returns the names of all of them too.
func (l *layout) chunk(names []string) (buildxbake.File, []string) {
	if l.whole {
		return buildxbake.File{Name: bake.FileName, Data: l.src}, names
	}
	text := slices.Clone(l.shared)
	var all []string
	seen := map[string]bool{}
	todo := slices.Concat(names, l.always)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		b, known := l.targets[name]
		if seen[name] || !known {
			continue
		}
		seen[name] = true
		all, text = append(all, name), append(text, b.text...)
		todo = append(todo, b.needs...)
	}
	return buildxbake.File{Name: bake.FileName, Data: text}, all
}

// unneeded are the names of targets that no other needs, sorted.
func (l *layout) unneeded() []string {
	needed := map[string]bool{}
	for _, name := range l.always {
		needed[name] = true
	}
	for _, b := range l.targets {
		for _, name := range b.needs {
			needed[name] = true
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(l.targets)) {
		if !needed[name] {
			names = append(names, name)
		}
	}
	return names
}

// groupFile is what bake reads to know the members of groups.
func (l *layout) groupFile() buildxbake.File {
	if l.whole {
		return buildxbake.File{Name: bake.FileName, Data: l.src}
	}
	return buildxbake.File{Name: bake.FileName, Data: slices.Concat(l.shared, l.groups)}
}
