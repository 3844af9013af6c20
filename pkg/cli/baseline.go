package cli

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/baseline"
)

// readBaseline reads the baseline of a repository, and what is wrong with it. nil if
// there is none.
func (a *app) readBaseline(r *linted) (*baseline.File, hcl.Diagnostics, error) {
	fsys, err := a.open()
	if err != nil {
		return nil, nil, err
	}
	defer fsys.Close()
	src, err := readIfThere(fsys, baseline.FileName)
	if err != nil || src == nil {
		return nil, nil, err
	}
	r.Sources[baseline.FileName] = src
	f, diags := baseline.Parse(baseline.FileName, src)
	return f, diags, nil
}

// leaveOut takes out of the findings what the baseline knows. Of a run about all
// images it says what is found no more.
func (a *app) leaveOut(r *linted, all bool) error {
	f, broken, err := a.readBaseline(r)
	if err != nil || f == nil {
		return err
	}
	r.baseline = true
	if broken.HasErrors() {
		r.Add(broken)
		return nil
	}
	found := r.Diagnostics
	if !all {
		f = f.Everywhere(found)
	}
	r.Diagnostics, r.known = f.Divide(found)
	if all && !invalid(r) {
		r.Add(f.Gone(found))
	}
	return nil
}

// invalid reports errors that no rule has made: what definitions say is not known
// then, nor all that would be found.
func invalid(r *linted) bool {
	return slices.ContainsFunc(r.Diagnostics, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagError && !baseline.Ruled(d)
	})
}

// writeBaseline writes what is known from now on: all that is found if there is no
// baseline, else what of it is still found. Forced, it takes what is new as well.
func (a *app) writeBaseline(r *linted, force bool) error {
	if invalid(r) {
		fmt.Fprintf(a.env.Stderr, "%s is not written while there are errors that no rule has made\n", baseline.FileName)
		return nil
	}
	have, broken, err := a.readBaseline(r)
	if err != nil {
		return err
	}
	if broken.HasErrors() && !force {
		return nil // which is told with the findings
	}
	f := baseline.Of(r.Diagnostics)
	if have != nil && !force {
		f = have.Shrink(f)
	}
	if f.Len() == 0 {
		return a.removeBaseline(have != nil, force)
	}
	o, err := a.output(baseline.FileName, f.Encode(), count(f.Len(), "known finding"))
	if err != nil {
		return err
	}
	return a.write([]*output{o}, force)
}

// removeBaseline ends a baseline that knows nothing any more.
func (a *app) removeBaseline(there, force bool) error {
	if !there {
		fmt.Fprintf(a.env.Stderr, "nothing is found: there is no need for %s\n", baseline.FileName)
		return nil
	}
	o, err := a.output(baseline.FileName, nil, "")
	if err != nil {
		return err
	}
	if err := o.refused(forced); err != nil && !force {
		return &exitError{exitFailed, err.Error()}
	}
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	if err := fsys.Remove(baseline.FileName); err != nil {
		return err
	}
	fmt.Fprintf(a.env.Stderr, "removed %s: nothing of it is left\n", baseline.FileName)
	return nil
}
