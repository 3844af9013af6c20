package inputs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/dockerfile"
)

// Options say where digests come from.
type Options struct {
	// Hash is the digest of files; nil for [ReadHash].
	Hash Hash
	// Bases maps references of base images, as Dockerfiles ask for them, to
	// their digests. Of one that is not here the reference counts alone.
	Bases map[string]string
}

// Of says what goes into builds, by the names of their targets. Builds that
// others are built on must be among them. What it finds is of the platforms of
// each build: evaluate the file with PLATFORM for the id of one platform's
// image, without for that of all.
//
// It reads Dockerfiles, ignore files, and with the default Hash all files that
// the builds can see. ONBUILD instructions of images of others, and extended
// attributes of files, are not seen.
func Of(ctx context.Context, fsys fs.FS, builds []bake.Build, o Options) (map[string]*Target, error) {
	if o.Hash == nil {
		o.Hash = ReadHash(fsys)
	}
	c := &computer{
		fsys: fsys, options: o, dockerfiles: map[string]parsed{},
		listings: map[string]*listing{}, results: map[string]*Target{},
	}
	plans := make(map[string]*plan, len(builds))
	byName := make(map[string]*bake.Build, len(builds))
	for i := range builds {
		byName[builds[i].Name] = &builds[i]
	}
	for i := range builds {
		p, err := c.plan(&builds[i], byName)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", builds[i].Name, err)
		}
		plans[p.build.Name] = p
	}
	listings := make([]*listing, 0, len(c.listings))
	for _, key := range slices.Sorted(maps.Keys(c.listings)) {
		listings = append(listings, c.listings[key])
	}
	if err := list(ctx, fsys, listings, o.Hash); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		if _, err := c.target(plans, name, nil); err != nil {
			return nil, err
		}
	}
	return c.results, nil
}

// computer holds what builds share.
type computer struct {
	fsys        fs.FS
	options     Options
	dockerfiles map[string]parsed // by name, or by their text if it is inline
	listings    map[string]*listing
	results     map[string]*Target
}

// plan is a build and the folders that it takes from, which are listed later.
type plan struct {
	build    *bake.Build
	file     Component // the Dockerfile
	contexts map[string]*listing
}

