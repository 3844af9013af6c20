// Package repository is a folder with definitions as it was loaded: what they
// say, the lock, and every problem of them.
package repository

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/hashicorp/hcl/v2"
	"golang.org/x/mod/module"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lock"
)

// Repository is what the definitions of a folder say.
type Repository struct {
	Set         *definition.Set
	Catalogue   *catalogue.Catalogue
	Lock        *lock.File        // nil when there is none
	Sources     map[string][]byte // of the files that diagnostics are about
	Diagnostics hcl.Diagnostics   // sorted
	none        bool
}

// None reports a folder without any definition, readable or not.
func (r *Repository) None() bool { return r.none }

func none(set *definition.Set, diags hcl.Diagnostics) bool {
	return len(set.Sources) == 0 && !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagError && d.Subject != nil
	})
}

// Load reads and resolves the definitions, and the lock. Problems in them are in
// the result; the error is for what keeps it from reading at all.
func Load(fsys fs.FS) (*Repository, error) {
	r := LoadDefinitions(fsys)
	err := r.loadLock(fsys)
	return r, err
}

// LoadDefinitions is [Load] without the lock.
func LoadDefinitions(fsys fs.FS) *Repository {
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	r := &Repository{Set: set, Catalogue: c, Sources: set.Sources, none: none(set, diags)}
	r.Add(append(diags, more...))
	r.ReadSources(fsys)
	return r
}

// Add adds problems.
func (r *Repository) Add(diags hcl.Diagnostics) {
	r.Diagnostics = diag.Sort(append(r.Diagnostics, diags...))
}

// ReadSources reads the sources of diagnostics that are about other files than
// definitions, so that they can be shown.
func (r *Repository) ReadSources(fsys fs.FS) {
	for _, d := range r.Diagnostics {
		if d.Subject == nil || r.Sources[d.Subject.Filename] != nil {
			continue
		}
		if src, err := fs.ReadFile(fsys, d.Subject.Filename); err == nil {
			r.Sources[d.Subject.Filename] = src
		}
	}
}

// loadLock reads the lock, if there is one. Problems in it are diagnostics.
func (r *Repository) loadLock(fsys fs.FS) error {
	src, err := fs.ReadFile(fsys, lock.FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the lock: %w", err)
	}
	file, diags := lock.Parse(lock.FileName, src)
	r.Lock, r.Sources[lock.FileName] = file, src
	r.Add(diags)
	if file != nil && !diags.HasErrors() {
		r.CheckStages(fsys, file)
	}
	return nil
}

// CheckStages adds an error for each stage that a lock would replace.
func (r *Repository) CheckStages(fsys fs.FS, f *lock.File) {
	r.Add(r.Catalogue.HiddenStages(func(name string) bool {
		_, locked := f.Find(name)
		return locked
	}))
	r.ReadSources(fsys)
}

// CheckVersion adds an error when the project wants another version of runbake than
// this one. A version that is none, as of a program that somebody has built from
// source, may read everything.
func (r *Repository) CheckVersion(running string) {
	if r.Set.Project == nil || r.Set.Project.Required == nil {
		return
	}
	wanted := r.Set.Project.Required
	report := func(summary, detail string) {
		r.Add(hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &wanted.Range}})
	}
	constraint, err := semver.NewConstraint(wanted.Value)
	if err != nil {
		report(fmt.Sprintf("Invalid required_version %q", wanted.Value), `Write for example ">= 1.2" or ">= 1.2, < 2".`)
		return
	}
	constraint.IncludePrerelease = true
	have, err := semver.NewVersion(running)
	if err != nil || module.IsPseudoVersion(running) || constraint.Check(have) {
		return
	}
	report(fmt.Sprintf("This is runbake %s, and the project wants %s", running, wanted.Value),
		"Install a version that the project takes; what this one says of its definitions may be wrong.")
}

// CheckDays adds what depends on today. It is not asked of other commits: they
// had their own.
func (r *Repository) CheckDays(now time.Time) { r.Add(r.Catalogue.CheckDeprecated(now)) }

// CheckLock adds what [lock.File.Check] says of some versions.
func (r *Repository) CheckLock(versions []*catalogue.Version) {
	if r.Lock != nil && !r.Diagnostics.HasErrors() {
		r.Add(r.Lock.Check(r.Catalogue, versions))
	}
}

// CheckPlatforms adds what [lock.File.Lacking] says of what is built, or
// published, and reports whether that is nothing.
func (r *Repository) CheckPlatforms(versions []*catalogue.Version, platforms []string) (ok bool) {
	if r.Lock == nil {
		return true
	}
	diags := r.Lock.Lacking(versions, platforms)
	r.Add(diags)
	return len(diags) == 0
}

// File is the bake file of the repository, pinned as the lock says.
func (r *Repository) File() *bake.File {
	f := bake.FromCatalogue(r.Catalogue)
	if r.Lock != nil {
		f.Pin(r.Lock.Digests())
	}
	return f
}
