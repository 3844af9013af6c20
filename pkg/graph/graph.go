// Package graph draws what images are built from and run by: as a tree, for
// Graphviz, for Mermaid, and as SVG without either.
package graph

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Graph is a set of images and what they need.
type Graph struct {
	Nodes []Node // ids are unique
	Edges []Edge // between ids of Nodes
}

// Node is one image.
type Node struct {
	ID         string
	Label      string
	Kind       Kind
	Deprecated bool
}

// Kind says what an image is for.
type Kind string

// The kinds of images.
const (
	Runtime  Kind = "runtime"  // has a language
	Base     Kind = "base"     // runs what compiled runtimes make
	External Kind = "external" // is somebody else's
)

// Edge says that one image needs another.
type Edge struct {
	From, To string
	Run      bool // To runs what From makes; otherwise From is built from To
}

// normalized is a copy with nodes and edges in a stable order, without
// duplicates.
func (g Graph) normalized() Graph {
	nodes := slices.SortedFunc(slices.Values(g.Nodes), func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	edges := slices.SortedFunc(slices.Values(g.Edges), func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(b2i(a.Run), b2i(b.Run)))
	})
	return Graph{
		Nodes: slices.CompactFunc(nodes, func(a, b Node) bool { return a.ID == b.ID }),
		Edges: slices.Compact(edges),
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// WriteText writes a tree: below each image that no other needs stands what it
// needs.
func (g Graph) WriteText(w io.Writer) error {
	g = g.normalized()
	t := tree{nodes: map[string]Node{}, needs: map[string][]Edge{}, open: map[string]bool{}}
	needed := map[string]bool{}
	for _, n := range g.Nodes {
		t.nodes[n.ID] = n
	}
	for _, e := range g.Edges {
		t.needs[e.From] = append(t.needs[e.From], e)
		needed[e.To] = needed[e.To] || e.From != e.To
	}
	for _, n := range g.Nodes {
		if !needed[n.ID] {
			t.write(n, "", "", "")
		}
	}
	for _, n := range g.Nodes { // those that only a circle needs
		if !t.open[n.ID] && needed[n.ID] && !t.seen(n.ID) {
			t.write(n, "", "", "")
		}
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

type tree struct {
	out     strings.Builder
	nodes   map[string]Node
	needs   map[string][]Edge
	open    map[string]bool // on the way to here
	written map[string]bool
}

func (t *tree) seen(id string) bool { return t.written[id] }

func (t *tree) write(n Node, first, rest, note string) {
	if t.written == nil {
		t.written = map[string]bool{}
	}
	t.written[n.ID] = true
	fmt.Fprintf(&t.out, "%s%s%s\n", first, describe(n), note)
	if t.open[n.ID] {
		return
	}
	t.open[n.ID] = true
	needs := t.needs[n.ID]
	for i, e := range needs {
		branch, below := "├─ ", "│  "
		if i == len(needs)-1 {
			branch, below = "└─ ", "   "
		}
		note := ""
		if e.Run {
			note = " (runs it)"
		}
		if t.open[e.To] {
			note += " (a circle)"
		}
		t.write(t.nodes[e.To], rest+branch, rest+below, note)
	}
	t.open[n.ID] = false
}

func describe(n Node) string {
	label := printable(n.Label)
	if n.Deprecated {
		label += " (deprecated)"
	}
	return label
}

// printable replaces what would break a line of output.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '�'
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

// WriteDOT writes the graph in the language of Graphviz.
func (g Graph) WriteDOT(w io.Writer) error {
	g = g.normalized()
	var b strings.Builder
	b.WriteString("digraph images {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n")
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "  %s [label=%s, fillcolor=%q];\n", dotQuote(n.ID), dotQuote(describe(n)), colors[n.Kind].light)
	}
	for _, e := range g.Edges {
		style := ""
		if e.Run {
			style = " [style=dashed, label=\"runs\"]"
		}
		fmt.Fprintf(&b, "  %s -> %s%s;\n", dotQuote(e.From), dotQuote(e.To), style)
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(printable(s)) + `"`
}

// WriteMermaid writes a flowchart that Markdown of GitHub and GitLab shows.
func (g Graph) WriteMermaid(w io.Writer) error {
	g = g.normalized()
	index := map[string]int{}
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, n := range g.Nodes {
		index[n.ID] = i
		fmt.Fprintf(&b, "  n%d[\"%s\"]:::%s\n", i, mermaidEscape(describe(n)), n.Kind)
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Run {
			arrow = "-. runs .->"
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", index[e.From], arrow, index[e.To])
	}
	for _, k := range []Kind{Runtime, Base, External} {
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s,color:#1b1f24\n", k, colors[k].light, colors[k].line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidEscape writes what Mermaid or HTML would read as more than text as
// entities of Mermaid's.
func mermaidEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\"#;<>&`[](){}|\\", r) {
			fmt.Fprintf(&b, "#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
