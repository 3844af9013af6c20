package pipeline

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

func (r *reader) stat(name string) (fs.FileInfo, error) { return fs.Stat(r.fsys, name) }

// ignoredInputs say how to build, and not what.
var ignoredInputs = []string{
	"attests", "builder", "cache-from", "cache-to", "cgroup-parent", "github-token", "no-cache", "no-cache-filters",
	"provenance", "pull", "sbom", "buildx-version", "install", "debug", "project", "token", "save", "lint", "buildx-fallback", "nofallback",
}

// knownInputs are read.
var knownInputs = []string{
	"add-hosts", "allow", "annotations", "build-args", "build-contexts", "call", "context", "file", "labels", "load", "network", "outputs", "platforms",
	"push", "secret-envs",
	"secret-files", "secrets", "shm-size", "ssh", "tags", "target", "ulimit",
}

// buildPush is the build of docker/build-push-action; nil if it cannot be known.
func (r *reader) buildPush(st *step, uses *yaml.Node) *fact.Build {
	at := r.place(uses)
	b := &fact.Build{Script: r.source.Name, Range: at, Arms: st.arms, Named: true}
	for _, e := range entries(st.with) {
		switch {
		case slices.Contains(knownInputs, e.key):
		case !slices.Contains(ignoredInputs, e.key):
			r.warn(fact.RuleNotUnderstood, r.place(e.at), fmt.Sprintf("Unknown input %q", fact.Shorten(e.key)),
				"docker/build-push-action has no such input that is known here. It is left out.")
		case !r.ignored[e.key]:
			r.ignored[e.key] = true
			r.warn(fact.RuleIgnored, r.place(e.at), fmt.Sprintf("The input %s is not imported", e.key),
				"It says how to build, and not what. Caches and attestations are said in runbake.hcl.")
		}
	}
	if r.noImage(st) || !r.context(st, b, at) {
		return nil
	}
	b.Push = st.value("push") != "false" && (st.value("push") != "" || strings.Contains(st.value("outputs"), "push"))
	b.Tags = st.list("tags", true)
	r.platforms(st, b)
	if m := st.input("target"); m.Len() > 0 {
		b.Target = &fact.Text{Value: strings.TrimSpace(m.String()), Range: m.Whole()}
	}
	b.Args = r.pairs(st, "build-args")
	b.Labels = r.pairs(st, "labels")
	r.annotations(st, b)
	r.contexts(st, b)
	r.needs(st, b)
	for _, o := range st.list("outputs", false) {
		r.output(b, o)
	}
	b.Loaded = !b.Push && strings.EqualFold(st.value("load"), "true")
	if !r.settle(b) {
		return nil
	}
	return b
}

// noImage says of a build that it makes something else than an image.
func (r *reader) noImage(st *step) bool {
	leave := func(at hcl.Range, why string) bool {
		r.note(fact.Note{Range: at, Kind: fact.LeftOut, Text: "a build: " + why})
		return true
	}
	if call := st.value("call"); call != "" && call != "build" && dynamic(r, call) == "" {
		return leave(st.input("call").Whole(), fmt.Sprintf("it calls %s, and makes no image", call))
	}
	outputs := st.input("outputs").listed(false)
	for _, o := range outputs {
		of := strings.Split(strings.ReplaceAll(o.Value, `"`, ""), ",")
		if slices.ContainsFunc(of, func(a string) bool {
			return slices.Contains([]string{"type=image", "type=registry", "type=docker", "type=oci"}, a)
		}) || dynamic(r, o.Value) != "" {
			return false
		}
	}
	push := st.value("push")
	if len(outputs) == 0 || push != "" && push != "false" {
		return false
	}
	return leave(outputs[0].Range, fmt.Sprintf("the output %s is no image in a registry", fact.Shorten(r.shown(outputs[0].Value))))
}

// context finds the folder and the Dockerfile of a build.
func (r *reader) context(st *step, b *fact.Build, at hcl.Range) bool {
	b.Context = fact.Text{Value: ".", Range: at}
	if m := st.input("context"); strings.TrimSpace(m.String()) != "" {
		b.Context = fact.Text{Value: strings.TrimSpace(m.String()), Range: m.Whole()}
	}
	folder := b.Context.Value
	if _, sub, is := strings.Cut(folder, "{{defaultContext}}"); is {
		folder = or(strings.TrimPrefix(sub, ":"), ".")
	}
	m := st.input("file")
	if fact.Remote(folder) && dynamic(r, folder) == "" {
		b.Remote = true
		return r.remoteFile(b, m)
	}
	name, good := r.path(b.Context, folder, "context")
	if !good {
		return false
	}
	b.Context.Value = name
	if file := strings.TrimSpace(m.String()); file != "" {
		text := fact.Text{Value: file, Range: m.Whole()}
		found, good := r.path(text, file, "Dockerfile")
		if !good {
			return false
		}
		if _, err := r.stat(found); err != nil { // of a context that git has, it is from there
			if _, err := r.stat(path.Join(name, found)); err == nil {
				found = path.Join(name, found)
			}
		}
		if found != path.Join(name, "Dockerfile") {
			b.Dockerfile = &fact.Text{Value: found, Range: text.Range}
		}
	}
	return true
}

