// Package listing writes registry entries in the forms that people and
// platforms read: a table, JSON, an array of PHP, and Markdown with a place for
// it in a README.
package listing

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/envelope"
	"github.com/runbake/runbake/pkg/sink"
)

// WriteText writes a table for people.
func WriteText(w io.Writer, entries []catalogue.Entry) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	header := []string{"ID", "NAME", "VERSION", "KIND", "BUILD IMAGE", "RUN IMAGE", "PLATFORMS", "DEPRECATED"}
	ends := slices.ContainsFunc(entries, func(e catalogue.Entry) bool { return e.EndOfLife != "" })
	if ends {
		header = append(header, "END OF LIFE")
	}
	fmt.Fprintln(table, strings.Join(header, "\t"))
	for _, e := range entries {
		row := []string{
			e.ID, e.Name, e.Version, string(e.Kind), e.BuildImage, e.RunImage, strings.Join(e.Platforms,
				","), cmp.Or(e.Deprecated, "-"),
		}
		if ends {
			row = append(row, cmp.Or(e.EndOfLife, "-"))
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// WriteJSON writes what docs/schemas/list.json describes.
func WriteJSON(w io.Writer, entries []catalogue.Entry) error {
	return envelope.Write(w, "list", entries)
}

// architectures are the names that the registry class has for platforms.
var architectures = map[string]string{
	"linux/amd64": "x86", "linux/arm64": "arm", "linux/ppc64le": "ppc",
	"linux/arm/v7": "armv7", "linux/arm/v6": "armv6",
}

// WritePHP writes a file that returns an array in the shape of what the getAll
// of a registry class gives: of runtimes, for bases are none.
func WritePHP(w io.Writer, entries []catalogue.Entry) error {
	var b bytes.Buffer
	b.WriteString("<?php\n\n// Written by runbake list --format php. DO NOT EDIT.\n\nreturn [\n")
	for _, e := range entries {
		if e.Kind == catalogue.Base {
			continue
		}
		supports := make([]string, 0, len(e.Platforms))
		for _, p := range e.Platforms {
			name, known := architectures[p]
			if !known {
				name = strings.TrimPrefix(p, "linux/")
			}
			supports = append(supports, php(name))
		}
		day := func(s string) string {
			if s == "" {
				return "null"
			}
			return php(s)
		}
		fmt.Fprintf(&b, "    %s => [\n", php(e.ID))
		for _, field := range [][2]string{
			{"key", php(e.Key)},
			{"name", php(e.Name)},
			{"logo", php(e.Key + ".png")},
			{"version", php(e.Version)},
			{"base", php(e.BuildImage)},
			{"image", php(e.RunImage)},
			{"supports", "[" + strings.Join(supports, ", ") + "]"},
			{"deprecated", day(e.Deprecated)},
			{"endOfLife", day(e.EndOfLife)},
		} {
			fmt.Fprintf(&b, "        '%s' => %s,\n", field[0], field[1])
		}
		b.WriteString("    ],\n")
	}
	b.WriteString("];\n")
	_, err := w.Write(b.Bytes())
	return err
}

// php writes a string in single quotes, where only the quote and the backslash
// mean something.
func php(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// WriteMarkdown writes a table for a README.
func WriteMarkdown(w io.Writer, entries []catalogue.Entry) error {
	var b bytes.Buffer
	b.WriteString("| runtime | version | image | functions run in | platforms | state |\n|---|---|---|---|---|---|\n")
	for _, e := range entries {
		run, state := "`"+e.RunImage+"`", ""
		switch {
		case e.Kind == catalogue.Base:
			run, state = "", "base"
		case e.RunImage == e.BuildImage:
			run = "the same"
		}
		if e.Deprecated != "" {
			state = strings.TrimPrefix(state+", deprecated since "+e.Deprecated, ", ")
		} else if e.EndOfLife != "" {
			state = strings.TrimPrefix(state+", end of life "+e.EndOfLife, ", ")
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s | %s |\n", sink.Markdown(e.Name), sink.Markdown(e.Version), e.BuildImage, run, strings.Join(e.Platforms, ", "), state)
	}
	_, err := w.Write(b.Bytes())
	return err
}
