package graph

import (
	"slices"

	"github.com/runbake/runbake/pkg/catalogue"
)

// Of is the graph that has the versions, all that they need, and the images of others
// that those are built from.
func Of(versions []*catalogue.Version) Graph {
	var g Graph
	todo := slices.Clone(versions)
	seen := map[*catalogue.Version]bool{}
	for len(todo) > 0 {
		v := todo[0]
		todo = todo[1:]
		if seen[v] {
			continue
		}
		seen[v] = true
		kind := Runtime
		if v.Runtime.Kind == catalogue.Base {
			kind = Base
		}
		g.Nodes = append(g.Nodes, Node{ID: v.ID, Label: v.ID, Kind: kind, Deprecated: v.Deprecated != ""})
		for _, b := range v.Bases {
			if b.Syntax {
				continue // it is in no image
			}
			g.Nodes = append(g.Nodes, Node{ID: "image " + b.Ref, Label: b.Ref, Kind: External})
			g.Edges = append(g.Edges, Edge{From: v.ID, To: "image " + b.Ref})
		}
		for _, n := range v.Needs {
			todo = append(todo, n.Version)
			g.Edges = append(g.Edges, Edge{From: v.ID, To: n.Version.ID})
		}
		if v.Run != nil {
			todo = append(todo, v.Run)
			g.Edges = append(g.Edges, Edge{From: v.ID, To: v.Run.ID, Run: true})
		}
	}
	return g
}
