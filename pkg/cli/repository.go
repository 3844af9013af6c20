package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/repofs"
	"github.com/runbake/runbake/pkg/repository"
)

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
func (a *app) read(ctx context.Context) (*repository.Repository, error) {
	return budget.Until(ctx, func() (*repository.Repository, error) {
		fsys, err := a.open()
		if err != nil {
			return nil, err
		}
		defer fsys.Close()
		r, err := repository.Load(fsys)
		if err == nil {
			a.checkHere(r)
		}
		return r, err
	})
}

// checkHere adds what depends on today, and on this program.
func (a *app) checkHere(r *repository.Repository) {
	r.CheckDays(a.env.Now())
	r.CheckVersion(versionsOf(a.env.Build).Runbake)
}

// load reads the definitions and ends the command when they have errors.
func (a *app) load(ctx context.Context) (*repository.Repository, error) {
	r, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	return r, a.usable(r)
}

// usable ends the command when the definitions have errors.
func (a *app) usable(r *repository.Repository) error {
	if r.None() {
		return a.noProject()
	}
	if err := a.tell(r); err != nil {
		return err
	}
	if r.Diagnostics.HasErrors() {
		return &exitError{code: exitFailed}
	}
	a.tellEmpty(r)
	return nil
}

// choose reads the definitions and selects the versions that patterns name.
func (a *app) choose(ctx context.Context, patterns []string) (*repository.Repository, []*catalogue.Version, error) {
	r, err := a.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	versions, err := r.Catalogue.Select(patterns)
	return r, versions, err
}

// tell writes the diagnostics to stderr.
func (a *app) tell(r *repository.Repository) error {
	if len(r.Diagnostics) == 0 {
		return nil
	}
	if err := diag.WriteText(a.env.Stderr, r.Sources, r.Diagnostics, diag.TextOptions{Color: a.env.Color}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.env.Stderr, "\n%s\n", diag.Summary(r.Diagnostics))
	return err
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

// refuseLacking ends a command that would build, or publish, content of one
// platform under the name of another.
func (a *app) refuseLacking(r *repository.Repository, versions []*catalogue.Version, built []string) error {
	if r.CheckPlatforms(versions, built) {
		return nil
	}
	return a.usable(r)
}

// completeRuntimes completes ids and keys. It reads the flags when it is
// called, so that --dir counts.
func (a *app) completeRuntimes(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	r, err := a.read(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, rt := range r.Catalogue.Runtimes {
		words = append(words, fmt.Sprintf("%s\tall versions of %s", rt.Key, rt.Name))
		for _, v := range rt.Versions {
			words = append(words, fmt.Sprintf("%s\t%s", v.ID, v.Title()))
		}
	}
	for _, g := range r.Catalogue.Groups {
		words = append(words, fmt.Sprintf("%s\t%s", g.Name, cmp.Or(g.Description, "group")))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
