package catalogue

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// contexts evaluates named contexts, by the names under which BuildKit looks for
// them.
func (r *resolver) contexts(c *Catalogue, s *scope) map[string]string {
	m := map[string]string{}
	for _, item := range items(s.given.Contexts) {
		e := entry{key: item.Key, at: item.Value.Range()}
		if base, is := r.baseImage(c, item.Value); is {
			if base == "" {
				continue
			}
			e.value = dockerfile.ImageScheme + base
		} else if text, ok := r.text(s, item.Value); ok {
			e.value = text
		} else {
			continue
		}
		good := r.contextName(e, s.contexts)
		s.contexts = append(s.contexts, e)
		if !good || !r.contextValue(e) {
			continue
		}
		if dockerfile.KindOf(e.value) == dockerfile.FolderContext {
			e.value = path.Clean(e.value)
		}
		m[dockerfile.ContextName(e.key.Value)] = e.value
	}
	return m
}

// contextName checks the name of a context: BuildKit reads it as one of an
// image, so that several spellings are the same.
func (r *resolver) contextName(e entry, before []entry) bool {
	image, of := dockerfile.SplitContext(e.key.Value)
	if of != "" {
		if _, ok := r.platform(of, e.key.Range); !ok {
			return false
		}
	}
	if _, err := r.parseReference(image); err != nil {
		r.report(e.key.Range, fmt.Sprintf("Invalid context name %q", e.key.Value),
			fmt.Sprintf("BuildKit reads it as the name of an image: lower case, for example %q (%v).", "common", err))
		return false
	}
	name := dockerfile.ContextName(e.key.Value)
	if i := slices.IndexFunc(before, func(b entry) bool { return dockerfile.ContextName(b.key.Value) == name }); i >= 0 {
		r.report(e.key.Range, fmt.Sprintf("Context %q is there twice", name),
			fmt.Sprintf("BuildKit reads %q at %s as the same name. Remove one of the two.", before[i].key.Value, diag.Place(before[i].key.Range)))
		return false
	}
	return true
}

// contextValue checks what a named context is.
func (r *resolver) contextValue(e entry) bool {
	switch dockerfile.KindOf(e.value) {
	case dockerfile.ImageContext:
		ref, whole := strings.CutPrefix(e.value, dockerfile.ImageScheme)
		if !whole {
			r.report(e.at, fmt.Sprintf("Invalid context %q", e.value), fmt.Sprintf("Write %s<image>.", dockerfile.ImageScheme))
			return false
		}
		return ref == scratch || r.checkImage(ref, e.at)
	case dockerfile.LayoutContext:
		return r.inside(definition.String{Value: dockerfile.Layout(e.value), Range: e.at}, dockerfile.Layout(e.value), "contexts")
	case dockerfile.RemoteContext:
		return r.remote(definition.String{Value: e.value, Range: e.at}, true)
	case dockerfile.TargetContext:
		r.report(e.at, fmt.Sprintf("Invalid context %q", e.value),
			`Definitions name images of this repository, not targets: write base.<key>["<version>"], or docker-image:// and the name of the image.`)
		return false
	case dockerfile.FolderContext:
	}
	return r.folder(definition.String{Value: e.value, Range: e.key.Range}, "contexts")
}

// scratch is the image that is none.
const scratch = "scratch"

// remote checks an address that is a context.
func (r *resolver) remote(s definition.String, named bool) bool {
	err := dockerfile.CheckRemote(s.Value, named)
	if err != nil {
		r.report(s.Range, fmt.Sprintf("Invalid address %q", diag.Masked(s.Value)),
			fmt.Sprintf(`Write a git repository or what an HTTP server gives, for example "https://github.com/acme/tools.git#v1.2" (%v).`, err))
	}
	return err == nil
}

// Remote says that the main context, and the Dockerfile with it, is not in the
// repository but at an address.
func (v *Version) Remote() bool { return dockerfile.KindOf(v.Context) == dockerfile.RemoteContext }

// imageOf is the image that a context is; "" if it is none.
func imageOf(context string) string {
	if ref, is := strings.CutPrefix(context, dockerfile.ImageScheme); is && ref != scratch {
		return ref
	}
	return ""
}

// contextImages are the images that named contexts put in the place of one that
// the Dockerfile names.
func (r *resolver) contextImages(s *scope, u dockerfile.Image) []Image {
	var images []Image
	for _, e := range s.contexts {
		name := dockerfile.ContextName(e.key.Value)
		plain, of := dockerfile.SplitContext(name)
		ref := imageOf(s.version.Contexts[name])
		if ref == "" || plain != dockerfile.ContextName(u.Ref) {
			continue
		}
		image := Image{
			Ref: ref, Name: r.canonical(ref), Context: name, Root: u.Root, Range: e.at,
			Platforms: u.Platforms, Machine: u.Machine, Cross: u.Cross,
		}
		if of != "" {
			if !u.Machine && !slices.Contains(u.Platforms, of) {
				continue
			}
			image.Platforms = []string{of}
		}
		images = append(images, image)
	}
	return images
}

// declared are the images of a build whose Dockerfile nobody can read: those that
// its definition names.
func (r *resolver) declared(s *scope) []Image {
	var images []Image
	for _, f := range s.from {
		images = append(images, Image{
			Ref: f.value, Name: r.canonical(f.value), Context: dockerfile.ContextName(f.value), Arg: f.key.Value,
			Range: f.at, Platforms: s.version.Platforms,
		})
	}
	seen := map[string]bool{}
	for _, e := range s.contexts {
		plain, _ := dockerfile.SplitContext(dockerfile.ContextName(e.key.Value))
		if !seen[plain] {
			images = append(images, r.contextImages(s, dockerfile.Image{Ref: plain, Platforms: s.version.Platforms})...)
		}
		seen[plain] = true
	}
	return images
}
