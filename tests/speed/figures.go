package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/catalogue"
)

// Where figures of runtimes go, from the root of the repository.
const (
	figuresFile   = "docs/runtimes.json"
	benchmarkFile = "docs/benchmarks.md"
)

// figures are what was measured of the images of this repository.
type figures struct {
	Machine string   `json:"machine"`
	Date    string   `json:"date"`
	Images  []figure `json:"images"`
}

// figure is one version on one platform. Zero is what was not measured, or
// what a base has not got.
type figure struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"` // with the version
	Base         bool    `json:"base,omitempty"`
	Platform     string  `json:"platform"`
	Passed       int     `json:"passed,omitempty"` // rules of the contract
	Failed       int     `json:"failed,omitempty"`
	Compressed   int64   `json:"compressed"`       // bytes of the layers
	Uncompressed int64   `json:"uncompressed"`     // bytes of the layers
	Build        float64 `json:"build,omitempty"`  // seconds for all steps, from the base image
	Start        float64 `json:"start,omitempty"`  // seconds from launch.sh to the first answer with status 200
	One          float64 `json:"one,omitempty"`    // requests a second, one connection
	Many         float64 `json:"many,omitempty"`   // requests a second, 32 connections
	Memory       int64   `json:"memory,omitempty"` // bytes, after that
}

func readFigures(name string) (*figures, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var f figures
	return &f, json.Unmarshal(data, &f)
}

// write writes the figures, and the table made of them.
func (f *figures) write() error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(figuresFile, append(data, '\n'), 0o644); err != nil { //nolint:gosec // a document
		return err
	}
	return splice(benchmarkFile, f.details())
}

// Markers stand around the table in a document.
const (
	beginTable = "<!-- runbake:runtimes -->\n"
	endTable   = "<!-- /runbake:runtimes -->\n"
)

// splice puts a table between the markers of a document.
func splice(name, table string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	spliced, err := between(string(text), table)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, []byte(spliced), 0o644) //nolint:gosec // a document
}

func between(text, table string) (string, error) {
	before, rest, found := strings.Cut(text, beginTable)
	_, after, ended := strings.Cut(rest, endTable)
	if !found || !ended {
		return "", errors.New("the markers of the table of runtimes are missing")
	}
	return before + beginTable + "\n" + table + "\n" + endTable + after, nil
}

// find is the figure of a version on a platform; nil if there is none.
func (f *figures) find(id, platform string) *figure {
	at := slices.IndexFunc(f.Images, func(v figure) bool { return v.ID == id && v.Platform == platform })
	if at < 0 {
		return nil
	}
	return &f.Images[at]
}

// blank are figures of all versions, of which nothing was measured.
func blank(entries []catalogue.Entry) []figure {
	var images []figure
	for _, e := range entries {
		for _, platform := range e.Platforms {
			images = append(images, figure{ID: e.ID, Name: e.Name + " " + e.Version, Base: e.Kind == catalogue.Base, Platform: platform})
		}
	}
	return images
}

// details is the table of the benchmarks: a row for each version and platform.
func (f *figures) details() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, on %s.\n\n", f.Machine, f.Date)
	b.WriteString("| image | platform | contract | compressed | uncompressed | build | start to first 200 | requests/s, 1 connection | 32 connections | memory then |\n")
	b.WriteString("|---|---|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for i := range f.Images {
		v := &f.Images[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", v.Name, v.Platform, v.contract(),
			size(v.Compressed), size(v.Uncompressed), seconds(v.Build), seconds(v.Start), rate(v.One), rate(v.Many), size(v.Memory))
	}
	return b.String()
}

// contract says how many rules were held.
func (f *figure) contract() string {
	switch {
	case f.Failed > 0:
		return fmt.Sprintf("%d failed", f.Failed)
	case f.Passed == 0: // a base, or not asked
		return ""
	}
	return fmt.Sprintf("%d passed", f.Passed)
}

func size(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

func seconds(s float64) string {
	switch {
	case s == 0:
		return ""
	case s < 1:
		return fmt.Sprintf("%.0f ms", s*1000)
	}
	return fmt.Sprintf("%.1f s", s)
}

func rate(perSecond float64) string {
	if perSecond == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", perSecond)
}