func (c *computer) plan(b *bake.Build, all map[string]*bake.Build) (*plan, error) {
	p := &plan{build: b, contexts: map[string]*listing{}}
	if b.Inline == "" && dockerfile.KindOf(b.Context) == dockerfile.RemoteContext {
		return p, c.planRemote(p)
	}
	name, d, err := c.dockerfileOf(b)
	if err != nil {
		return nil, err
	}
	triggers, err := c.triggers(b, all)
	if err != nil {
		return nil, err
	}
	p.file = Component{Kind: KindDockerfile, Value: name, Digest: d.digest}
	if len(triggers) > 0 {
		d.File = d.With(triggers)
	}
	taken := d.Contexts(b.Stage, b.Args, b.Platforms, slices.Sorted(maps.Keys(b.Contexts)))
	for _, context := range slices.Sorted(maps.Keys(taken)) {
		dir := b.Contexts[context]
		var ignores []string
		if context == dockerfile.MainContext {
			dir = b.Context
			if b.Inline == "" {
				ignores = append(ignores, name+".dockerignore")
			}
		} else if !local(dir) {
			continue
		}
		if err := c.list(p, context, dir, taken[context], ignores...); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// planRemote plans a build whose Dockerfile is not here: nobody knows what it
// takes from its contexts, so that all of them count.
func (c *computer) planRemote(p *plan) error {
	name := cmp.Or(p.build.Dockerfile, "Dockerfile")
	p.file = Component{Kind: KindDockerfile, Value: name, Digest: text(name)}
	for _, context := range slices.Sorted(maps.Keys(p.build.Contexts)) {
		if dir := p.build.Contexts[context]; local(dir) {
			if err := c.list(p, context, dir, []string{"."}); err != nil {
				return err
			}
		}
	}
	return nil
}

// list has paths of a folder listed, but for what ignore files leave out.
func (c *computer) list(p *plan, context, dir string, paths []string, ignores ...string) error {
	patterns, err := ignored(c.fsys, append(ignores, path.Join(dir, ".dockerignore"))...)
	if err != nil {
		return err
	}
	l := &listing{dir: path.Clean(dir), ignore: patterns, paths: paths}
	if shared := c.listings[l.key()]; shared != nil {
		l = shared
	}
	c.listings[l.key()] = l
	p.contexts[context] = l
	return nil
}

// dockerfileOf reads the Dockerfile of a build.
func (c *computer) dockerfileOf(b *bake.Build) (name string, d parsed, err error) {
	name = b.DockerfilePath()
	if b.Inline != "" {
		name = "inline"
	}
	d, err = c.dockerfile(name, b.Inline)
	return name, d, err
}

// triggers are the ONBUILD instructions of images of the repository that a build
// is built on, by the names of their contexts.
func (c *computer) triggers(b *bake.Build, all map[string]*bake.Build) (map[string][]string, error) {
	triggers := map[string][]string{}
	for name, context := range b.Contexts {
		target, is := strings.CutPrefix(context, "target:")
		base := all[target]
		if !is || base == nil || !local(base.Context) {
			continue // the first is reported where it is needed
		}
		_, d, err := c.dockerfileOf(base)
		if err != nil {
			return nil, err
		}
		if left := d.Triggers(base.Stage); len(left) > 0 {
			triggers[name] = left
		}
	}
	return triggers, nil
}

// local says whether a context is a folder.
func local(context string) bool { return dockerfile.KindOf(context) == dockerfile.FolderContext }

// reference is a context that is an image or an address: what it says, not what
// is there. Of an image in a folder of the repository the index says what it is.
func (c *computer) reference(name, value string) Component {
	r := Component{Kind: KindReference, Name: name, Value: value, Digest: text(value)}
	if dockerfile.KindOf(value) == dockerfile.LayoutContext && !strings.Contains(value, "@sha256:") {
		if index, err := fs.ReadFile(c.fsys, path.Join(dockerfile.Layout(value), "index.json")); err == nil {
			r.Digest = text(value + "\n" + string(index))
		}
	}
	return r
}

// parsed is a Dockerfile and the hash of its text.
type parsed struct {
	*dockerfile.File
	digest string
}

// dockerfile reads and parses a Dockerfile, once for all that share it.
func (c *computer) dockerfile(name, inline string) (parsed, error) {
	key := cmp.Or(inline, name)
	if d, done := c.dockerfiles[key]; done {
		return d, nil
	}
	src := []byte(inline)
	if inline == "" {
		var err error
		if src, err = dockerfile.Read(c.fsys, name); err != nil {
			return parsed{}, err
		}
	}
	file, diags := dockerfile.Parse(name, src)
	if diags.HasErrors() {
		return parsed{}, diags
	}
	d := parsed{file, text(string(src))}
	c.dockerfiles[key] = d
	return d, nil
}

// target computes a target after those that it is built on. way is how it was
// come to.
func (c *computer) target(plans map[string]*plan, name string, way []string) (*Target, error) {
	if t := c.results[name]; t != nil {
		return t, nil
	}
	p := plans[name]
	switch {
	case p == nil && len(way) > 0:
		return nil, fmt.Errorf("%s is built on %s, which is not among the builds", way[len(way)-1], name)
	case p == nil:
		return nil, errors.New("no such target: " + name)
	case slices.Contains(way, name):
		return nil, fmt.Errorf("%s is built on itself", name)
	}
	components, err := c.contexts(plans, p, append(slices.Clone(way), name))
	if err != nil {
		return nil, err
	}
	components = append(components, p.file, Component{Kind: KindFormat, Value: format, Digest: text(format)})
	components = append(components, c.settings(p.build)...)
	slices.SortStableFunc(components, compareComponents)
	t := &Target{Name: name, ID: id(components), Components: components}
	c.results[name] = t
	return t, nil
}

// contexts are the components of all that is taken from elsewhere.
func (c *computer) contexts(plans map[string]*plan, p *plan, way []string) ([]Component, error) {
	var components []Component
	for _, name := range slices.Sorted(maps.Keys(p.contexts)) {
		l := p.contexts[name]
		components = append(components, Component{Kind: KindContext, Name: name, Value: l.dir, Digest: l.digest, Files: l.files})
	}
	for _, name := range slices.Sorted(maps.Keys(p.build.Contexts)) {
		value := p.build.Contexts[name]
		if target, ok := strings.CutPrefix(value, "target:"); ok {
			t, err := c.target(plans, target, way)
			if err != nil {
				return nil, err
			}
			components = append(components, Component{Kind: KindImage, Name: name, Value: cmp.Or(plans[target].build.ID, target), Digest: t.ID})
		} else if !local(value) {
			components = append(components, c.reference(name, value))
		}
	}
	if !local(p.build.Context) {
		components = append(components, c.reference("", p.build.Context))
	}
	return components, nil
}

// settings are the components that are written in the definition.
func (c *computer) settings(b *bake.Build) []Component {
	var components []Component
	add := func(kind Kind, name, value string) {
		components = append(components, Component{Kind: kind, Name: name, Value: value, Digest: text(value)})
	}
	bases := map[string]bool{} // arguments that hold one
	for _, base := range b.Bases {
		name, value := base.Ref, base.Ref
		if base.Arg != "" && b.Args[base.Arg] == base.Ref {
			name, bases[base.Arg] = base.Arg, true
		}
		if known := c.options.Bases[base.Ref]; known != "" {
			value += "@" + known
		}
		same := func(c Component) bool { return c.Kind == KindBase && c.Name == name }
		if !slices.ContainsFunc(components, same) { // several contexts may be one image
			add(KindBase, name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Args)) {
		if !bases[name] {
			add(KindArgument, name, b.Args[name])
		}
	}
	for _, platform := range slices.Sorted(slices.Values(b.Platforms)) {
		add(KindPlatform, platform, platform)
	}
	// Not those of the build: they have the revision, which changes always.
	for _, name := range slices.Sorted(maps.Keys(b.Target.Labels)) {
		add(KindLabel, name, b.Target.Labels[name])
	}
	for _, name := range slices.Sorted(maps.Keys(b.Target.Annotations)) {
		add(KindAnnotation, name, b.Target.Annotations[name])
	}
	if b.Stage != "" {
		add(KindStage, "", b.Stage)
	}
	for _, setting := range machine(b) {
		add(KindSetting, setting[0], setting[1])
	}
	for _, attest := range b.Attest {
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(attest)) {
			pairs = append(pairs, key+"="+attest[key])
		}
		add(KindAttestation, attest["type"], strings.Join(pairs, ","))
	}
	return components
}

// Reach narrows builds to some targets and all that they are built on.
func Reach(builds []bake.Build, names []string) []bake.Build {
	wanted := map[string]bool{}
	todo := slices.Clone(names)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if wanted[name] {
			continue
		}
		wanted[name] = true
		if i := slices.IndexFunc(builds, func(b bake.Build) bool { return b.Name == name }); i >= 0 {
			for _, context := range builds[i].Contexts {
				if target, ok := strings.CutPrefix(context, "target:"); ok {
					todo = append(todo, target)
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(builds), func(b bake.Build) bool { return !wanted[b.Name] })
}

// machine are the settings of a build that change what its steps see, or how the
// image is written. Secrets and agents are none: BuildKit's cache knows nothing
// of them either.
func machine(b *bake.Build) [][2]string {
	settings := [][2]string{{"network", b.Network}, {"ulimits", strings.Join(b.Ulimits, " ")}, {"shm-size", b.ShmSize}}
	for _, name := range slices.Sorted(maps.Keys(b.ExtraHosts)) {
		settings = append(settings, [2]string{"host " + name, b.ExtraHosts[name]})
	}
	for _, output := range b.Output {
		for _, key := range []string{"compression", "compression-level", "force-compression", "oci-mediatypes"} {
			settings = append(settings, [2]string{key, output[key]})
		}
	}
	return slices.DeleteFunc(settings, func(s [2]string) bool { return s[1] == "" })
}
