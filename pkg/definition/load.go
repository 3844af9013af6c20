package definition

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/text/unicode/norm"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/diag"
)

// Load reads every definition file of a repository. It goes on after a broken
// file, so that the result holds all that could be understood and the
// diagnostics, sorted by place, hold all that could not.
func Load(fsys fs.FS) (*Set, hcl.Diagnostics) {
	names, diags := find(fsys)
	files := make([]file, len(names))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			files[i] = read(fsys, name)
			return nil
		})
	}
	_ = group.Wait() // nothing above fails: problems are diagnostics

	set := &Set{Sources: make(map[string][]byte, len(files))}
	for _, f := range files {
		diags = append(diags, f.diags...)
		if f.src != nil {
			set.Sources[f.name] = f.src
		}
		if f.project != nil {
			set.Project = f.project
		}
		set.Blocks = append(set.Blocks, f.blocks...)
	}
	return set, diag.Sort(diags)
}

// file is one definition file after decoding.
type file struct {
	name    string
	src     []byte
	project *Project
	blocks  []*Block
	diags   hcl.Diagnostics
}

// find lists the definition files in the order of their names, the project's
// first, and reports folders that look like a runtime but have no definition.
func find(fsys fs.FS) ([]string, hcl.Diagnostics) {
	var names []string
	var diags hcl.Diagnostics
	if _, err := fs.Stat(fsys, ProjectFile); !errors.Is(err, fs.ErrNotExist) {
		names = append(names, ProjectFile)
	}
	entries, err := fs.ReadDir(fsys, RuntimesDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return names, append(diags, unreadable(RuntimesDir, err))
	}
	for _, e := range entries {
		dir := path.Join(RuntimesDir, e.Name())
		name := path.Join(dir, RuntimeFile)
		if _, err := fs.Stat(fsys, name); err == nil {
			names = append(names, name)
			continue
		} else if !errors.Is(err, fs.ErrNotExist) && isDir(fsys, dir) {
			diags = append(diags, unreadable(name, err))
			continue
		}
		if _, err := fs.Stat(fsys, path.Join(dir, "Dockerfile")); err == nil {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning,
				Summary:  fmt.Sprintf("%s is never built", dir),
				Detail:   fmt.Sprintf("The folder has a Dockerfile but no %s. Write one, or remove the folder.", RuntimeFile),
				Subject:  &hcl.Range{Filename: path.Join(dir, "Dockerfile"), Start: hcl.InitialPos, End: hcl.InitialPos},
			})
		}
	}
	if len(names) == 0 && len(diags) == 0 {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "No definitions found",
			Detail:   fmt.Sprintf("Neither %s nor %s/*/%s exists. Run this in the root of a repository of runtimes, or name it with --dir.", ProjectFile, RuntimesDir, RuntimeFile),
		})
	}
	return names, diags
}

func isDir(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err != nil || info.IsDir()
}

func unreadable(name string, err error) *hcl.Diagnostic {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  fmt.Sprintf("Cannot read %s", name),
		Detail:   fmt.Sprintf("%v. A definition is a regular file inside the repository; symbolic links may not lead out of it.", sentence(err)),
		Subject:  &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
	}
}

// sentence starts an error's text with a capital letter.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

func read(fsys fs.FS, name string) file {
	f := file{name: name}
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		f.diags = append(f.diags, unreadable(name, err))
		return f
	}
	f.src = src
	// A heredoc is the same text on every machine, whatever line ends git gives.
	parsed, diags := budget.ParseHCL(bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n")), name)
	f.diags = append(f.diags, diags...)
	f.diags = append(f.diags, checkNormal(name, src)...)
	if parsed == nil {
		if name == ProjectFile {
			f.project = &Project{Partial: true}
		}
		return f
	}
	d := &decoder{dir: path.Dir(name), broken: diags.HasErrors()}
	if name == ProjectFile {
		f.project = d.projectFile(parsed.Body)
	} else {
		f.blocks = d.runtimeFile(parsed.Body)
	}
	f.diags = append(f.diags, d.diags...)
	return f
}

// checkNormal warns of text that HCL will change: it normalises every string
// to Unicode's form C, so what is emitted would differ from what was written.
func checkNormal(name string, src []byte) hcl.Diagnostics {
	at := norm.NFC.QuickSpan(src)
	if at == len(src) || norm.NFC.IsNormal(src) {
		return nil
	}
	pos := position(src, at)
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning,
		Summary:  "Text is not in Unicode normal form C",
		Detail:   "HCL normalises strings, so the emitted text would differ from this. Save the file with composed characters (NFC).",
		Subject:  &hcl.Range{Filename: name, Start: pos, End: pos},
	}}
}

// position counts lines and, as an approximation of HCL's columns, code points.
func position(src []byte, at int) hcl.Pos {
	before := string(src[:at])
	line := strings.Count(before, "\n")
	last := strings.LastIndexByte(before, '\n') + 1
	return hcl.Pos{Line: line + 1, Column: len([]rune(before[last:])) + 1, Byte: at}
}
