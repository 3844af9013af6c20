package bakefile

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/util/buildflags"
	"github.com/docker/buildx/util/urlutil"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// targetScheme begins contexts that are other targets.
const targetScheme = "target:"

// builds makes events of the targets that have tags, and says of the others what
// they are.
func (r *reading) builds() {
	parents, stages := map[string]bool{}, map[string]bool{}
	for _, name := range r.names {
		for _, parent := range r.inherits[name] {
			parents[parent] = true
		}
		for _, value := range r.targets[name].Contexts {
			if stage, is := strings.CutPrefix(value, targetScheme); is {
				stages[stage] = true
			}
		}
	}
	for _, name := range r.names {
		t := r.targets[name]
		switch {
		case r.told(name), parents[name] && len(t.Tags) == 0, stages[name] && len(t.Tags) == 0:
		case len(t.Tags) == 0:
			r.untagged(t)
		case r.noImage(t):
		case parents[name] && r.namesOnly(name):
			r.say(entry{kind: asNote, text: "%s: no image, as it says what others that inherit it are called", at: r.home(name)}, t)
		default:
			r.tagged(t)
		}
	}
	for _, name := range r.names {
		for _, b := range r.blocks[name] {
			r.done[b] = true
		}
	}
}

// namesOnly reports a target that says nothing of what is built: actions set the tags of
// such ones.
func (r *reading) namesOnly(name string) bool {
	return !slices.ContainsFunc(r.blocks[name], func(b *block) bool {
		return slices.ContainsFunc([]string{"args", "context", "contexts", "dockerfile", "dockerfile-inline", "inherits", "target"},
			func(attr string) bool { _, given := b.attrs[attr]; return given })
	})
}

// told reports a target that an earlier reading has found in files that both
// share.
func (r *reading) told(name string) bool {
	return r.own != "" && !slices.ContainsFunc(r.blocks[name], func(b *block) bool { return !r.done[b] })
}

// untagged says why a target is no image.
func (r *reading) untagged(t *buildxbake.Target) {
	at := r.home(t.Name)
	if other := r.twin(t); other != nil {
		r.say(entry{
			kind: asGuess, at: r.place(t.Name, "platforms", ""),
			text: fmt.Sprintf("%%s: builds what %s does, for platforms that the image is for", other.Name),
		}, t)
		return
	}
	if r.noImage(t) {
		return
	}
	r.say(entry{
		kind: asWarning, rule: fact.RuleInexpressible, at: at, text: "%s: no tags, and so no image",
		detail: "Nothing says what its image is called, nor inherits it. It is left out. Give the target tags, and import " +
			"again.",
	}, t)
}

// noImage says of a target that makes something else than an image in a registry, or one
// that another target makes as well and that goes to Docker, or into an archive, alone.
func (r *reading) noImage(t *buildxbake.Target) bool {
	say := func(attr, why string) bool {
		r.say(entry{kind: asNote, text: "%s: no image, as " + why, at: r.place(t.Name, attr, "")}, t)
		return true
	}
	if call := deref(t.Call); call != "" && call != "build" {
		return say("call", "it calls "+call)
	}
	kinds := make([]string, 0, len(t.Outputs))
	for _, o := range t.Outputs {
		if o.Type == "image" || o.Type == "registry" {
			return false
		}
		kinds = append(kinds, o.Type)
	}
	switch {
	case len(kinds) == 0:
		return false
	case len(t.Tags) == 0:
		return say("output", "it has an output and no tags")
	case !slices.Contains(kinds, "docker") && !slices.Contains(kinds, "oci"):
		return say("output", "its output is "+strings.Join(kinds, " and "))
	}
	for _, name := range r.names {
		if o := r.targets[name]; o != t && len(o.Tags) > 0 && !slices.ContainsFunc(o.Outputs, notPushed) && alike(o, t) {
			return say("output", fmt.Sprintf("its image is that of %s, with the output %s; its tags are left out: %s", name, kinds[0],
				strings.Join(t.Tags, ", ")))
		}
	}
	return false
}

