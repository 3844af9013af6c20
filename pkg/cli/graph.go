package cli

import (
	"context"

	"github.com/spf13/cobra"

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
	g := graph.Of(versions)
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
