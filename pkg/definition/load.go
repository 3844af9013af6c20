package definition

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
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
	var files []file
	if _, err := fs.Stat(fsys, ProjectFile); !errors.Is(err, fs.ErrNotExist) {
		files = append(files, read(fsys, ProjectFile))
	}
	set := &Set{Sources: map[string][]byte{}, Folders: []string{RuntimesDir + "/*"}}
	var given []String
	for _, f := range files {
		if f.project != nil && f.project.Definitions != nil {
			given, set.Folders = f.project.Definitions, values(f.project.Definitions)
		}
	}
	names, diags := find(fsys, set.Folders, given)
	if len(files) == 0 && len(names) == 0 && len(diags) == 0 {
		diags = append(diags, nothing())
	}
	at := len(files)
	files = append(files, make([]file, len(names))...)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			files[at+i] = read(fsys, name)
			return nil
		})
	}
	_ = group.Wait() // nothing above fails: problems are diagnostics
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
	set.Partial = diags.HasErrors()
	return set, diag.Sort(diags)
}

func values(given []String) []string {
	var all []string
	for _, s := range given {
		all = append(all, s.Value)
	}
	return all
}

// file is one definition file after decoding.
type file struct {
	name    string
	src     []byte
	project *Project
	blocks  []*Block
	diags   hcl.Diagnostics
}

// find lists the definition files in folders that match patterns, in the order of
// their names, and reports folders that look like a runtime but have no
// definition. given are the patterns of the project, when it has some.
func find(fsys fs.FS, patterns []string, given []String) ([]string, hcl.Diagnostics) {
	var all []string
	var diags hcl.Diagnostics
	matched := make([][]string, len(patterns))
	for i, pattern := range patterns {
		dirs, err := folders(fsys, pattern)
		if failed, is := errors.AsType[*fs.PathError](err); is {
			diags = append(diags, unreadable(failed.Path, err))
		}
		if given != nil && err == nil && len(dirs) == 0 {
			diags = append(diags, unmatched(given[i], fmt.Sprintf("No folder matches %q", pattern),
				fmt.Sprintf("Definitions are in the %s of each folder that does. Correct it, or remove it.", RuntimeFile)))
		}
		matched[i] = dirs
		all = append(all, dirs...)
	}
	slices.Sort(all)
	names, told, found := definitions(fsys, slices.Compact(all))
	for i, dirs := range matched {
		if given != nil && len(dirs) > 0 && !slices.ContainsFunc(dirs, func(dir string) bool { return told[dir] }) {
			diags = append(diags, unmatched(given[i], fmt.Sprintf("No folder that matches %q has a %s", patterns[i], RuntimeFile),
				deeper(fsys, patterns[i], dirs)))
		}
	}
	return names, append(diags, found...)
}

// definitions lists the definition files of folders. told are the folders that have
// one, and those of which it is reported why they have none.
func definitions(fsys fs.FS, dirs []string) (names []string, told map[string]bool, diags hcl.Diagnostics) {
	told = map[string]bool{}
	for _, dir := range dirs {
		name := path.Join(dir, RuntimeFile)
		if _, err := fs.Stat(fsys, name); err == nil {
			names, told[dir] = append(names, name), true
			continue
		} else if !errors.Is(err, fs.ErrNotExist) && isDir(fsys, dir) {
			diags, told[dir] = append(diags, unreadable(name, err)), true
			continue
		}
		if _, err := fs.Stat(fsys, path.Join(dir, "Dockerfile")); err == nil {
			told[dir] = true
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning,
				Summary:  fmt.Sprintf("%s is never built", dir),
				Detail:   fmt.Sprintf("The folder has a Dockerfile but no %s. Write one, or remove the folder.", RuntimeFile),
				Subject:  &hcl.Range{Filename: path.Join(dir, "Dockerfile"), Start: hcl.InitialPos, End: hcl.InitialPos},
			})
		}
	}
	return names, told, diags
}

func unmatched(pattern String, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagWarning, Subject: pattern.Range.Ptr(), Summary: summary, Detail: detail}
}

// deeper says what to do about folders without a definition: some have theirs a folder
// further down, or under another name.
func deeper(fsys fs.FS, pattern string, dirs []string) string {
	for _, dir := range dirs {
		entries, _ := fs.ReadDir(fsys, dir) // what cannot be read has nothing to tell
		for _, e := range entries {
			if _, err := fs.Stat(fsys, path.Join(dir, e.Name(), RuntimeFile)); err == nil {
				return fmt.Sprintf("%s has one. Write %q.", path.Join(dir, e.Name()), path.Join(pattern, "*"))
			}
			if path.Ext(e.Name()) == ".hcl" {
				return fmt.Sprintf("%s is not read. Definitions are in files named %s.", path.Join(dir, e.Name()), RuntimeFile)
			}
		}
	}
	return fmt.Sprintf("Write a definition with runbake new, or correct the pattern: %q matches the folders below.", path.Join(pattern, "*"))
}

// nothing says that a folder is no repository of ours.
func nothing() *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "No definitions found",
		Detail: fmt.Sprintf("Neither %s nor %s/*/%s exists. Run this in the root of a repository of runtimes, "+
			"or name it with --dir.", ProjectFile, RuntimesDir, RuntimeFile),
	}
}

// folders are what is in the repository that matches a pattern. What a pattern
// starts with need not be there.
func folders(fsys fs.FS, pattern string) ([]string, error) {
	parent, last := path.Split(path.Clean(pattern))
	if !strings.ContainsAny(pattern, `*?[\`) {
		if _, err := fs.Stat(fsys, path.Clean(pattern)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []string{path.Clean(pattern)}, nil // what is wrong with it, reading it says
	}
	parents, err := folders(fsys, cmp.Or(strings.TrimSuffix(parent, "/"), "."))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, dir := range parents {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil && (parent == "" || !strings.ContainsAny(parent, `*?[\`)) {
			if inner, is := errors.AsType[*fs.PathError](err); is {
				err = inner.Err
			}
			return nil, &fs.PathError{Op: "readdir", Path: dir, Err: err} // else it is a file among folders
		}
		for _, e := range entries {
			hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(last, ".")
			if ok, _ := path.Match(last, e.Name()); ok && !hidden { // the pattern has been checked
				found = append(found, path.Join(dir, e.Name()))
			}
		}
	}
	return found, nil
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
