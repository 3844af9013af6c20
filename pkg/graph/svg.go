package graph

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

type color struct{ light, dark, line string }

var colors = map[Kind]color{
	Runtime:  {"#dbeafe", "#1e3a5f", "#3b82f6"},
	Base:     {"#dcfce7", "#14432a", "#22a05a"},
	External: {"#f1f3f5", "#2b3036", "#868e96"},
}

// Sizes in user units, which are pixels at the natural size.
const (
	margin     = 24
	boxHeight  = 30
	boxPadding = 14
	rowGap     = 14
	columnGap  = 90
	legendGap  = 44
	twinGap    = 12
)

// style is for what is in the picture only: a page that has it has other pictures.
const style = `<style>
.images text { font: 13px system-ui, sans-serif; fill: #1b1f24; dominant-baseline: central }
.images g text { text-anchor: middle }
.images rect { rx: 7; stroke-width: 1.2 }
.images path { fill: none; stroke: #868e96; stroke-width: 1.3 }
.images .run { stroke-dasharray: 5 4 }
.images .deprecated { opacity: .55 }
.images .background { fill: #ffffff; rx: 0 }
%s@media (prefers-color-scheme: dark) {
.images text { fill: #e6edf3 }
.images .background { fill: #0d1117 }
%s}
</style>
`

// WriteSVG draws the graph from left to right: each image stands left of what
// it needs.
func (g Graph) WriteSVG(w io.Writer) error {
	g = g.normalized()
	l := place(g)
	var b strings.Builder
	width, height := l.size()
	width = max(width, 420)
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"images\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n",
		width, height+legendGap, width, height+legendGap)
	fmt.Fprintf(&b, "<title>%d images and what they need</title>\n", len(g.Nodes))
	writeStyle(&b)
	fmt.Fprintf(&b, "<rect class=\"background\" width=\"%d\" height=\"%d\"/>\n", width, height+legendGap)
	b.WriteString("<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8\"/></marker></defs>\n")
	for _, e := range g.Edges {
		writeEdge(&b, e, l, apart(g, e))
	}
	for _, n := range g.Nodes {
		writeBox(&b, n, l.boxes[n.ID])
	}
	writeLegend(&b, height)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func writeStyle(b *strings.Builder) {
	var light, dark strings.Builder
	for _, k := range []Kind{Runtime, Base, External} {
		fmt.Fprintf(&light, ".images .%s { fill: %s; stroke: %s }\n", k, colors[k].light, colors[k].line)
		fmt.Fprintf(&dark, ".images .%s { fill: %s }\n", k, colors[k].dark)
	}
	fmt.Fprintf(b, style, light.String(), dark.String())
}

// apart is how far an edge is moved so that both can be seen where an image is
// built from and run by the same one.
func apart(g Graph, e Edge) int {
	twin := Edge{From: e.From, To: e.To, Run: !e.Run}
	switch {
	case !slices.Contains(g.Edges, twin):
		return 0
	case e.Run:
		return twinGap / 2
	}
	return -twinGap / 2
}

func writeEdge(b *strings.Builder, e Edge, l layout, shift int) {
	class, verb := "build", "is built from"
	if e.Run {
		class, verb = "run", "is run by"
	}
	way := l.ways[e]
	start := l.boxes[way[0]]
	fmt.Fprintf(b, "<path class=%q d=\"M%d %d", class, start.x+start.width, start.y+boxHeight/2+shift)
	for i := range len(way) - 1 {
		from, to := l.boxes[way[i]], l.boxes[way[i+1]]
		x1, y1, x2, y2 := from.x+from.width, from.y+boxHeight/2+shift, to.x, to.y+boxHeight/2+shift
		bend := max((x2-x1)/2, 30)
		fmt.Fprintf(b, "C%d %d %d %d %d %d", x1+bend, y1, x2-bend, y2, x2, y2)
		if i < len(way)-2 { // straight on, to where the column ends
			fmt.Fprintf(b, "H%d", to.x+to.width)
		}
	}
	fmt.Fprintf(b, "\" marker-end=\"url(#tip)\"><title>%s %s %s</title></path>\n", escape(e.From), verb, escape(e.To))
}

func writeBox(b *strings.Builder, n Node, at box) {
	class := string(n.Kind)
	if n.Deprecated {
		class += " deprecated"
	}
	fmt.Fprintf(b, "<g><title>%s</title><rect class=%q x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/><text x=\"%d\" y=\"%d\">%s</text></g>\n",
		escape(n.ID), class, at.x, at.y, at.width, boxHeight, at.x+at.width/2, at.y+boxHeight/2, escape(describe(n)))
}

func writeLegend(b *strings.Builder, y int) {
	x := margin
	for _, k := range []Kind{Runtime, Base, External} {
		fmt.Fprintf(b, "<rect class=%q x=\"%d\" y=\"%d\" width=\"18\" height=\"14\"/><text x=\"%d\" y=\"%d\">%s</text>\n", k, x, y+5, x+24, y+12, k)
		x += 34 + textWidth(string(k))
	}
	for _, kind := range []string{"build", "run"} {
		fmt.Fprintf(b, "<path class=%q d=\"M%d %dh26\" marker-end=\"url(#tip)\"/><text x=\"%d\" y=\"%d\">%s</text>\n", kind, x, y+12, x+32, y+12, kind)
		x += 48 + textWidth(kind)
	}
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(printable(s))); err != nil {
		panic(err) // a strings.Builder never fails
	}
	return b.String()
}