// notPushed reports an output that is none in a registry.
func notPushed(o *buildflags.ExportEntry) bool { return o.Type != "image" && o.Type != "registry" }

// alike reports targets that build the same, whatever for.
func alike(o, t *buildxbake.Target) bool {
	return deref(o.Context) == deref(t.Context) && deref(o.Dockerfile) == deref(t.Dockerfile) && deref(o.Target) == deref(t.Target) &&
		deref(o.DockerfileInline) == deref(t.DockerfileInline) && maps.Equal(derefs(o.Args), derefs(t.Args)) && maps.Equal(o.Contexts, t.Contexts)
}

// twin is a target that builds the same and has tags, where one without has the
// platforms; nil if there is none. Some files build an image for the machine
// under its name, and for all platforms with tags that come from elsewhere.
func (r *reading) twin(t *buildxbake.Target) *buildxbake.Target {
	if len(t.Platforms) == 0 {
		return nil
	}
	for _, name := range r.names {
		o := r.targets[name]
		if len(o.Tags) > 0 && len(o.Platforms) == 0 && o.DockerfileInline == nil && alike(o, t) {
			return o
		}
	}
	return nil
}

// tagged makes a build of a target.
func (r *reading) tagged(t *buildxbake.Target) {
	b := &fact.Build{Script: r.name, Range: r.home(t.Name), Named: true}
	base, good := r.paths(b, t)
	if !good || !r.contexts(b, t, base) || !r.needs(b, t) {
		return
	}
	for i, tag := range t.Tags {
		b.Tags = append(b.Tags, fact.Text{Value: tag, Range: r.element(t.Name, "tags", i, len(t.Tags))})
	}
	r.second(t)
	r.platforms(b, t)
	if t.Target != nil && *t.Target != "" {
		b.Target = &fact.Text{Value: *t.Target, Range: r.place(t.Name, "target", "")}
	}
	b.Args = r.pairs(t.Name, "args", derefs(t.Args))
	b.Labels = r.pairs(t.Name, "labels", derefs(t.Labels))
	r.annotations(b, t)
	r.outputs(b, t)
	r.rest(t)
	r.images = append(r.images, built{t, r, b})
	r.events = append(r.events, fact.Event{Build: b, Range: b.Range})
}

// second says that a service has a name which its tags, or those of what it extends, hide
// from bake. The last of several files names it.
func (r *reading) second(t *buildxbake.Target) {
	for _, block := range slices.Backward(r.blocks[t.Name]) {
		if _, given := block.attrs["tags"]; given && !block.compose {
			return // the bake file says what it is called
		}
		if block.image == "" {
			continue
		}
		if !slices.Contains(t.Tags, block.image) && r.tagsOf(t.Name, map[string]bool{}) {
			r.say(entry{
				kind: asWarning, rule: fact.RuleInexpressible, at: block.imageAt,
				text:   fmt.Sprintf("%%s: the name %s is not imported", fact.Shorten(block.image)),
				detail: "Docker Compose gives it besides tags, and bake gives tags alone. Write it into tags of the build, and import again.",
			}, t)
		}
		return
	}
}

// tagsOf reports a service whose build has tags, of its own or by what it extends.
func (r *reading) tagsOf(name string, seen map[string]bool) bool {
	if seen[name] {
		return false
	}
	seen[name] = true
	return slices.ContainsFunc(r.blocks[name], func(b *block) bool {
		return b.tagged || b.extends != "" && r.tagsOf(b.extends, seen)
	})
}

// pairs are the entries of an object, in the order of their names.
func (r *reading) pairs(name, attr string, m map[string]string) []fact.Pair {
	var all []fact.Pair
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, fact.Pair{Name: key, Value: m[key], Range: r.place(name, attr, key)})
	}
	return all
}

