package cli

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/repofs"
)

// repository is what the definitions of a folder say.
type repository struct {
	catalogue *catalogue.Catalogue
	sources   map[string][]byte
	diags     hcl.Diagnostics
	lock      *lock.File // nil when there is none
	folder    string     // from the root of the git repository; "" for the root, and for none
}

// open opens the folder of --dir. All commands read it, and write to it, through
// this.
func (a *app) open() (*repofs.FS, error) {
	fsys, err := repofs.Open(a.dir)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	return fsys, nil
}

// read loads and resolves the definitions of --dir. Problems in them are in the
// result; the error is for what keeps us from reading at all.
func (a *app) read(ctx context.Context) (*repository, error) {
	return heard(ctx, func() (*repository, error) {
		fsys, err := a.open()
		if err != nil {
			return nil, err
		}
		defer fsys.Close()
		r, err := readFrom(fsys)
		if err == nil {
			a.checkDays(r)
		}
		return r, err
	})
}

// checkDays adds what depends on today. It is not asked of other commits: they
// had their own.
func (a *app) checkDays(r *repository) {
	r.diags = diag.Sort(append(r.diags, r.catalogue.CheckDeprecated(a.env.Now())...))
}

// readFrom is read for a file system.
func readFrom(fsys fs.FS) (*repository, error) {
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	r := &repository{catalogue: c, sources: set.Sources, diags: diag.Sort(append(diags, more...))}
	r.addDockerfiles(fsys)
	err := r.readLock(fsys)
	return r, err
}

// addDockerfiles reads the sources of diagnostics that are about other files
// than definitions, so that they can be shown.
func (r *repository) addDockerfiles(fsys fs.FS) {
	for _, d := range r.diags {
		if d.Subject == nil || r.sources[d.Subject.Filename] != nil {
			continue
		}
		if src, err := fs.ReadFile(fsys, d.Subject.Filename); err == nil {
			r.sources[d.Subject.Filename] = src
		}
	}
}

// load reads the definitions and ends the command when they have errors.
func (a *app) load(ctx context.Context) (*repository, error) {
	r, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	return r, a.usable(r)
}

// usable ends the command when the definitions have errors.
func (a *app) usable(r *repository) error {
	if err := a.tell(r); err != nil {
		return err
	}
	if r.diags.HasErrors() {
		return &exitError{code: exitFailed}
	}
	return nil
}

// choose reads the definitions and selects the versions that patterns name.
func (a *app) choose(ctx context.Context, patterns []string) (*repository, []*catalogue.Version, error) {
	r, err := a.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	versions, err := r.catalogue.Select(patterns)
	return r, versions, err
}

// tell writes the diagnostics to stderr.
func (a *app) tell(r *repository) error {
	if len(r.diags) == 0 {
		return nil
	}
	if err := diag.WriteText(a.env.Stderr, r.sources, r.diags, diag.TextOptions{Color: a.env.Color}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.env.Stderr, "\n%s\n", diag.Summary(r.diags))
	return err
}

// file is the bake file of the repository, pinned as the lock says.
func (r *repository) file() *bake.File {
	f := bake.FromCatalogue(r.catalogue)
	if r.lock != nil {
		f.Pin(r.lock.Digests())
	}
	return f
}

// tellStale says that the committed file is another than the one that is built.
func (a *app) tellStale(f *bake.File) error {
	o, err := a.output(bake.FileName, f.Encode(), "")
	if err != nil || o.have == nil || o.clean() {
		return err
	}
	_, err = fmt.Fprintf(a.env.Stderr, "%s is not what the definitions say: they are what is built. Run runbake generate for docker buildx bake\n", o.file())
	return err
}

// chosen narrows the targets of a bake file to those of some versions.
func chosen(f *bake.File, versions []*catalogue.Version) *bake.File {
	narrow := *f
	narrow.Targets = slices.DeleteFunc(slices.Clone(f.Targets), func(t bake.Target) bool {
		return !slices.ContainsFunc(versions, func(v *catalogue.Version) bool { return v.Target == t.Name })
	})
	return &narrow
}

// completeRuntimes completes ids and keys. It reads the flags when it is
// called, so that --dir counts.
func (a *app) completeRuntimes(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	r, err := a.read(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, rt := range r.catalogue.Runtimes {
		words = append(words, fmt.Sprintf("%s\tall versions of %s", rt.Key, rt.Name))
		for _, v := range rt.Versions {
			words = append(words, fmt.Sprintf("%s\t%s", v.ID, v.Title()))
		}
	}
	for _, g := range r.catalogue.Groups {
		words = append(words, fmt.Sprintf("%s\t%s", g.Name, cmp.Or(g.Description, "group")))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