// remoteFile is the Dockerfile of a build whose context is an address: it is from there.
func (r *reader) remoteFile(b *fact.Build, m *mapped) bool {
	file := strings.TrimSpace(m.String())
	if file == "" {
		return true
	}
	text := fact.Text{Value: file, Range: m.Whole()}
	name, good := r.path(text, file, "Dockerfile")
	text.Value = name
	if good && name != "Dockerfile" {
		b.Dockerfile = &text
	}
	return good
}

// path is a path of the repository.
func (r *reader) path(written fact.Text, name, what string) (string, bool) {
	if why := dynamic(r, name); why != "" {
		r.fail(fact.RuleNotUnderstood, written.Range, fmt.Sprintf("Which %s it is, is not known", what), sentence(why)+" The build is left out.")
		return "", false
	}
	clean := path.Clean(name)
	if strings.Contains(name, "://") || strings.HasPrefix(name, "git@") || path.IsAbs(clean) || !fs.ValidPath(clean) {
		r.fail(fact.RuleInexpressible, written.Range, fmt.Sprintf("The %s %s is not in the repository", what, fact.Shorten(name)),
			"A definition has a folder of the repository. The build is left out.")
		return "", false
	}
	return clean, true
}

func (r *reader) platforms(st *step, b *fact.Build) {
	for _, p := range st.list("platforms", true) {
		spec, err := platforms.Parse(p.Value)
		why := r.why(p.Value)
		if err != nil || why != "" || p.Value == "local" {
			r.fail(fact.RuleNotUnderstood, p.Range, fmt.Sprintf("Unknown platform %q", fact.Shorten(r.shown(p.Value))),
				or(sentence(why), `Platforms are written os/architecture[/variant], for example "linux/amd64".`))
			continue
		}
		p.Value = platforms.Format(platforms.Normalize(spec))
		if !slices.ContainsFunc(b.Platforms, func(o fact.Text) bool { return o.Value == p.Value }) {
			b.Platforms = append(b.Platforms, p)
		}
	}
}

// pairs is an input of lines name=value.
func (r *reader) pairs(st *step, input string) []fact.Pair {
	var all []fact.Pair
	for _, line := range st.list(input, false) {
		name, value, given := strings.Cut(line.Value, "=")
		if !given {
			r.fail(fact.RuleNotUnderstood, line.Range, fmt.Sprintf("Not understood: %s of %s", fact.Shorten(r.shown(line.Value)), input),
				"Write name=value. It is left out.")
			continue
		}
		all = append(slices.DeleteFunc(all, func(p fact.Pair) bool { return p.Name == name }), fact.Pair{Name: name, Value: value, Range: line.Range})
	}
	return all
}

// annotations are those of the input, wherever in the index they are.
func (r *reader) annotations(st *step, b *fact.Build) {
	for _, line := range st.list("annotations", false) {
		if _, ok := b.Annotate(line.Value, line.Range); !ok {
			r.fail(fact.RuleNotUnderstood, line.Range, fmt.Sprintf("Not understood: %s of annotations", fact.Shorten(r.shown(line.Value))),
				"Write name=value. It is left out.")
		}
	}
}

// contexts are named contexts.
func (r *reader) contexts(st *step, b *fact.Build) {
	for _, p := range r.pairs(st, "build-contexts") {
		if strings.Contains(p.Value, "://") || strings.HasPrefix(p.Value, "git@") {
			b.Upstream = append(b.Upstream, p)
			continue
		}
		if name, good := r.path(fact.Text{Value: p.Value, Range: p.Range}, p.Value, "context"); good {
			p.Value = name
			b.Contexts = append(b.Contexts, p)
		}
	}
}

