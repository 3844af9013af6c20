package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/distribution/reference"

	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/registry"
	"github.com/runbake/runbake/pkg/sink"
)

// reportPublished shows what became of every image, and what failed.
func (a *app) reportPublished(entries []publishEntry, errs []error, opts publishOptions) error {
	if err := a.writePublished(entries, opts.format); err != nil {
		return err
	}
	if opts.digestFile != "" {
		if err := writeResult(opts.digestFile, digests(entries)); err != nil {
			return err
		}
	}
	n := len(slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil }))
	summary := fmt.Sprintf("%d of %s failed; the others are published, and publish may be run again", n, count(len(entries), "image"))
	if opts.dryRun || n == len(entries) {
		summary = fmt.Sprintf("%d of %s failed", n, count(len(entries), "image"))
	}
	return failed(errs, summary)
}

func (a *app) writePublished(entries []publishEntry, format string) error {
	switch format {
	case "json":
		return envelope.Write(a.env.Stdout, "publish", entries)
	case "markdown":
		return writePublishedMarkdown(a.env.Stdout, entries)
	}
	return writePublishedText(a.env.Stdout, entries)
}

// digests are the images that are there now, by digest, one a line.
func digests(entries []publishEntry) []byte {
	var text []byte
	for _, e := range entries {
		if e.State == string(registry.Published) || e.State == string(registry.Unchanged) {
			for _, repository := range e.repositories {
				text = fmt.Appendf(text, "%s@%s\n", repository, e.Digest)
			}
		}
	}
	return text
}

// writePublishedMarkdown writes the table of a summary. What fails says why.
func writePublishedMarkdown(w io.Writer, entries []publishEntry) error {
	var b strings.Builder
	b.WriteString("| image | platforms | digest | size | change | state |\n|---|---|---|---|---|---|\n")
	for _, e := range entries {
		state := e.State
		if e.Error != "" {
			state += ": " + e.Error
		}
		cells := []string{"`" + e.Tags[0] + "`"}
		for _, cell := range []string{e.platforms(), orDash(e.Digest), fileSize(e.Size), e.change(), state} {
			cells = append(cells, sink.Markdown(cell))
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// platforms are the names of the platforms that are there.
func (e *publishEntry) platforms() string {
	var names []string
	for _, p := range e.Platforms {
		names = append(names, p.Platform)
	}
	return orDash(strings.Join(names, ","))
}

func writePublishedText(w io.Writer, entries []publishEntry) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "IMAGE\tPLATFORMS\tDIGEST\tSIZE\tCHANGE\tSTATE")
	for _, e := range entries {
		fmt.Fprintln(table, strings.Join([]string{
			e.Tags[0], e.platforms(), orDash(e.Digest), fileSize(e.Size), e.change(), e.State,
		}, "\t"))
	}
	return table.Flush()
}

// change is how the size differs from what the tag meant before.
func (e *publishEntry) change() string {
	switch {
	case e.Digest == "":
		return "-"
	case e.Before == nil:
		return "new"
	case e.Before.Size == e.Size:
		return "same"
	}
	sign, difference := "+", e.Size-e.Before.Size
	if difference < 0 {
		sign, difference = "-", -difference
	}
	percent := float64(difference) / float64(e.Before.Size) * 100
	return fmt.Sprintf("%s%s (%s%.1f %%)", sign, fileSize(difference), sign, percent)
}

// fileSize writes a size for people.
func fileSize(n int64) string {
	switch {
	case n == 0:
		return "-"
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// areDigests reports whether a file has nothing but what digests writes.
func areDigests(have []byte) bool {
	for line := range bytes.Lines(have) {
		if named, err := reference.ParseNormalizedNamed(string(bytes.TrimSpace(line))); err != nil {
			return false
		} else if _, ok := named.(reference.Canonical); !ok {
			return false
		}
	}
	return true
}
