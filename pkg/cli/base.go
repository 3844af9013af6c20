package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/platform"
)

// base is an image of others, with the versions that are built from it.
type base struct {
	name     string // in full
	digest   string // when the definition pins it; a lock has nothing to add
	versions []*catalogue.Version
	asked    []string    // platforms that builds ask for, sorted
	through  []dependent // what is built on those, or run by them
}

// dependent is a version that has a base image through another of this
// repository.
type dependent struct {
	version, on *catalogue.Version
}

// bases lists the base images of all versions, sorted by name.
func bases(c *catalogue.Catalogue) []base {
	var all []base
	for _, v := range c.Versions() {
		for _, image := range v.Bases {
			name, digest := lock.Name(image.Ref)
			i := slices.IndexFunc(all, func(b base) bool { return b.name == name && b.digest == digest })
			if i < 0 {
				all = append(all, base{name: name, digest: digest})
				i = len(all) - 1
			}
			if !slices.Contains(all[i].versions, v) {
				all[i].versions = append(all[i].versions, v)
			}
			all[i].asked = append(all[i].asked, image.Platforms...)
		}
	}
	for i := range all {
		slices.Sort(all[i].asked)
		all[i].asked = slices.Compact(all[i].asked)
		all[i].follow(c)
	}
	slices.SortFunc(all, func(a, b base) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.digest, b.digest)) })
	return all
}

// follow finds what is built on the versions of a base image, or run by them.
func (b *base) follow(c *catalogue.Catalogue) {
	known := slices.Clone(b.versions)
	for i := 0; i < len(known); i++ {
		for _, v := range c.Versions() {
			on := v.Run == known[i] || slices.ContainsFunc(v.Needs, func(n catalogue.Need) bool { return n.Version == known[i] })
			if on && !slices.Contains(known, v) {
				known = append(known, v)
				b.through = append(b.through, dependent{v, known[i]})
			}
		}
	}
}

// repository and tag split the name; the tag is "" when a digest stands alone.
func (b base) repository() (repository, tag string) {
	if colon := strings.LastIndexByte(b.name, ':'); colon > strings.LastIndexByte(b.name, '/') {
		return b.name[:colon], b.name[colon+1:]
	}
	return b.name, ""
}

// readLock reads the lock, if there is one. Problems in it are diagnostics.
func (r *repository) readLock(fsys fs.FS) error {
	src, err := fs.ReadFile(fsys, lock.FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the lock: %w", err)
	}
	file, diags := lock.Parse(lock.FileName, src)
	r.lock, r.sources[lock.FileName] = file, src
	r.diags = diag.Sort(append(r.diags, diags...))
	if file != nil && !diags.HasErrors() {
		r.hidden(fsys, file)
	}
	return nil
}

// hidden adds an error for each stage that a lock would replace.
func (r *repository) hidden(fsys fs.FS, f *lock.File) {
	r.diags = diag.Sort(append(r.diags, r.catalogue.HiddenStages(func(name string) bool {
		_, locked := f.Find(name)
		return locked
	})...))
	r.addDockerfiles(fsys)
}

// checkLock adds a warning for each base image of some versions that the lock
// lacks, and for each image of the lock that nothing is built from if they are
// all; and an error for each platform that one of them wants of an image which
// the lock has for others.
func (r *repository) checkLock(versions []*catalogue.Version) {
	if r.lock == nil || r.diags.HasErrors() {
		return
	}
	used := map[string]bool{}
	warn := func(at hcl.Range, summary, detail string) {
		r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
	}
	for _, b := range bases(r.catalogue) {
		used[b.name] = used[b.name] || b.digest == ""
		at := slices.IndexFunc(b.versions, func(v *catalogue.Version) bool { return slices.Contains(versions, v) })
		if at < 0 {
			continue
		}
		if _, found := r.lock.Find(b.name); !found && b.digest == "" {
			warn(b.versions[at].Range, fmt.Sprintf("Base image %q is not in %s", lock.Familiar(b.name), lock.FileName),
				"Builds take what the registry has on the day. Run runbake lock.")
		}
	}
	for _, i := range r.lock.Images {
		if !used[i.Name] && len(versions) == len(r.catalogue.Versions()) {
			warn(i.Range, fmt.Sprintf("No version is built from %q", lock.Familiar(i.Name)), "Run runbake lock, which drops it.")
		}
	}
	r.diags = diag.Sort(append(r.diags, r.lacking(versions, nil)...))
}

