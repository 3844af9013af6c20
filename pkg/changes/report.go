package changes

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/sink"
)

// Item is what became of an image between two of its names.
type Item struct {
	ID        string     `json:"id"`
	Before    Named      `json:"before"`
	After     Named      `json:"after"`
	Same      bool       `json:"same"` // nothing that is compared differs
	Platforms []Platform `json:"platforms"`
	Error     string     `json:"error,omitempty"`
}

// Named is a name, and what it stands for.
type Named struct {
	Image  string `json:"image,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// Done says whether everything is the same, when all platforms are compared.
func (i *Item) Done() {
	i.Same = !slices.ContainsFunc(i.Platforms, func(p Platform) bool { return p.State != Same && p.State != Rebuilt })
}

// WriteJSON writes what docs/schemas/changes.json describes.
func WriteJSON(w io.Writer, items []Item) error {
	items = slices.Clone(items)
	for i := range items {
		if items[i].Platforms == nil { // not compared
			items[i].Platforms = []Platform{}
		}
	}
	return envelope.Write(w, "changes", items)
}

// row is one thing that differs: in words, before and after.
type row struct{ what, before, after string }

// rows are what differs on a platform, the packages last.
func rows(p Platform) []row {
	all := []row{}
	if p.Size.Before != p.Size.After {
		all = append(all, row{"size", fileSize(p.Size.Before), fileSize(p.Size.After) + grown(p.Size)})
	}
	if p.Layers.Before != p.Layers.After {
		all = append(all, row{"layers", strconv.FormatInt(p.Layers.Before, 10), strconv.FormatInt(p.Layers.After, 10)})
	}
	if p.Base != nil {
		all = append(all, row{"base", p.Base.Before.text(), p.Base.After.text()})
	}
	for _, s := range p.Settings {
		all = append(all, s.row())
	}
	for _, u := range p.Packages {
		all = append(all, row{u.label() + " " + string(u.Change), u.Before, u.After})
	}
	return all
}

// row shows a setting; an empty value is none that is not there.
func (s Setting) row() row {
	show := func(value string, is bool) string {
		switch {
		case !is:
			return ""
		case s.Hidden:
			return "(hidden)"
		}
		return cmp.Or(value, `""`)
	}
	return row{strings.TrimSpace(s.Setting + " " + s.Name), show(s.Before, s.Change != Came), show(s.After, s.Change != Gone)}
}

// label is a package with its type.
func (u Update) label() string { return strings.TrimSpace(u.Type + " " + u.Name) }

// text is a base for people.
func (b Base) text() string {
	const shown = len("sha256:") + 12
	digest := b.Digest[:min(len(b.Digest), shown)]
	if digest == "" || b.Name == "" {
		return b.Name + digest
	}
	return b.Name + "@" + digest
}

// fileSize writes a size for people.
func fileSize(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// grown is by how much a size has changed.
func grown(c Count) string {
	if c.Before == 0 {
		return ""
	}
	return fmt.Sprintf(" (%+.1f %%)", float64(c.After-c.Before)/float64(c.Before)*100)
}

// summary is the state of a platform in words.
func summary(p Platform) string {
	switch p.State {
	case Same:
		return "the same image"
	case Rebuilt:
		text := "rebuilt: another digest, nothing else differs"
		if p.PackagesFrom == "" {
			text += "; packages were not compared"
		}
		return text
	case Added:
		return "new platform, " + fileSize(p.Size.After)
	case Removed:
		return "platform removed"
	}
	if p.PackagesFrom == "" {
		return "changed; packages were not compared: nothing says what they are"
	}
	return fmt.Sprintf("changed; packages: %s (by %s)", counts(p.Packages), map[Source]string{
		SBOM: "SBOM", Layers: "the databases of dpkg and apk",
	}[p.PackagesFrom])
}

// counts says how many packages of which kind there are.
func counts(all []Update) string {
	var parts []string
	for _, kind := range []Kind{Came, Gone, Upgraded, Downgraded, Replaced} {
		n := 0
		for _, u := range all {
			if u.Change == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "the same")
}

// group are platforms of which everything is the same but digests and sizes.
type group struct {
	names []string
	rows  []row
	about string
}

// groups joins platforms that changed in the same way, in order.
func groups(platforms []Platform) []group {
	var all []group
	for _, p := range platforms {
		g := group{[]string{p.Platform}, rows(p), summary(p)}
		if p.State == Added || p.State == Removed {
			g.rows = nil
		}
		i := slices.IndexFunc(all, func(have group) bool { return have.about == g.about && slices.Equal(have.rows, g.rows) })
		if i >= 0 {
			all[i].names = append(all[i].names, p.Platform)
			continue
		}
		all = append(all, g)
	}
	return all
}

// WriteText writes a report for people.
func WriteText(w io.Writer, items []Item) error {
	for n, item := range items {
		if n > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, line(item.ID+": "+item.headline(func(s string) string { return s })))
		for _, g := range groups(item.Platforms) {
			fmt.Fprintln(w, line("  "+strings.Join(g.names, ", ")+": "+g.about))
			table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, r := range g.rows {
				fmt.Fprintf(table, "    %s\t%s\t→\t%s\n", line(r.what), line(cmp.Or(r.before, "-")), line(cmp.Or(r.after, "-")))
			}
			if err := table.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// headline is what was compared, names as quote writes them.
func (i *Item) headline(quote func(string) string) string {
	switch {
	case i.Error != "":
		return "not compared"
	case i.Before.Digest == i.After.Digest:
		return fmt.Sprintf("unchanged: %s is the same image as %s", quote(i.After.Image), quote(i.Before.Image))
	case i.Same:
		return fmt.Sprintf("nothing has changed from %s to %s", quote(i.Before.Image), quote(i.After.Image))
	}
	return fmt.Sprintf("from %s to %s", quote(i.Before.Image), quote(i.After.Image))
}

// line writes text of an image in one line and one cell.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if sink.Control(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// WriteMarkdown writes release notes: a section for each image, a table for each
// platform, or for those that changed in the same way.
func WriteMarkdown(w io.Writer, items []Item) error {
	var b strings.Builder
	for n, item := range items {
		if n > 0 {
			b.WriteByte('\n')
		}
		headline := item.headline(sink.Markdown)
		fmt.Fprintf(&b, "### %s\n\n%s.\n", sink.Markdown(item.ID), strings.ToUpper(headline[:1])+headline[1:])
		if item.Error != "" {
			fmt.Fprintf(&b, "\n%s\n", sink.Markdown(item.Error))
		}
		if item.Before.Digest == item.After.Digest {
			continue
		}
		for _, g := range groups(item.Platforms) {
			fmt.Fprintf(&b, "\n**%s**: %s\n", sink.Markdown(strings.Join(g.names, ", ")), sink.Markdown(g.about))
			if len(g.rows) == 0 {
				continue
			}
			b.WriteString("\n| what | before | after |\n|---|---|---|\n")
			for _, r := range g.rows {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", sink.Markdown(r.what), sink.Markdown(cmp.Or(r.before, "-")), sink.Markdown(cmp.Or(r.after, "-")))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
