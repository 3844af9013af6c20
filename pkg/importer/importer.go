// Package importer reads the scripts and bake files that build and push images,
// and the class that registers them, and makes definitions of them.
//
// Each kind of source has a reader, which is a package of its own and returns
// facts; a planner makes definitions of them. Nothing is run. What the sources
// disagree on, and what is not known of them, is the drift report.
package importer

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/bakefile"
	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/php"
	"github.com/runbake/runbake/pkg/importer/planner"
	"github.com/runbake/runbake/pkg/importer/script"
)

// Options change what is imported.
type Options struct {
	Registry string // registry and path, instead of what scripts push to
}

// File is one definition that is to be written.
type File = planner.File

// Result is what an import comes to.
type Result struct {
	Files       []File // in the order of their names; none when there is nothing to import
	Images      int
	Notes       []fact.Note
	Diagnostics hcl.Diagnostics // sorted; each has a Finding in Extra
	Sources     map[string][]byte
}

// Changes are the definitions as what is to be written.
func (r *Result) Changes() []changeset.File { return planner.Changes(r.Files) }

// Import reads scripts, bake files and registry classes, and makes definitions of
// them. Names are paths from the root of the repository.
func Import(fsys fs.FS, names []string, o Options) *Result {
	found := readAll(fsys, names)
	plan := planner.Plan(fsys, found, o.Registry)
	if plan.Images == 0 && len(names) > 0 {
		found.Fail(fact.RuleNotUnderstood, fact.Start(names[0]), "There is nothing to import",
			"No build of an image was found that can be a definition.")
	}
	maps.Copy(found.Texts, plan.Sources)
	return &Result{
		Files: plan.Files, Images: plan.Images,
		Notes:       slices.Concat(found.Notes, plan.Notes),
		Diagnostics: diag.Sort(slices.Concat(found.Diagnostics, plan.Diagnostics)),
		Sources:     found.Texts,
	}
}

// readAll reads the files that were named, each with the reader of its kind.
func readAll(fsys fs.FS, names []string) *fact.Set {
	all := &fact.Set{Texts: map[string][]byte{}}
	var bakeFiles []*fact.File // bake reads them as one
	for _, name := range names {
		src, err := fact.Read(fsys, path.Clean(name))
		if err != nil {
			all.Fail(fact.RuleNotUnderstood, fact.Start(name), fmt.Sprintf("Cannot read %s", name),
				fmt.Sprintf("Name a file of the repository, from its root (%v).", err))
			continue
		}
		all.Texts[src.Name] = src.Text
		what := otherKind(src)
		switch {
		case what != "":
			all.Fail(fact.RuleNotUnderstood, fact.Start(src.Name), fmt.Sprintf("%s is %s", src.Name, what),
				"An import reads shell scripts, bake files in HCL, JSON and as compose, and a registry class and a table of "+
					"tests in PHP. Name the files that build the images.")
		case isBakeFile(src):
			bakeFiles = append(bakeFiles, src)
		case isPHP(src):
			found := php.Read(src)
			if all.Registry != nil && found.Registry != nil {
				found.Fail(fact.RuleNotUnderstood, fact.Start(name), "There are two registry classes",
					fmt.Sprintf("The other is %s. This one was not read.", all.Registry.Name))
				found.Tests = nil
			}
			all.Add(found)
		default:
			all.Add(script.Read(fsys, src))
		}
	}
	if len(bakeFiles) > 0 {
		all.Add(bakefile.Read(fsys, bakeFiles))
	}
	return all
}

// kinds of files that are no scripts, by how their names end.
var kinds = map[string]string{
	".toml": "a file of TOML", ".md": "a text",
	".py": "a program in Python", ".js": "a program in JavaScript", ".ts": "a program in TypeScript",
	".rb": "a program in Ruby", ".go": "a program in Go", ".pl": "a program in Perl",
	".ps1": "a script for PowerShell", ".bat": "a script for Windows", ".cmd": "a script for Windows",
}

func isBakeFile(src *fact.File) bool {
	return slices.Contains([]string{".hcl", ".json", ".yml", ".yaml"}, strings.ToLower(path.Ext(src.Name)))
}

// otherKind says what a file is that nothing reads; "" if it may be read.
func otherKind(src *fact.File) string {
	if isBakeFile(src) {
		return bakefile.Other(src)
	}
	if what := kinds[strings.ToLower(path.Ext(src.Name))]; what != "" {
		return what
	}
	base := path.Base(src.Name)
	switch {
	case strings.HasPrefix(base, "Dockerfile"), strings.HasSuffix(base, ".Dockerfile"):
		return "a Dockerfile"
	case base == "Makefile" || path.Ext(base) == ".mk":
		return "a file for make"
	}
	line, _, _ := bytes.Cut(src.Text, []byte("\n"))
	if interpreter, ok := bytes.CutPrefix(line, []byte("#!")); ok && !isPHP(src) {
		fields := strings.Fields(string(interpreter))
		if program := strings.TrimSpace(strings.Join(fields, " ")); program != "" && !shells.MatchString(program) {
			return "a script for " + path.Base(fields[len(fields)-1])
		}
	}
	return ""
}

// shells are interpreters whose scripts are read.
var shells = regexp.MustCompile(`\b(sh|bash|dash|ash|zsh|ksh|mksh)\b`)

func isPHP(src *fact.File) bool {
	return strings.HasSuffix(src.Name, ".php") || bytes.HasPrefix(bytes.TrimSpace(src.Text), []byte("<?php"))
}

// Blocked reports that nothing may be written: there is nothing, or a file of
// that name.
func (r *Result) Blocked() bool {
	return len(r.Files) == 0 || slices.ContainsFunc(r.Diagnostics, func(d *hcl.Diagnostic) bool {
		f, ok := d.Extra.(fact.Finding)
		return ok && f.Rule == fact.RuleExists
	})
}
