package catalogue

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/distribution/reference"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// version resolves what a version is called and where it lives. What it is
// built from comes later, when all names are known.
//
// self is the variable runtime.
func (r *resolver) version(rt *Runtime, self cty.Value, b *definition.Block, e edition, goodKey bool) *Version {
	v := &Version{
		ID: rt.Key + "-" + e.fullName(), Target: TargetName(rt.Key + "-" + e.fullName()), Name: e.fullName(), Variant: e.variant,
		Runtime: rt, Range: e.version.Range, Texts: Texts{Tags: map[string]Text{}},
	}
	s := &scope{edition: e, version: v, given: laid(b.Settings), dir: b.Dir, partial: b.Partial, checks: b.Checks}
	budgets := []*definition.Budget{r.projectBudget, b.Budget}
	for _, layer := range e.layers {
		budgets = append(budgets, layer.Budget)
		s.given = laid(s.given, layer.Settings)
		s.checks = slices.Concat(s.checks, layer.Checks)
	}
	s.ctx = &hcl.EvalContext{Variables: map[string]cty.Value{
		"runtime": self, "version": versionValue(v.ID, s.name), "variant": nameValue(e.variant), variableRoot: cty.ObjectVal(r.vars),
	}}
	r.scopes = append(r.scopes, s)

	r.days(v, e.layers)
	v.Budget = r.budget(budgets...)
	before := len(r.diags)
	if s.given.Registry != nil && r.checkRegistry(*s.given.Registry) {
		v.Registry = s.given.Registry.Value
	}
	v.Image = r.image(s)
	v.Tags = r.tags(s)
	if !goodKey || !e.named() {
		r.diags = r.diags[:before] // names made of a bad one are bad in the same way
	}
	v.Platforms = r.platforms(firstList(s.given.Platforms, r.defaults.Platforms))
	r.labels(s)
	r.paths(s)
	return v
}

func firstList(lists ...*definition.List) *definition.List {
	for _, l := range lists {
		if l != nil {
			return l
		}
	}
	return nil
}

func firstString(fallback string, given ...*definition.String) definition.String {
	for _, s := range given {
		if s != nil {
			return *s
		}
	}
	return definition.String{Value: fallback}
}

// image is the repository below the registry.
func (r *resolver) image(s *scope) string {
	expr := r.defaults.Image
	if s.version.Runtime.Kind == Base {
		expr = r.defaults.BaseImage
	}
	if s.given.Image != nil {
		expr = s.given.Image
	}
	name, ok := r.text(s, expr)
	if !ok {
		return ""
	}
	named, err := r.parseReference("localhost/" + name)
	switch {
	case err != nil:
		r.report(r.placed(s, expr.Range()), fmt.Sprintf("Invalid image name %q", name),
			fmt.Sprintf("An image name is in lower case, without registry and tag, for example %q (%v).", s.version.Runtime.Key+"-runtime", err))
	case !reference.IsNameOnly(named):
		r.report(r.placed(s, expr.Range()), fmt.Sprintf("Image name %q has a tag or digest", name), "Remove it here; tags are given by the attribute tags.")
	}
	return name
}