// lacking reports the platforms that versions, and what they are built on, want
// of images which the lock has for others: BuildKit takes an image of one
// platform for any. built narrows them to some; nil for all.
func (r *repository) lacking(versions []*catalogue.Version, built []string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	if r.lock == nil {
		return nil
	}
	for _, v := range withNeeds(versions) {
		for _, image := range v.Bases {
			name, digest := lock.Name(image.Ref)
			locked, found := r.lock.Find(name)
			if !found || digest != "" {
				continue
			}
			has := make([]string, len(locked.Platforms))
			for i, p := range locked.Platforms {
				has[i] = p.Name
			}
			wanted := image.Platforms
			if built != nil && !image.Cross {
				wanted = slices.DeleteFunc(slices.Clone(wanted), func(p string) bool { return !slices.Contains(built, p) })
			}
			if missing := missingPlatforms(wanted, has); len(missing) > 0 {
				diags = append(diags, &hcl.Diagnostic{
					Severity: hcl.DiagError, Subject: image.Range.Ptr(),
					Summary: fmt.Sprintf("%s is built for %s, and %q has it not", v.ID, strings.Join(missing, ", "), lock.Familiar(name)),
					Detail: fmt.Sprintf("%s has that image for %s. BuildKit would take it for any platform: the result would start nowhere. "+
						"Take an image that has the platform, or remove it from platforms; if the registry has it now, run runbake lock --update.",
						lock.FileName, strings.Join(has, ", ")),
				})
			}
		}
	}
	return diags
}

// missingPlatforms are those of which there is no image. Of an image that does
// not say for what it is nothing is known.
func missingPlatforms(wanted, has []string) []string {
	if len(has) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(p string) bool {
		return slices.ContainsFunc(has, func(image string) bool { return platform.Fits(image, p) })
	})
}

// withNeeds are versions and the images of this repository that they are built
// on, each once.
func withNeeds(versions []*catalogue.Version) []*catalogue.Version {
	var all []*catalogue.Version
	todo := slices.Clone(versions)
	for len(todo) > 0 {
		v := todo[0]
		todo = todo[1:]
		if slices.Contains(all, v) {
			continue
		}
		all = append(all, v)
		for _, n := range v.Needs {
			todo = append(todo, n.Version)
		}
	}
	return all
}

// refuseLacking ends a command that would build, or publish, content of one
// platform under the name of another.
func (a *app) refuseLacking(r *repository, versions []*catalogue.Version, built []string) error {
	diags := r.lacking(versions, built)
	if len(diags) == 0 {
		return nil
	}
	r.diags = diag.Sort(append(r.diags, diags...))
	return a.usable(r)
}

// parallel is how many images registries are asked for at once.
const parallel = 8

// each does something for each of n things, several at once, and goes on when
// one fails. The errors are in the order of the things.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error {
			if errs[i] = context.Cause(ctx); errs[i] == nil {
				errs[i] = do(ctx, i)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs, in order
	return errs
}

// failed ends a command of which a part failed: each error on a line of its own,
// then what it means.
func failed(errs []error, summary string) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return &exitError{exitFailed, errors.Join(append(errs, errors.New(summary))...).Error()}
}

// short is a digest for people: enough of it to tell two apart.
func short(digest string) string {
	const kept = len("sha256:") + 12
	if digest == "" {
		return "-"
	}
	return digest[:min(len(digest), kept)]
}
