package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// box is where an image is drawn.
type box struct{ x, y, width int }

type layout struct {
	boxes map[string]box
	ways  map[Edge][]string // what each edge goes through, ends included
	right int
	below int
}

func (l layout) size() (width, height int) { return l.right + margin, l.below + margin }

// sweeps is how often columns are ordered by their neighbours; more changes
// little.
const sweeps = 4

// place puts each image in the column that its longest way to an image without
// needs gives it, and orders columns so that few edges cross.
func place(g Graph) layout {
	columns := split(g)
	ways := route(g, columns)
	neighbours := map[string][]string{}
	for _, e := range g.Edges {
		way := ways[e]
		for i := range len(way) - 1 {
			neighbours[way[i]] = append(neighbours[way[i]], way[i+1])
			neighbours[way[i+1]] = append(neighbours[way[i+1]], way[i])
		}
	}
	for range sweeps {
		for i := range columns {
			order(columns, i, neighbours)
		}
		for i := range slices.Backward(columns) {
			order(columns, i, neighbours)
		}
	}
	l := coordinates(g, columns)
	l.ways = ways
	return l
}

// route gives an edge that passes columns a place of its own in each of them,
// so that it runs behind no box. The columns are extended.
func route(g Graph, columns [][]string) map[Edge][]string {
	column := map[string]int{}
	for c, ids := range columns {
		for _, id := range ids {
			column[id] = c
		}
	}
	ways := make(map[Edge][]string, len(g.Edges))
	for i, e := range g.Edges {
		way := []string{e.From}
		for c := column[e.From] + 1; c < column[e.To]; c++ {
			id := fmt.Sprintf("\x00%d/%d", i, c) // no image is called so
			columns[c] = append(columns[c], id)
			way = append(way, id)
		}
		ways[e] = append(way, e.To)
	}
	return ways
}

// split sorts images into columns, the leftmost first.
func split(g Graph) [][]string {
	needs := map[string][]string{}
	for _, e := range g.Edges {
		needs[e.From] = append(needs[e.From], e.To)
	}
	depth := map[string]int{}
	open := map[string]bool{}
	var measure func(id string) int
	measure = func(id string) int {
		if d, done := depth[id]; done {
			return d
		}
		if open[id] { // a circle: cut here
			return -1
		}
		open[id] = true
		d := 0
		for _, to := range needs[id] {
			d = max(d, measure(to)+1)
		}
		open[id] = false
		depth[id] = d
		return d
	}
	var columns [][]string
	for _, n := range g.Nodes {
		d := measure(n.ID)
		for len(columns) <= d {
			columns = append(columns, nil)
		}
		columns[d] = append(columns[d], n.ID)
	}
	slices.Reverse(columns)
	return columns
}

// order sorts a column by the mean place of each image's neighbours in other
// columns.
func order(columns [][]string, i int, neighbours map[string][]string) {
	rank := map[string]float64{}
	for c, column := range columns {
		if c == i {
			continue
		}
		for r, id := range column {
			rank[id] = float64(r) / float64(len(column))
		}
	}
	mean := map[string]float64{}
	for r, id := range columns[i] {
		sum, count := 0.0, 0
		for _, n := range neighbours[id] {
			if at, elsewhere := rank[n]; elsewhere {
				sum += at
				count++
			}
		}
		mean[id] = float64(r) / float64(len(columns[i]))
		if count > 0 {
			mean[id] = sum / float64(count)
		}
	}
	slices.SortStableFunc(columns[i], func(a, b string) int { return cmp.Compare(mean[a], mean[b]) })
}

func coordinates(g Graph, columns [][]string) layout {
	labels := map[string]string{}
	for _, n := range g.Nodes {
		labels[n.ID] = describe(n)
	}
	tallest := 0
	for _, column := range columns {
		tallest = max(tallest, len(column))
	}
	l := layout{boxes: map[string]box{}, right: margin, below: margin}
	const row = boxHeight + rowGap
	x := margin
	for _, column := range columns {
		width := 0
		for _, id := range column {
			width = max(width, textWidth(labels[id])+2*boxPadding)
		}
		y := margin + (tallest-len(column))*row/2
		for _, id := range column {
			l.boxes[id] = box{x, y, width}
			l.below = max(l.below, y+boxHeight)
			y += row
		}
		l.right = x + width
		x += width + columnGap
	}
	return l
}

// textWidth estimates the width of text in a sans-serif of 13 pixels.
func textWidth(s string) int {
	tenths := 0
	for _, r := range s {
		switch {
		case strings.ContainsRune("iIjl.,:;'|!ft()[] ", r):
			tenths += 42
		case strings.ContainsRune("mwMW@%", r):
			tenths += 112
		case r >= 0x2e80:
			tenths += 135
		case r >= 'A' && r <= 'Z':
			tenths += 90
		default:
			tenths += 76
		}
	}
	return tenths/10 + 1
}
