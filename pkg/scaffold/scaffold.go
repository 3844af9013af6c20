// Package scaffold decides what a new runtime, or a new version of one, starts
// from: which files are written, with what in them. It writes nothing itself.
//
// What only a person can write is text that says so, marked with [contract.Marker], and
// never code that looks as if it worked.
package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

// Layouts of the folders of a runtime.
const (
	// Family is one folder, whose versions share what is in it.
	Family = "family"
	// OneVersion is a folder for each version.
	OneVersion = "version"
)

// Options say what is asked for. A key that exists gets another version, any
// other a runtime; what is "" or nil takes a default, where there is one.
type Options struct {
	Key        string
	Version    string
	Kind       catalogue.Kind // runtimes only
	From       []string       // images, each as it is or as ARG=image
	Name       string         // runtimes only
	Entrypoint string         // runtimes only
	Run        string         // base.<key>["<version>"], or an id
	Layout     string         // runtimes only
	Platforms  []string
}

// Repository is what there is.
type Repository struct {
	Set       *definition.Set
	Catalogue *catalogue.Catalogue
	FS        fs.FS
}

// Change is what is to be written, all of it or nothing.
type Change struct {
	ID    string
	Files []changeset.File // sorted by path
	// Next says what is left to do.
	Next []string
	// folders are new: nothing may be in them.
	folders []string
}

// InTheWay is the error for files that would be overwritten, or mixed with new
// ones.
type InTheWay struct {
	ID    string
	Paths []string
}

func (e *InTheWay) Error() string {
	return fmt.Sprintf("%s is not written: this is in the way:\n  %s", e.ID, strings.Join(e.Paths, "\n  "))
}

// New decides what to write. What the library has, and nothing is said of how to write it,
// is taken from there; nil is no library. Its error names all that is wrong with the
// options, a line each, or is [InTheWay].
func New(o Options, r Repository, l *Library) (*Change, error) {
	problems := slices.Concat(texts("", catalogue.CheckKey(o.Key)), texts("", catalogue.CheckVersion(o.Version)))
	if len(problems) > 0 {
		return nil, errors.Join(problems...) // paths are made of these
	}
	c, err := plan(o, r, l)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(c.Files, func(a, b changeset.File) int { return strings.Compare(a.Path, b.Path) })
	if paths := c.inTheWay(r.FS); len(paths) > 0 {
		return nil, &InTheWay{ID: c.ID, Paths: paths}
	}
	c.Next = append(c.Next, c.proof(r.FS)...)
	return c, nil
}

// proof is what to run when everything is written. Where nothing would be tested,
// runbake test is not in it.
func (c *Change) proof(fsys fs.FS) []string {
	steps := []string{"runbake lint", "runbake generate, and commit docker-bake.hcl with the rest"}
	after := c.Over(fsys)
	set, _ := definition.Load(after) // what is wrong with it, Check says
	future, _ := catalogue.Resolve(set, after)
	for _, v := range future.Versions() {
		if v.ID == c.ID && v.Runtime.Contract == catalogue.NoContract && len(v.Checks) == 0 {
			return steps
		}
	}
	return append(steps, "runbake test "+c.ID)
}

func plan(o Options, r Repository, l *Library) (*Change, error) {
	for _, rt := range r.Catalogue.Runtimes {
		if rt.Key == o.Key {
			o, err := l.complete(o, r)
			if err != nil {
				return nil, err
			}
			return newVersion(o, r, rt)
		}
	}
	if l.wants(o) {
		return l.take(o, r)
	}
	if err := l.instead(o); err != nil {
		return nil, err
	}
	return newRuntime(o, r, l)
}

// Over is the repository as it will be.
func (c *Change) Over(fsys fs.FS) fs.FS {
	return changeset.Over(fsys, c.Files)
}

// Check loads the repository as it will be, and returns what is wrong with it,
// and the sources that the diagnostics are about.
func (c *Change) Check(fsys fs.FS) (map[string][]byte, hcl.Diagnostics) {
	after := c.Over(fsys)
	set, diags := definition.Load(after)
	_, more := catalogue.Resolve(set, after)
	sources := set.Sources
	for _, f := range c.Files {
		sources[f.Path] = f.Content
	}
	return sources, diag.Sort(append(diags, more...))
}

// inTheWay lists what is in the folders that are to be new.
func (c *Change) inTheWay(fsys fs.FS) []string {
	var paths []string
	add := func(name string) {
		if !slices.Contains(paths, name) {
			paths = append(paths, name)
		}
	}
	for _, folder := range c.folders {
		if parent := notFolder(fsys, path.Dir(folder)); parent != "" {
			add(parent)
			continue
		}
		err := fs.WalkDir(fsys, folder, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				add(name)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			add(folder)
		}
	}
	slices.Sort(paths)
	return paths
}

// notFolder returns the part of a path that exists and is no folder, or "".
func notFolder(fsys fs.FS, name string) string {
	for ; name != "."; name = path.Dir(name) {
		info, err := fs.Stat(fsys, name)
		if err == nil && !info.IsDir() || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
	return ""
}

// texts makes errors of diagnostics that have no place.
func texts(option string, diags hcl.Diagnostics) []error {
	var list []error
	for _, d := range diags {
		list = append(list, fmt.Errorf("%s%s: %s", option, d.Summary, d.Detail))
	}
	return list
}
