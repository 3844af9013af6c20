// Package importer reads the scripts that build and push the images of
// runtimes, and the class that registers them, and makes definitions of them.
//
// Nothing is run. Scripts are parsed and evaluated as far as what they do is
// written in them; everything else is listed with its place. The definitions
// are read back and compared with what the scripts build, and what the sources
// disagree on is the drift report.
package importer

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Options change what is imported.
type Options struct {
	Registry string // registry and path, instead of what scripts push to
}

// Note is something that no source says and that was inferred, or something that
// is not what it was.
type Note struct {
	Range hcl.Range // from what
	Text  string
	Kind  NoteKind
}

// NoteKind says what a note is about.
type NoteKind string

// What notes are about.
const (
	Inferred NoteKind = ""         // no source says it
	Renamed  NoteKind = "renamed"  // an image has another name than it had
	LeftOut  NoteKind = "left out" // something of a source is in no definition
)

// Result is what an import comes to.
type Result struct {
	Files       []File // in the order of their names; none when there is nothing to import
	Images      int
	Notes       []Note
	Diagnostics hcl.Diagnostics // sorted; each has a Finding in Extra
	Sources     map[string][]byte
}

// Import reads scripts and, among them, registry classes, and makes definitions
// of them. Names are paths from the root of the repository.
func Import(fsys fs.FS, names []string, o Options) *Result {
	f := &findings{}
	r := &Result{Sources: map[string][]byte{}}
	scripts, registry, table := sources(fsys, names, r.Sources, f, &r.Notes)
	p := &planner{
		findings: f, notes: &r.Notes, fsys: fsys, sources: r.Sources, scripts: scripts, registry: registry, table: table,
		given: o.Registry, chosen: o.Registry != "", dockerfiles: map[string]*dockerfile.File{},
	}
	p.images = gather(scripts, f, &r.Notes)
	p.plan()
	p.drift()
	files := p.loadable()
	if len(p.versions) > 0 {
		p.assumedPlatforms()
		r.Files, r.Images = files, len(p.versions)
		p.verify(r.Files)
	} else if len(names) > 0 {
		f.fail(RuleNotUnderstood, start(names[0]), "There is nothing to import", "No build of an image was found that can be a definition.")
	}
	p.existing(r.Files)
	r.Diagnostics = diag.Sort(f.diags)
	return r
}

// sources reads the files that were named, each as what it is.
func sources(fsys fs.FS, names []string, texts map[string][]byte, f *findings, notes *[]Note) (scripts []*script,
	known *registry, table *tests,
) {
	for _, name := range names {
		src, err := read(fsys, path.Clean(name))
		if err != nil {
			f.fail(RuleNotUnderstood, start(name), fmt.Sprintf("Cannot read %s", name), fmt.Sprintf("Name a script of the repository, from its root (%v).", err))
			continue
		}
		texts[src.name] = src.text
		if what := otherKind(src); what != "" {
			f.fail(RuleNotUnderstood, start(src.name), fmt.Sprintf("%s is %s", src.name, what),
				"An import reads shell scripts, a registry class and a table of tests in PHP. Name the scripts that build the images.")
			continue
		}
		if !isPHP(src) {
			scripts = append(scripts, readScript(fsys, src, texts, f, notes))
			continue
		}
		class, more := readPHP(src, f)
		if class != nil && known != nil {
			f.fail(RuleNotUnderstood, start(name), "There are two registry classes",
				fmt.Sprintf("The other is %s. This one was not read.", known.Name))
			continue
		}
		known = cmp.Or(known, class)
		if more != nil && table != nil {
			more.entries = append(table.entries, more.entries...)
		}
		table = cmp.Or(more, table)
	}
	return scripts, known, table
}

// kinds of files that are no scripts, by how their names end.
var kinds = map[string]string{
	".hcl": "a file of HCL", ".json": "a file of JSON", ".yml": "a file of YAML", ".yaml": "a file of YAML", ".toml": "a file of TOML",
	".md": "a text", ".py": "a program in Python", ".js": "a program in JavaScript", ".ts": "a program in TypeScript", ".rb": "a program in Ruby",
	".go": "a program in Go", ".pl": "a program in Perl", ".ps1": "a script for PowerShell", ".bat": "a script for Windows", ".cmd": "a script for Windows",
}

// otherKind says what a file is that is no script for a shell; "" if it may be one.
func otherKind(src *source) string {
	if what := kinds[strings.ToLower(path.Ext(src.name))]; what != "" {
		return what
	}
	base := path.Base(src.name)
	switch {
	case strings.HasPrefix(base, "Dockerfile"), strings.HasSuffix(base, ".Dockerfile"):
		return "a Dockerfile"
	case base == "Makefile" || path.Ext(base) == ".mk":
		return "a file for make"
	}
	line, _, _ := bytes.Cut(src.text, []byte("\n"))
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

func isPHP(src *source) bool {
	return strings.HasSuffix(src.name, ".php") || bytes.HasPrefix(bytes.TrimSpace(src.text), []byte("<?php"))
}

// existing reports definitions that are there already.
func (p *planner) existing(files []File) {
	for _, file := range files {
		if _, err := fs.Stat(p.fsys, file.Name); err == nil {
			p.fail(RuleExists, start(file.Name), fmt.Sprintf("%s exists", file.Name), "An import writes new definitions and changes none: nothing is written. Move it away first.")
		}
	}
}

// Blocked reports that nothing may be written: there is nothing, or a file of
// that name.
func (r *Result) Blocked() bool {
	return len(r.Files) == 0 || slices.ContainsFunc(r.Diagnostics, func(d *hcl.Diagnostic) bool {
		f, ok := d.Extra.(Finding)
		return ok && f.Rule == RuleExists
	})
}
