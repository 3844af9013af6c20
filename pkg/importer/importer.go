// Package importer reads what builds and pushes images (scripts, bake files,
// pipelines, Dockerfiles) and the class that registers them, and makes definitions of
// them.
//
// Each kind of source has a reader, which is a package of its own and returns
// facts; a planner makes definitions of them. Nothing is run. What the sources
// disagree on, and what is not known of them, is the drift report.
package importer

import (
	"bytes"
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
	"github.com/runbake/runbake/pkg/importer/folder"
	"github.com/runbake/runbake/pkg/importer/planner"
)

// Options change what is imported.
type Options struct {
	Registry string // registry and path, instead of what scripts push to
	Name     string // of the repository: of images of which nothing else says one
	// GitConfig is the configuration of git, which says where the repository is; nil for
	// that of .git/config.
	GitConfig []byte
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
	Found       []Found // what was looked for, where no file was named
}

// Changes are the definitions as what is to be written.
func (r *Result) Changes() []changeset.File { return planner.Changes(r.Files) }

// Import reads scripts, bake files, pipelines, Dockerfiles and registry classes, and
// makes definitions of them. Names are paths from the root of the repository, of files
// or of folders; without any, everything is looked for.
func Import(fsys fs.FS, names []string, o Options) *Result {
	r := &reading{Set: &fact.Set{Texts: map[string][]byte{}}, fsys: fsys, options: o}
	names = r.named(names)
	found := r.readAll(names)
	plan := planner.Plan(fsys, found, o.Registry)
	if plan.Images == 0 && len(names) > 0 {
		found.Fail(fact.RuleNotUnderstood, fact.Start(names[0]), "There is nothing to import",
			"No build of an image was found that can be a definition.")
	}
	maps.Copy(found.Texts, plan.Sources)
	return &Result{
		Files: plan.Files, Images: plan.Images,
		Notes:       slices.Concat(found.Notes, plan.Notes),
		Diagnostics: once(diag.Sort(slices.Concat(found.Diagnostics, plan.Diagnostics))),
		Sources:     found.Texts,
		Found:       r.found,
	}
}

// kinds of files that are no scripts, by how their names end.
var kinds = map[string]string{
	".toml": "a file of TOML", ".md": "a text",
	".py": "a program in Python", ".js": "a program in JavaScript", ".ts": "a program in TypeScript",
	".rb": "a program in Ruby", ".go": "a program in Go", ".pl": "a program in Perl",
	".ps1": "a script for PowerShell", ".psm1": "a script for PowerShell", ".bat": "a script for Windows", ".cmd": "a script for Windows",
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
	if what := folder.Other(src.Name); what != "" {
		return what
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

// Empty reports that nothing was found to read.
func (r *Result) Empty() bool {
	return !slices.ContainsFunc(r.Found, func(f Found) bool { return f.Why == "" })
}

// Blocked reports that nothing may be written: there is nothing, or a file of
// that name.
func (r *Result) Blocked() bool {
	return len(r.Files) == 0 || slices.ContainsFunc(r.Diagnostics, func(d *hcl.Diagnostic) bool {
		f, ok := d.Extra.(fact.Finding)
		return ok && f.Rule == fact.RuleExists
	})
}
