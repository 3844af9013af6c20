package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/platform"
)

// Base is an image of others, with the versions that are built from it.
type Base struct {
	Name      string // in full
	Digest    string // when the definition pins it; a lock has nothing to add
	Versions  []*catalogue.Version
	Platforms []string    // that builds ask for, sorted
	Through   []Dependent // what is built on those versions, or run by them
}

// Dependent is a version that has a base image through another of this
// repository.
type Dependent struct {
	Version, On *catalogue.Version
}

// Bases lists the base images of all versions, sorted by name.
func Bases(c *catalogue.Catalogue) []Base {
	var all []Base
	for _, v := range c.Versions() {
		for _, image := range v.Bases {
			name, digest := Name(image.Ref)
			i := slices.IndexFunc(all, func(b Base) bool { return b.Name == name && b.Digest == digest })
			if i < 0 {
				all = append(all, Base{Name: name, Digest: digest})
				i = len(all) - 1
			}
			if !slices.Contains(all[i].Versions, v) {
				all[i].Versions = append(all[i].Versions, v)
			}
			all[i].Platforms = append(all[i].Platforms, image.Platforms...)
		}
	}
	for i := range all {
		slices.Sort(all[i].Platforms)
		all[i].Platforms = slices.Compact(all[i].Platforms)
		all[i].follow(c)
	}
	slices.SortFunc(all, func(a, b Base) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest)) })
	return all
}

// follow finds what is built on the versions of a base image, or run by them.
func (b *Base) follow(c *catalogue.Catalogue) {
	known := slices.Clone(b.Versions)
	for i := 0; i < len(known); i++ {
		for _, v := range c.Versions() {
			on := v.Run == known[i] || slices.ContainsFunc(v.Needs, func(n catalogue.Need) bool { return n.Version == known[i] })
			if on && !slices.Contains(known, v) {
				known = append(known, v)
				b.Through = append(b.Through, Dependent{v, known[i]})
			}
		}
	}
}

// Lockable are the names of base images that no definition pins.
func Lockable(c *catalogue.Catalogue) []string {
	var names []string
	for _, b := range Bases(c) {
		if b.Digest == "" {
			names = append(names, b.Name)
		}
	}
	return names
}

// Split splits the name of an image; the tag is "" when there is none.
func Split(name string) (repository, tag string) {
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[:colon], name[colon+1:]
	}
	return name, ""
}

// Check warns of each base image of some versions that the lock lacks, and, if
// they are all versions, of each image of the lock that nothing is built from. It
// reports what [File.Lacking] does as well.
func (f *File) Check(c *catalogue.Catalogue, versions []*catalogue.Version) hcl.Diagnostics {
	var diags hcl.Diagnostics
	used := map[string]bool{}
	warn := func(at hcl.Range, summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
	}
	for _, b := range Bases(c) {
		used[b.Name] = used[b.Name] || b.Digest == ""
		at := slices.IndexFunc(b.Versions, func(v *catalogue.Version) bool { return slices.Contains(versions, v) })
		if at < 0 {
			continue
		}
		if _, found := f.Find(b.Name); !found && b.Digest == "" {
			warn(b.Versions[at].Range, fmt.Sprintf("Base image %q is not in %s", Familiar(b.Name), FileName),
				"Builds take what the registry has on the day. Run runbake lock.")
		}
	}
	for _, i := range f.Images {
		if !used[i.Name] && len(versions) == len(c.Versions()) {
			warn(i.Range, fmt.Sprintf("No version is built from %q", Familiar(i.Name)), "Run runbake lock, which drops it.")
		}
	}
	return append(diags, f.Lacking(versions, nil)...)
}

// Lacking reports the platforms that versions, and what they are built on, want
// of images which the lock has for others: BuildKit takes an image of one
// platform for any. built narrows them to some; nil for all.
func (f *File) Lacking(versions []*catalogue.Version, built []string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, v := range withNeeds(versions) {
		for _, image := range v.Bases {
			name, digest := Name(image.Ref)
			locked, found := f.Find(name)
			if !found || digest != "" {
				continue
			}
			wanted := image.Platforms
			if built != nil && !image.Cross {
				wanted = slices.DeleteFunc(slices.Clone(wanted), func(p string) bool { return !slices.Contains(built, p) })
			}
			has := locked.PlatformNames()
			if missing := Missing(wanted, has); len(missing) > 0 {
				diags = append(diags, &hcl.Diagnostic{
					Severity: hcl.DiagError, Subject: image.Range.Ptr(),
					Summary: fmt.Sprintf("%s is built for %s, and %q has it not", v.ID, strings.Join(missing, ", "), Familiar(name)),
					Detail: fmt.Sprintf("%s has that image for %s. BuildKit would take it for any platform: the result would start nowhere. "+
						"Take an image that has the platform, or remove it from platforms; if the registry has it now, run runbake lock --update.",
						FileName, strings.Join(has, ", ")),
				})
			}
		}
	}
	return diags
}

// PlatformNames are the platforms that an image is for.
func (i Image) PlatformNames() []string {
	names := make([]string, len(i.Platforms))
	for n, p := range i.Platforms {
		names[n] = p.Name
	}
	return names
}

// Missing are the wanted platforms of which there is no image. Of an image that
// does not say for what it is nothing is known.
func Missing(wanted, has []string) []string {
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