// tags are those of each line that the image is of.
func (r *resolver) tags(s *scope) []string {
	var tags []string
	for _, line := range s.lines() {
		for _, tag := range r.tagsOf(s, line) {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// tagsOf are the tags of a line. Those that are not about the variant get its name
// behind them.
func (r *resolver) tagsOf(s *scope, line string) []string {
	list, written := firstList(s.tags, r.defaults.Tags), line != "" && s.written != nil
	if written {
		list = s.written
	}
	var tags []string
	for _, item := range list.Items {
		named := slices.ContainsFunc(item.Variables(), func(t hcl.Traversal) bool { return t.RootName() == variantRoot })
		if named && s.variant == "" {
			r.report(r.placed(s, item.Range()), fmt.Sprintf("%s has no variant to name in a tag", s.version.ID),
				"Write the tag of the bare image without it: tags of variants have the name behind them anyway.")
			continue
		}
		tag, text, ok := r.template(s, item)
		if !ok {
			continue
		}
		if line != "" && !written && !named {
			tag, text = tag+"-"+line, text.followed("-"+line)
		}
		if !r.checkTag(tag, tags, r.placed(s, item.Range())) {
			continue
		}
		tags = append(tags, tag)
		if text != nil {
			s.version.Texts.Tags[tag] = text
		}
	}
	if len(list.Items) == 0 {
		r.report(list.Range, "No tags", `List at least one, for example ["${version.name}"].`)
	}
	return tags
}

// checkTag checks a tag that comes behind others.
func (r *resolver) checkTag(tag string, before []string, at hcl.Range) bool {
	localhost, err := r.parseReference("localhost/image")
	if err != nil {
		panic(err) // a constant
	}
	_, err = reference.WithTag(localhost, tag)
	switch {
	case err != nil:
		r.report(at, fmt.Sprintf("Invalid tag %q", tag),
			"A tag has letters, digits, dots, dashes and underscores, 128 at most, and does not start with a dot or dash.")
	case strings.HasPrefix(tag, "_"):
		r.report(at, fmt.Sprintf("Tag %q starts with an underscore", tag),
			"Those are the names of caches, which may lie in the same repository. Start it with a letter or digit.")
	case slices.Contains(before, tag):
		r.report(at, fmt.Sprintf("Tag %q is listed twice", tag), "Remove one of the two.")
	default:
		return true
	}
	return false
}

// labels are annotations as well, whose keys are written in front of an equals
// sign.
func (r *resolver) labels(s *scope) {
	labels := r.templates(s, r.defaults.Labels, s.given.Labels)
	annotations := r.templates(s, r.defaults.Annotations, s.given.Annotations)
	for what, entries := range map[string][]entry{"label": labels, "annotation": annotations} {
		for _, e := range entries {
			if e.key.Value == "" || strings.ContainsFunc(e.key.Value, func(c rune) bool { return c == '=' || unicode.IsSpace(c) || unicode.IsControl(c) }) {
				r.report(e.key.Range, fmt.Sprintf("Invalid %s %q", what, e.key.Value),
					`Its name has no spaces and equals signs, for example "org.opencontainers.image.vendor".`)
			}
			if strings.HasPrefix(e.key.Value, "dev.runbake.") {
				r.report(e.key.Range, fmt.Sprintf("The %s %q is Runbake's own", what, e.key.Value),
					"It says what an image was made of, and a push decides by it. Choose another name.")
			}
		}
	}
	v := s.version
	v.Labels, v.Texts.Labels = toMap(labels), texts(labels)
	v.Annotations, v.Texts.Annotations = toMap(annotations), texts(annotations)
}

// paths resolves the context and the Dockerfile, and checks that they exist
// inside the repository.
func (r *resolver) paths(s *scope) {
	v := s.version
	context := r.contextOf(s)
	if context.Range.Filename == "" {
		context.Range = v.Range
	}
	v.Stage = firstString("", s.given.Target).Value
	named := firstString("Dockerfile", s.given.Dockerfile)
	if named.Range.Filename == "" {
		named.Range = v.Range
	}
	if !r.mainContext(v, context) {
		return
	}
	v.Dockerfile = path.Clean(named.Value)
	if v.Remote() {
		r.inside(named, v.Dockerfile, "dockerfile")
		return
	}
	full := path.Join(v.Context, v.Dockerfile)
	if !r.inside(named, full, "dockerfile") {
		return
	}
	info, err := r.stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.report(named.Range, fmt.Sprintf("%s has no Dockerfile", v.ID), fmt.Sprintf("%s does not exist. Write it, or name another with the attribute dockerfile.", full))
	case err != nil:
		r.report(named.Range, fmt.Sprintf("Cannot read %s", full), leavesRepository(err))
	case info.IsDir():
		r.report(named.Range, fmt.Sprintf("%s is a folder", full), "The attribute dockerfile names a file.")
	case r.leaves(full):
		r.report(named.Range, fmt.Sprintf("%s is a symbolic link that leads out of its folder", full),
			"BuildKit is given the folder of the Dockerfile alone. Copy the file, or name the one that the link leads to with the attribute dockerfile.")
	}
}

// mainContext resolves what a build takes its files from: a folder, or an
// address.
func (r *resolver) mainContext(v *Version, given definition.String) bool {
	v.Context = path.Clean(given.Value)
	switch dockerfile.KindOf(given.Value) {
	case dockerfile.RemoteContext:
		v.Context = given.Value
		return r.remote(given, false)
	case dockerfile.ImageContext, dockerfile.LayoutContext, dockerfile.TargetContext:
		r.report(given.Range, fmt.Sprintf("%q is no build context", given.Value),
			"BuildKit takes a folder or an address, and no image. Give the image a name in contexts, and take from it with COPY --from=<name>.")
		return false
	case dockerfile.FolderContext:
	}
	return r.folder(given, "context")
}

// leaves reports whether BuildKit finds another file, or none, at the name of a
// Dockerfile that is there.
func (r *resolver) leaves(name string) bool {
	info, err := fs.Lstat(r.fsys, name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	dir, err := dockerfile.Follow(r.fsys, ".", path.Dir(name))
	if err != nil {
		return false // reported for the context
	}
	meant, _ := dockerfile.Follow(r.fsys, ".", name)
	found, err := dockerfile.Follow(r.fsys, dir, path.Base(name))
	return err != nil || found != meant
}

// folder checks that a path from the root names a folder in the repository.
func (r *resolver) folder(s definition.String, what string) bool {
	if !r.inside(s, s.Value, what) {
		return false
	}
	name := path.Clean(s.Value)
	info, err := r.stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.report(s.Range, fmt.Sprintf("Folder %s does not exist", name), fmt.Sprintf("The attribute %s names a folder, from the root of the repository.", what))
	case err != nil:
		r.report(s.Range, fmt.Sprintf("Cannot read folder %s", name), leavesRepository(err))
	case !info.IsDir():
		r.report(s.Range, fmt.Sprintf("%s is not a folder", name), fmt.Sprintf("The attribute %s names a folder, from the root of the repository.", what))
	default:
		return true
	}
	return false
}

// inside refuses paths that are not plain relative ones below the root. What
// symbolic links do is for the file system to refuse.
func (r *resolver) inside(s definition.String, full, what string) bool {
	clean := path.Clean(full)
	if s.Value != "" && !strings.ContainsAny(s.Value, "\\:\x00") && !path.IsAbs(s.Value) && fs.ValidPath(clean) {
		return true
	}
	r.report(s.Range, fmt.Sprintf("Path %q is not inside the repository", s.Value),
		fmt.Sprintf("The attribute %s takes a relative path with forward slashes that stays below the root of the repository.", what))
	return false
}

func leavesRepository(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Sprintf("The path must stay inside the repository, symbolic links included (%v).", err)
}
