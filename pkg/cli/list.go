package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/catalogue"
)

func newList(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "list [runtime…]",
		Short: "Show the registry entries of runtimes",
		Long: `List shows what a platform needs to know of each runtime: the image that builds
functions, the image that runs them, platforms, and whether it is deprecated.`,
		Example: `  runbake list
  runbake list node 'python-3.*'
  runbake list --format json | jq -r '.[] | select(.kind == "compiled") | .id'`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(_ *cobra.Command, patterns []string) error {
			return a.list(patterns, format)
		},
	}
	formatFlag(cmd, &format, "text", "json")
	return cmd
}

// listEntry is the registry entry of one version.
type listEntry struct {
	ID         string   `json:"id"`
	Key        string   `json:"key"`
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Kind       string   `json:"kind"`
	BuildImage string   `json:"buildImage"`
	RunImage   string   `json:"runImage"`
	Platforms  []string `json:"platforms"`
	Entrypoint string   `json:"entrypoint,omitempty"`
	Fixture    string   `json:"fixture,omitempty"`
	Deprecated string   `json:"deprecated,omitempty"`
}

func (a *app) list(patterns []string, format string) error {
	if err := checkFormat(format, "text", "json"); err != nil {
		return err
	}
	r, versions, err := a.choose(patterns)
	if err != nil {
		return err
	}
	entries := make([]listEntry, 0, len(versions))
	for _, v := range versions {
		entries = append(entries, newListEntry(r.catalogue, v))
	}
	if format == "json" {
		return writeJSON(a.env.Stdout, entries)
	}
	return writeList(a.env.Stdout, entries)
}

func newListEntry(c *catalogue.Catalogue, v *catalogue.Version) listEntry {
	return listEntry{
		ID: v.ID, Key: v.Runtime.Key, Name: v.Runtime.Name, Version: v.Name, Kind: string(v.Runtime.Kind),
		BuildImage: c.Ref(v), RunImage: c.Ref(v.RunImage()),
		Platforms: v.Platforms, Entrypoint: v.Runtime.Entrypoint, Fixture: v.Runtime.Fixture, Deprecated: v.Deprecated,
	}
}

func writeList(w io.Writer, entries []listEntry) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tVERSION\tKIND\tBUILD IMAGE\tRUN IMAGE\tPLATFORMS\tDEPRECATED")
	for _, e := range entries {
		fmt.Fprintln(table, strings.Join([]string{
			e.ID, e.Name, e.Version, e.Kind, e.BuildImage, e.RunImage, strings.Join(e.Platforms, ","), orDash(e.Deprecated),
		}, "\t"))
	}
	return table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
