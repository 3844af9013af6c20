package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/listing"
)

// listFormats are the forms of a list, by the names that --format has for them.
var listFormats = []struct {
	name  string
	write func(io.Writer, []catalogue.Entry) error
}{
	{"text", listing.WriteText}, {"json", listing.WriteJSON}, {"php", listing.WritePHP}, {"markdown", listing.WriteMarkdown},
}

func newList(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "list [runtime…]",
		Short: "Show the registry entries of runtimes",
		Long: `List shows what a function platform needs to know about each runtime: the image
that builds functions, the image that runs them, the platforms, and whether the
runtime is deprecated.

The JSON output is described by docs/schemas/list.json. The PHP output is a file
that returns the array of a registry class's getAll. The Markdown output is the
table that generate keeps between the markers of a README.`,
		Example: `  runbake list
  runbake list node 'python-3.*'
  runbake list --format json | jq -r '.items[] | select(.kind == "compiled") | .id'
  runbake list --format php > runtimes.php`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.list(cmd.Context(), patterns, format)
		},
	}
	names := make([]string, 0, len(listFormats))
	for _, f := range listFormats {
		names = append(names, f.name)
	}
	formatFlag(cmd, &format, names...)
	return cmd
}

func (a *app) list(ctx context.Context, patterns []string, format string) error {
	names := make([]string, 0, len(listFormats))
	for _, f := range listFormats {
		names = append(names, f.name)
	}
	if err := checkFormat(format, names...); err != nil {
		return err
	}
	r, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	for _, f := range listFormats {
		if f.name == format {
			return f.write(a.env.Stdout, r.Catalogue.Entries(versions))
		}
	}
	return nil
}
