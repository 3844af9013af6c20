package catalogue

import (
	"fmt"
	"path"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

// edition is one image of a version: the bare one, or that of a variant.
type edition struct {
	name    string // of the version
	variant string // "" for the bare one
	bare    bool   // whether it has the tags without the name of a variant
	version *definition.Version
	// layers are laid over the block, from the outside in. A variant lies over the
	// version: it says what is different from the bare image.
	layers []*definition.Version
	// tags are those without the name of the variant; written are those that are
	// given for the variant. Nil where there are none.
	tags, written *definition.List
}

// editions are the images of a version. Behind them nobody knows of variants: each is
// a version of its own.
func editions(b *definition.Block, given *definition.Version) []edition {
	tags := firstList(given.Tags, b.Tags)
	all := []edition{{name: given.Name.Value, bare: true, version: given, layers: []*definition.Version{given}, tags: tags}}
	for _, v := range b.Variants {
		if excepted(v, given.Name.Value) != nil {
			continue
		}
		e := edition{
			name: given.Name.Value, variant: v.Name.Value, bare: v.Default != nil && v.Default.Value, version: given,
			layers: []*definition.Version{given, &v.Version}, tags: tags, written: v.Tags,
		}
		for _, own := range given.Variants {
			if own.Name.Value == e.variant {
				e.layers, e.written = append(e.layers, own), firstList(own.Tags, v.Tags)
			}
		}
		all = append(all, e)
	}
	if slices.ContainsFunc(all[1:], func(e edition) bool { return e.bare }) {
		return all[1:]
	}
	return all
}

// excepted is where a variant leaves out a version; nil if it does not.
func excepted(v *definition.Variant, version string) *hcl.Range {
	i := slices.IndexFunc(v.Except, func(e definition.String) bool { return e.Value == version })
	if i < 0 {
		return nil
	}
	return &v.Except[i].Range
}

// fullName is the name that the image has among all of its runtime.
func (e edition) fullName() string {
	if e.variant == "" {
		return e.name
	}
	return e.name + "-" + e.variant
}

// named says whether names can be made of the edition's.
func (e edition) named() bool {
	return versionPattern.MatchString(e.name) && (e.variant == "" || versionPattern.MatchString(e.variant))
}

// lines are the rows of versions that the image is in: the bare one, "", and that of
// its variant. The newest of each has tags by rule.
func (e edition) lines() []string {
	switch {
	case e.variant == "":
		return []string{""}
	case e.bare:
		return []string{"", e.variant}
	}
	return []string{e.variant}
}

// contextOf is the context that a version gives. A variant that gives none has the
// folder <version>/<variant>, where there is one.
func (r *resolver) contextOf(s *scope) definition.String {
	own := slices.ContainsFunc(s.layers[1:], func(l *definition.Version) bool { return l.Context != nil })
	if s.variant != "" && !own {
		dir := path.Join(s.dir, s.name, s.variant)
		if info, err := r.stat(dir); err == nil && info.IsDir() {
			return definition.String{Value: dir}
		}
	}
	return firstString(s.dir, s.given.Context)
}

// checkVariants checks the variants of a block, and what its versions say of them.
func (r *resolver) checkVariants(rt *Runtime, b *definition.Block) {
	var names, versions []string
	for _, v := range b.Versions {
		versions = append(versions, v.Name.Value)
	}
	var standard *definition.Variant
	for _, v := range b.Variants {
		names = append(names, v.Name.Value)
		r.checkVersionName("variant", v.Name)
		r.checkExcept(rt, b, v, versions)
		if v.Default == nil || !v.Default.Value {
			continue
		}
		if standard != nil {
			r.report(v.Default.Range, fmt.Sprintf("%q has two variants that are the default", rt.Key),
				fmt.Sprintf("The other is %q at %s. One of them has the tags without a variant.", standard.Name.Value, diag.Place(standard.Range)))
		}
		standard = v
	}
	for _, given := range b.Versions {
		for _, own := range given.Variants {
			i := slices.Index(names, own.Name.Value)
			if i < 0 && !b.Partial {
				r.report(own.Name.Range, fmt.Sprintf("%q has no variant %q", rt.Key, own.Name.Value),
					fmt.Sprintf("Variants are declared in the block around the versions, and a version says what is different in its own. %s",
						suggestion(own.Name.Value, names)))
			}
			if i < 0 {
				continue
			}
			if at := excepted(b.Variants[i], given.Name.Value); at != nil {
				r.report(own.Name.Range, fmt.Sprintf("Version %q has no variant %q", given.Name.Value, own.Name.Value),
					fmt.Sprintf("It is in except at %s. Remove one of the two.", diag.Place(*at)))
			}
		}
	}
}

// checkExcept checks the versions that a variant leaves out.
func (r *resolver) checkExcept(rt *Runtime, b *definition.Block, v *definition.Variant, versions []string) {
	var seen []string
	for _, e := range v.Except {
		switch {
		case slices.Contains(seen, e.Value):
			r.report(e.Range, fmt.Sprintf("Version %q is listed twice", e.Value), "Remove one of the two.")
		case !slices.Contains(versions, e.Value) && !b.Partial:
			r.report(e.Range, fmt.Sprintf("%q has no version %q here", rt.Key, e.Value), suggestion(e.Value, versions))
		}
		seen = append(seen, e.Value)
	}
	left := func(version string) bool { return !slices.Contains(seen, version) }
	if len(versions) > 0 && !slices.ContainsFunc(versions, left) && !b.Partial {
		r.report(v.Name.Range, fmt.Sprintf("No version has the variant %q", v.Name.Value),
			"All of them are in except. Remove the block, or a version from the list.")
	}
}
