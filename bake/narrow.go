package bake

import (
	"slices"

	"github.com/runbake/runbake/pkg/catalogue"
)

// Narrow is the file with the targets of some versions only.
func (f *File) Narrow(versions []*catalogue.Version) *File {
	narrow := *f
	narrow.Targets = slices.DeleteFunc(slices.Clone(f.Targets), func(t Target) bool {
		return !slices.ContainsFunc(versions, func(v *catalogue.Version) bool { return v.Target == t.Name })
	})
	return &narrow
}
