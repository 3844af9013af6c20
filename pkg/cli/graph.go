package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/graph"
)

func newGraph(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "graph [runtime…]",
		Short: "Draw what images are built from and run by",
		Long: `Graph draws the runtimes, the base images that run them, and the upstream images
that they are built from: as a tree, for Graphviz (dot), for Markdown (mermaid), or
as a picture (svg) that needs no other program.`,
		Example: `  runbake graph
  runbake graph go --format mermaid
  runbake graph --format svg > images.svg`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.graph(cmd.Context(), patterns, format)
		},
	}
	formatFlag(cmd, &format, "text", "dot", "mermaid", "svg")
	return cmd
}

func (a *app) graph(ctx context.Context, patterns []string, format string) error {
	if err := checkFormat(format, "text", "dot", "mermaid", "svg"); err != nil {
		return err
	}
	_, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	g := imageGraph(versions)
	switch format {
	case "dot":
		return g.WriteDOT(a.env.Stdout)
	case "mermaid":
		return g.WriteMermaid(a.env.Stdout)
	case "svg":
		return g.WriteSVG(a.env.Stdout)
	}
	return g.WriteText(a.env.Stdout)
}

// imageGraph has the versions, all that they need, and the images of others
// that those are built from.
func imageGraph(versions []*catalogue.Version) graph.Graph {
	var g graph.Graph
	todo := slices.Clone(versions)
	seen := map[*catalogue.Version]bool{}
	for len(todo) > 0 {
		v := todo[0]
		todo = todo[1:]
		if seen[v] {
			continue
		}
		seen[v] = true
		kind := graph.Runtime
		if v.Runtime.Kind == catalogue.Base {
			kind = graph.Base
		}
		g.Nodes = append(g.Nodes, graph.Node{ID: v.ID, Label: v.ID, Kind: kind, Deprecated: v.Deprecated != ""})
		for _, b := range v.Bases {
			if b.Syntax {
				continue // it is in no image
			}
			g.Nodes = append(g.Nodes, graph.Node{ID: "image " + b.Ref, Label: b.Ref, Kind: graph.External})
			g.Edges = append(g.Edges, graph.Edge{From: v.ID, To: "image " + b.Ref})
		}
		for _, n := range v.Needs {
			todo = append(todo, n.Version)
			g.Edges = append(g.Edges, graph.Edge{From: v.ID, To: n.Version.ID})
		}
		if v.Run != nil {
			todo = append(todo, v.Run)
			g.Edges = append(g.Edges, graph.Edge{From: v.ID, To: v.Run.ID, Run: true})
		}
	}
	return g
}