// needs are what steps need besides files.
func (r *reader) needs(st *step, b *fact.Build) {
	for _, s := range st.list("secrets", false) {
		name, _, given := strings.Cut(s.Value, "=")
		if !given || name == "" {
			continue // a further line of a value
		}
		b.Secrets = append(b.Secrets, fact.Pair{Name: name, Value: "env=" + variable(name), Range: s.Range})
		r.note(fact.Note{Range: s.Range, Text: fmt.Sprintf("the secret %s is in the variable %s", name, variable(name))})
	}
	for _, p := range r.pairs(st, "secret-envs") {
		b.Secrets = append(b.Secrets, fact.Pair{Name: p.Name, Value: "env=" + p.Value, Range: p.Range})
	}
	for _, p := range r.pairs(st, "secret-files") {
		b.Secrets = append(b.Secrets, fact.Pair{Name: p.Name, Value: "src=" + p.Value, Range: p.Range})
	}
	slices.SortStableFunc(b.Secrets, func(a, b fact.Pair) int { return strings.Compare(a.Name, b.Name) })
	b.SSH = st.list("ssh", false)
	b.Entitlements = st.list("allow", true)
	if m := st.input("network"); strings.TrimSpace(m.String()) != "" {
		b.Network = &fact.Text{Value: strings.TrimSpace(m.String()), Range: m.Whole()}
	}
	if m := st.input("shm-size"); strings.TrimSpace(m.String()) != "" {
		b.ShmSize = &fact.Text{Value: strings.TrimSpace(m.String()), Range: m.Whole()}
	}
	for _, h := range st.list("add-hosts", true) {
		name, ip, _ := strings.Cut(strings.Replace(h.Value, "=", ":", 1), ":")
		b.ExtraHosts = append(b.ExtraHosts, fact.Pair{Name: name, Value: ip, Range: h.Range})
	}
	b.Ulimits = r.pairs(st, "ulimit")
	slices.SortStableFunc(b.Ulimits, func(a, b fact.Pair) int { return strings.Compare(a.Name, b.Name) })
}

// variable is a name as variables of an environment have it.
func variable(name string) string {
	return strings.ToUpper(strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
			return c
		}
		return '_'
	}, name))
}

// output sees what becomes of an image.
func (r *reader) output(b *fact.Build, o fact.Text) {
	attributes := strings.Split(o.Value, ",")
	for i, a := range attributes {
		a = strings.Trim(a, `"`)
		attributes[i] = a
		if name, is := strings.CutPrefix(a, "name="); is && len(b.Tags) == 0 {
			b.Tags = append(b.Tags, fact.Text{Value: name, Range: o.Range})
		}
	}
	if slices.Contains(attributes, "push-by-digest=true") && len(b.Tags) > 0 {
		r.digests = append(r.digests, b)
	}
	b.Push = b.Push || slices.Contains(attributes, "type=registry") || slices.Contains(attributes, "push=true")
	if !slices.Contains(attributes, "type=registry") && !slices.Contains(attributes, "type=image") && !slices.Contains(attributes, "type=docker") {
		r.warn(fact.RuleIgnored, o.Range, fmt.Sprintf("The output %s is not imported", fact.Shorten(r.shown(o.Value))),
			"Definitions are of images that are pushed, or loaded into Docker.")
	}
}

// settle takes what is not known out of a build; false if no build is left.
func (r *reader) settle(b *fact.Build) bool {
	given := len(b.Tags) > 0
	var static, moving []fact.Text
	for _, t := range b.Tags {
		repo, tag := cut(t.Value)
		switch {
		case r.why(repo) != "":
			r.fail(fact.RuleNotUnderstood, t.Range, fmt.Sprintf("What the image %s is called, is not known", r.shown(t.Value)),
				sentence(r.why(repo))+" Write the name out, and import again.")
		case r.why(tag) != "":
			moving = append(moving, fact.Text{Value: repo, Range: t.Range})
			r.note(fact.Note{Range: t.Range, Kind: fact.LeftOut, Text: fmt.Sprintf("the tag %s: %s", r.shown(t.Value), r.why(tag))})
		default:
			static = append(static, t)
		}
	}
	if len(static) == 0 {
		for _, t := range moving {
			t.Value += ":latest"
			if !slices.ContainsFunc(static, func(o fact.Text) bool { return o.Value == t.Value }) {
				static = append(static, t)
				r.note(fact.Note{Range: t.Range, Text: fmt.Sprintf("the tag is %s: its own is known only when it is built", t.Value)})
			}
		}
	}
	b.Tags = static
	if !given {
		r.warn(fact.RuleInexpressible, b.Range, "The image has no name", "A definition is of an image that has one. This build is left out.")
	}
	b.Args, b.Labels = r.known(b.Args, "build argument"), r.known(b.Labels, "label")
	b.Annotations = r.known(b.Annotations, "annotation")
	if b.Target != nil && r.why(b.Target.Value) != "" {
		r.fail(fact.RuleNotUnderstood, b.Target.Range, "Which stage is built, is not known", sentence(r.why(b.Target.Value))+" The build is left out.")
		return false
	}
	return len(b.Tags) > 0
}

// known leaves out values that are otherwise each time.
func (r *reader) known(list []fact.Pair, what string) []fact.Pair {
	return slices.DeleteFunc(list, func(p fact.Pair) bool {
		why := r.why(p.Value + p.Name)
		if why != "" {
			r.warn(fact.RuleInexpressible, p.Range, fmt.Sprintf("The %s %s is not the same each time", what, r.shown(p.Name)),
				sentence(why)+" It is left out: a definition says the same each time.")
		}
		return why != ""
	})
}