// platforms takes those of the target, or of one that builds the same.
func (r *reading) platforms(b *fact.Build, t *buildxbake.Target) {
	from := t
	if len(t.Platforms) == 0 {
		for _, name := range r.names {
			if o := r.targets[name]; len(o.Tags) == 0 && r.twin(o) == t {
				from = o
			}
		}
	}
	for i, written := range from.Platforms {
		at := r.element(from.Name, "platforms", i, len(from.Platforms))
		for name := range strings.SplitSeq(written, ",") {
			spec, err := platforms.Parse(strings.TrimSpace(name))
			if name == "local" {
				r.leave(t, "platforms", "local is that of the machine, which builds with LOCAL=1")
				continue
			}
			if err != nil {
				r.Fail(fact.RuleNotUnderstood, at, fmt.Sprintf("Unknown platform %q", fact.Shorten(name)),
					`Platforms are written os/architecture[/variant], for example "linux/amd64".`)
				continue
			}
			b.Platforms = append(b.Platforms, fact.Text{Value: platforms.Format(platforms.Normalize(spec)), Range: at})
		}
	}
}

// left reports a target that no definition can say.
func (r *reading) left(t *buildxbake.Target, attr, key, why, detail string) bool {
	r.say(entry{
		kind: asError, rule: fact.RuleInexpressible, at: r.place(t.Name, attr, key), text: "%s: " + why,
		detail: detail + " It is left out.",
	}, t)
	return false
}

// paths finds the context and the Dockerfile of a target. Bake takes the context
// from where it runs; some repositories run it in the folder of each file.
func (r *reading) paths(b *fact.Build, t *buildxbake.Target) (base string, good bool) {
	context, file := deref(t.Context), deref(t.Dockerfile)
	switch {
	case t.DockerfileInline != nil && *t.DockerfileInline != "":
		return "", r.left(t, "dockerfile-inline", "", "its Dockerfile stands in the bake file",
			"Definitions name files. Write it into a Dockerfile, and import again.")
	case fact.Remote(context) && !elsewhere(file) && fs.ValidPath(path.Clean(file)):
		b.Context, b.Remote = fact.Text{Value: context, Range: r.place(t.Name, "context", "")}, true
		if name := path.Clean(file); file != "" && name != "Dockerfile" {
			b.Dockerfile = &fact.Text{Value: name, Range: r.place(t.Name, "dockerfile", "")}
		}
		return ".", true
	case elsewhere(context):
		return "", r.left(t, "context", "", fmt.Sprintf("its context is %s", fact.Shorten(context)),
			"The context of a definition is a folder of the repository, or an address of git or HTTP.")
	case elsewhere(file):
		return "", r.left(t, "dockerfile", "", fmt.Sprintf("its Dockerfile is %s", fact.Shorten(file)),
			"The Dockerfile of a definition is a file of the repository.")
	}
	own := path.Dir(r.home(t.Name).Filename)
	bases := []string{".", own}
	if r.own != "" {
		bases = []string{r.own, "."}
	}
	for _, base := range bases {
		dir, name, inside := located(base, context, file)
		if info, err := fs.Stat(r.fsys, name); !inside || err != nil || info.IsDir() {
			continue
		}
		r.base(b, t, base, dir, name)
		return base, true
	}
	for _, base := range bases {
		if dir, name, inside := located(base, context, file); inside { // that it is not there, the plan says
			r.base(b, t, base, dir, name)
			return base, true
		}
	}
	attr := "context"
	if _, inside := within(context); inside {
		attr = "dockerfile"
	}
	return "", r.left(t, attr, "", "it is built from outside of the repository",
		"Contexts and Dockerfiles of definitions are in the repository.")
}

