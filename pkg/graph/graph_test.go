package graph_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/graph"
)

var update = flag.Bool("update", false, "write what the tests get into their golden files")

func example() graph.Graph {
	g := graph.Graph{
		Nodes: []graph.Node{
			{ID: "node-24", Label: "node-24", Kind: graph.Runtime},
			{ID: "node-22", Label: "node-22", Kind: graph.Runtime, Deprecated: true},
			{ID: "go-1.26", Label: "go-1.26", Kind: graph.Runtime},
			{ID: "debian-12", Label: "debian-12", Kind: graph.Base},
			{ID: "img:node:24", Label: "node:24", Kind: graph.External},
			{ID: "img:golang:1.26", Label: "golang:1.26", Kind: graph.External},
			{ID: "img:debian", Label: `debian"<&`, Kind: graph.External},
		},
		Edges: []graph.Edge{
			{From: "node-24", To: "img:node:24"},
			{From: "node-22", To: "img:node:24"},
			{From: "go-1.26", To: "img:golang:1.26"},
			{From: "go-1.26", To: "debian-12", Run: true},
			{From: "debian-12", To: "img:debian"},
		},
	}
	return g
}

func formats(g graph.Graph) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{"txt": g.WriteText, "dot": g.WriteDOT, "mmd": g.WriteMermaid, "svg": g.WriteSVG}
}

func TestGolden(t *testing.T) {
	for format, write := range formats(example()) {
		t.Run(format, func(t *testing.T) {
			var got strings.Builder
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			name := "testdata/example." + format
			if *update {
				if err := os.WriteFile(name, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
			}
		})
	}
}

// TestOrder: the order in which nodes and edges are given changes nothing.
func TestOrder(t *testing.T) {
	g := example()
	reversed := graph.Graph{}
	for i := range g.Nodes {
		reversed.Nodes = append(reversed.Nodes, g.Nodes[len(g.Nodes)-1-i])
	}
	for i := range g.Edges {
		reversed.Edges = append(reversed.Edges, g.Edges[len(g.Edges)-1-i])
	}
	for format, write := range formats(g) {
		var a, b strings.Builder
		if err := errors.Join(write(&a), formats(reversed)[format](&b)); err != nil {
			t.Fatal(err)
		}
		if a.String() != b.String() {
			t.Errorf("%s depends on the order", format)
		}
	}
}

func TestCircle(t *testing.T) {
	g := graph.Graph{
		Nodes: []graph.Node{{ID: "a", Label: "a"}, {ID: "b", Label: "b"}},
		Edges: []graph.Edge{{From: "a", To: "b"}, {From: "b", To: "a"}, {From: "b", To: "b"}},
	}
	for format, write := range formats(g) {
		var out strings.Builder
		if err := write(&out); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if format == "txt" && !strings.Contains(out.String(), "(a circle)") {
			t.Errorf("the circle is not shown:\n%s", out.String())
		}
	}
}

var boxPattern = regexp.MustCompile(`<g><title>[^<]*</title><rect class="[^"]*" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"`)

// large has n images of twelve languages on three bases.
func large(n int) graph.Graph {
	var g graph.Graph
	for i := range 3 {
		g.Nodes = append(g.Nodes, graph.Node{ID: fmt.Sprintf("base-%d", i), Label: fmt.Sprintf("base-%d", i), Kind: graph.Base})
	}
	for i := range n {
		id := fmt.Sprintf("lang%d-%d", i%12, i/12)
		from := fmt.Sprintf("img:lang%d:%d-slim", i%12, i/12)
		g.Nodes = append(g.Nodes, graph.Node{ID: id, Label: id, Kind: graph.Runtime}, graph.Node{ID: from, Label: from[4:], Kind: graph.External})
		g.Edges = append(g.Edges, graph.Edge{From: id, To: from})
		if i%3 == 0 {
			g.Edges = append(g.Edges, graph.Edge{From: id, To: fmt.Sprintf("base-%d", i%2), Run: true})
		}
	}
	return g
}

func TestSVG(t *testing.T) {
	g := large(100)
	var out strings.Builder
	if err := g.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	mustBeXML(t, out.String())
	if got := strings.Count(out.String(), "marker-end") - 2; got != len(g.Edges) { // two are in the legend
		t.Errorf("%d edges are drawn, want %d", got, len(g.Edges))
	}
	type rect struct{ x, y, w, h int }
	var boxes []rect
	for _, m := range boxPattern.FindAllStringSubmatch(out.String(), -1) {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(m[i+1]) // the pattern has digits only
		}
		boxes = append(boxes, rect{n[0], n[1], n[2], n[3]})
	}
	if len(boxes) != len(g.Nodes) {
		t.Errorf("%d boxes are drawn, want %d", len(boxes), len(g.Nodes))
	}
	for i, a := range boxes {
		for _, b := range boxes[:i] {
			if a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h {
				t.Fatalf("boxes overlap: %v %v", a, b)
			}
		}
	}
}

func mustBeXML(t *testing.T, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
}

// FuzzLabels proves that no label breaks out of its place.
func FuzzLabels(f *testing.F) {
	for _, s := range []string{"", "node", `"];x[`, "<script>", "a\nb", "\\", "#quot;", "&lt;", "\x00\xff", "]]>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, label string) {
		g := graph.Graph{
			Nodes: []graph.Node{{ID: "a", Label: label, Kind: graph.Runtime}, {ID: "b" + label, Label: "b", Kind: graph.Base}},
			Edges: []graph.Edge{{From: "a", To: "b" + label}},
		}
		for format, write := range formats(g) {
			var out strings.Builder
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			lines := strings.Count(out.String(), "\n")
			switch format {
			case "svg":
				mustBeXML(t, out.String())
			case "dot":
				if lines != 7 {
					t.Errorf("%d lines:\n%s", lines, out.String())
				}
			case "mmd":
				if lines != 7 {
					t.Errorf("%d lines:\n%s", lines, out.String())
				}
			case "txt":
				if lines != 2 {
					t.Errorf("%d lines:\n%s", lines, out.String())
				}
			}
		}
	})
}

func BenchmarkSVG(b *testing.B) {
	g := large(2500)
	for b.Loop() {
		if err := g.WriteSVG(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTwins: both arrows can be seen of an image that is built from and run by
// the same one, beside it or columns away.
func TestTwins(t *testing.T) {
	var edges []graph.Edge
	for _, pair := range [][2]string{{"a", "b"}, {"b", "c"}, {"a", "c"}} {
		edges = append(edges, graph.Edge{From: pair[0], To: pair[1]}, graph.Edge{From: pair[0], To: pair[1], Run: true})
	}
	var got strings.Builder
	if err := (graph.Graph{
		Nodes: []graph.Node{{ID: "a"}, {ID: "b"}, {ID: "c"}},
		Edges: edges,
	}).WriteSVG(&got); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`<path class="(?:build|run)" d="(M[^"]*C[^"]*)"`).FindAllStringSubmatch(got.String(), -1) {
		if seen[m[1]] {
			t.Errorf("two edges on one path: %s", m[1])
		}
		seen[m[1]] = true
	}
	if len(seen) != len(edges) {
		t.Errorf("%d paths for %d edges", len(seen), len(edges))
	}
}
