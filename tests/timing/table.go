package timing

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// least is the time under which a row is not worth a line, in seconds.
const least = 1

// Table shows a report: parts in the order in which they began, of each what
// took a second or more, the longest first.
func (r Report) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "WALL\tPROCESSOR\t  WHAT")
	for _, part := range r.parts() {
		rows := r.of(part)
		var all Cost
		for _, row := range rows {
			all = all.Add(row.Cost)
		}
		fmt.Fprintf(w, "%.1f s\t%.1f s\t  %s\n", all.Wall, all.Processor, part)
		for _, row := range rows {
			if (row.Wall >= least || row.Processor >= least) && row.What != "" {
				fmt.Fprintf(w, "%.1f s\t%.1f s\t    %s\n", row.Wall, row.Processor, row.What)
			}
		}
	}
	fmt.Fprintf(w, "%.0f s\t%.0f s\t  all, %s\n", r.Total.Wall, r.Total.Processor, r.Result)
	return w.Flush()
}

func (r Report) parts() []string {
	var parts []string
	for _, row := range r.Rows {
		if !slices.Contains(parts, row.Part) {
			parts = append(parts, row.Part)
		}
	}
	return parts
}

func (r Report) of(part string) []Row {
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(row Row) bool { return row.Part != part })
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(b.Wall, a.Wall) })
	return rows
}

// Compare shows two reports beside each other: what both have, or one.
func Compare(out io.Writer, before, after Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "WALL\t\tPROCESSOR\t\t  WHAT")
	fmt.Fprintln(w, "before\tafter\tbefore\tafter\t")
	seen := map[[2]string]bool{}
	for _, row := range slices.Concat(after.Rows, before.Rows) {
		key := [2]string{row.Part, row.What}
		if seen[key] {
			continue
		}
		seen[key] = true
		a, b := before.find(key), after.find(key)
		if max(a.Wall, a.Processor, b.Wall, b.Processor) >= least {
			compared(w, a, b, row.Part+" "+row.What)
		}
	}
	compared(w, before.Total, after.Total, "all, "+before.Result+" and "+after.Result)
	return w.Flush()
}

func (r Report) find(key [2]string) (sum Cost) {
	for _, row := range r.Rows {
		if row.Part == key[0] && row.What == key[1] {
			sum = sum.Add(row.Cost)
		}
	}
	return sum
}

func compared(w io.Writer, before, after Cost, what string) {
	fmt.Fprintf(w, "%.1f s\t%.1f s\t%.1f s\t%.1f s\t  %s\n", before.Wall, after.Wall, before.Processor, after.Processor, what)
}