// base sets the paths that a target has from one folder.
func (r *reading) base(b *fact.Build, t *buildxbake.Target, base, dir, name string) {
	b.Context = fact.Text{Value: dir, Range: r.place(t.Name, "context", "")}
	if name != path.Join(dir, "Dockerfile") {
		b.Dockerfile = &fact.Text{Value: name, Range: r.place(t.Name, "dockerfile", "")}
	}
	if base != "." {
		r.say(entry{
			kind: asGuess, at: b.Range,
			text: "%s: paths are from the folder of the file, where the Dockerfile is",
		}, t)
	}
}

// located are a context and a Dockerfile from the root, and whether they are in
// the repository.
func located(base, context, file string) (dir, name string, inside bool) {
	context = strings.TrimPrefix(context, cwd)
	if path.IsAbs(slashed(context)) || path.IsAbs(slashed(file)) {
		return "", "", false
	}
	dir, good := within(path.Join(base, slashed(context)))
	if !good {
		return "", "", false
	}
	from := dir
	if rest, is := strings.CutPrefix(file, cwd); is {
		from, file = base, rest
	}
	name, good = within(path.Join(from, slashed(file)))
	return dir, name, good
}

func slashed(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// within is a path from the root, and whether it stays below it.
func within(p string) (string, bool) {
	p = path.Clean(p)
	return p, fs.ValidPath(p)
}

// elsewhere reports a context that is no folder.
func elsewhere(p string) bool {
	return p == "-" || strings.HasPrefix(p, targetScheme) || strings.HasPrefix(p, "docker-image:") ||
		strings.HasPrefix(p, "oci-layout:") || !strings.HasPrefix(p, cwd) && urlutil.IsRemoteURL(p)
}

// contexts sorts named contexts into folders and images.
func (r *reading) contexts(b *fact.Build, t *buildxbake.Target, base string) bool {
	for _, name := range slices.Sorted(maps.Keys(t.Contexts)) {
		value, at := t.Contexts[name], r.place(t.Name, "contexts", name)
		if stage, is := strings.CutPrefix(value, targetScheme); is {
			other := r.targets[stage]
			switch {
			case other == nil:
				return r.left(t, "contexts", name, fmt.Sprintf("its context %q is the target %s, which is not there", name, stage),
					"Bake cannot build it.")
			case len(other.Tags) == 0:
				return r.left(t, "contexts", name, fmt.Sprintf("its context %q is the target %s, which has no tags", name, stage),
					"Definitions have images, and stages of one Dockerfile. Give that target a tag, or make it a stage.")
			case named(name, other.Tags):
				continue // definitions take images of the repository from there by themselves
			}
			b.Images = append(b.Images, fact.Pair{Name: name, Value: other.Tags[0], Range: at})
			continue
		}
		if elsewhere(value) {
			if layout, is := strings.CutPrefix(value, layoutScheme); is && !path.IsAbs(layout) {
				value = layoutScheme + path.Join(base, layout)
			}
			b.Upstream = append(b.Upstream, fact.Pair{Name: name, Value: value, Range: at})
			continue
		}
		dir, inside := within(path.Join(base, slashed(strings.TrimPrefix(value, cwd))))
		if path.IsAbs(slashed(value)) || !inside {
			return r.left(t, "contexts", name, fmt.Sprintf("its context %q is outside of the repository", name),
				"Named contexts of definitions are folders of the repository.")
		}
		b.Contexts = append(b.Contexts, fact.Pair{Name: name, Value: dir, Range: at})
	}
	return true
}

// layoutScheme begins contexts that are images in a folder.
const layoutScheme = "oci-layout://"

// named reports that a context is called as an image: BuildKit compares names in
// full.
func named(context string, tags []string) bool {
	full := func(ref string) string {
		named, err := reference.ParseNormalizedNamed(ref)
		if err != nil {
			return ""
		}
		return reference.TagNameOnly(named).String()
	}
	name := full(context)
	return name != "" && slices.ContainsFunc(tags, func(tag string) bool { return full(tag) == name })
}
