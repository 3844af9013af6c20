package script

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// docker evaluates a docker command.
func (e *evaluator) docker(i *invocation) {
	words := i.words[1:]
	for len(words) > 0 && strings.HasPrefix(words[0].text, "-") { // options of docker itself
		takes := slices.Contains([]string{"-c", "--context", "-H", "--host", "--config", "-l", "--log-level"},
			words[0].text)
		words = words[1:]
		if takes && len(words) > 0 {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return
	}
	if words[0].why != "" {
		e.notUnderstood(i, "Which docker command it runs is not known. "+words[0].why)
		return
	}
	verb, words := words[0].text, words[1:]
	if slices.Contains([]string{"image", "builder", "buildx", "imagetools", "manifest", "container"}, verb) {
		for len(words) > 0 && verb == "buildx" && strings.HasPrefix(words[0].text, "-") {
			skip := 1
			if words[0].text == "--builder" {
				skip = 2
			}
			words = words[min(skip, len(words)):]
		}
		if len(words) == 0 {
			return
		}
		verb, words = verb+" "+words[0].text, words[1:]
	}
	if verb == "buildx imagetools" && len(words) > 0 {
		verb, words = verb+" "+words[0].text, words[1:]
	}
	e.verb(i, verb, words)
}

func (e *evaluator) verb(i *invocation, verb string, words []word) {
	switch verb {
	case "build", "image build", "builder build", "buildx build", "buildx b":
		e.build(i, words)
	case "push", "image push":
		e.push(i, words)
	case "tag", "image tag":
		_, args := parseOptions(words, nil)
		if from, ok := e.names(i, args); ok && len(from) == 2 {
			e.script.Events = append(e.script.Events, fact.Event{Target: &from[1], From: from[:1], Range: i.at})
		} else if ok {
			e.notUnderstood(i, "docker tag takes two names.")
		}
	case "buildx imagetools create":
		e.join(i, words)
	case "manifest create":
		_, args := parseOptions(words, map[string]sort{"amend": flag, "insecure": flag})
		if names, ok := e.names(i, args); ok && len(names) > 1 {
			e.script.Events = append(e.script.Events, fact.Event{Target: &names[0], From: names[1:], Range: i.at})
		}
	case "buildx bake", "buildx f", "bake":
		e.bake(i, words)
	case "commit", "container commit", "import", "image import", "load", "image load",
		"buildx imagetools", "stack":
		e.notUnderstood(i, fmt.Sprintf("docker %s makes or moves images in a way that is not read.", verb))
	case "compose":
		if slices.ContainsFunc(words, func(w word) bool {
			return w.text == "build" || w.text == "--build" || w.text == "push" || w.why != ""
		}) {
			e.notUnderstood(i, "What docker compose builds is not read.")
		}
	}
}

// names are words that all must be known.
func (e *evaluator) names(i *invocation, words []word) ([]fact.Text, bool) {
	texts := make([]fact.Text, 0, len(words))
	for _, w := range words {
		if w.why != "" {
			e.notUnderstood(i, w.why)
			return nil, false
		}
		texts = append(texts, fact.Text{Value: w.text, Range: w.at})
	}
	return texts, true
}

func (e *evaluator) push(i *invocation, words []word) {
	options, args := parseOptions(words,
		map[string]sort{"all-tags": flag, "disable-content-trust": flag, "platform": ignoredValue, "quiet": flag})
	names, ok := e.names(i, args)
	if !ok || len(names) == 0 {
		return
	}
	if len(names) == 2 { // podman and buildah push under another name
		to := &fact.Text{Value: strings.TrimPrefix(names[1].Value, "docker://"), Range: names[1].Range}
		e.script.Events = append(e.script.Events, fact.Event{Target: to, From: names[:1], Range: i.at}, fact.Event{Push: to, Range: i.at})
		return
	}
	if slices.ContainsFunc(options, func(o option) bool { return o.name == "all-tags" || o.name == "-a" }) {
		names[0].Value += ":*"
	}
	e.script.Events = append(e.script.Events, fact.Event{Push: &names[0], Range: i.at})
}

// join is docker buildx imagetools create.
func (e *evaluator) join(i *invocation, words []word) {
	options, args := parseOptions(words, map[string]sort{
		"tag": meant, "file": meant,
		"annotation": ignoredValue, "builder": ignoredValue, "metadata-file": ignoredValue, "progress": ignoredValue,
		"append": flag, "dry-run": flag, "prefer-index": flag,
	})
	from, ok := e.names(i, args)
	for _, o := range options {
		if o.name != "tag" || !ok {
			continue
		}
		if o.value.why != "" {
			e.notUnderstood(i, o.value.why)
			continue
		}
		e.script.Events = append(e.script.Events,
			fact.Event{Target: &fact.Text{Value: o.value.text, Range: o.value.at}, From: from, Range: i.at})
	}
}

// leftOutBuild is said of a build of which too little is known.
const leftOutBuild = "This build is left out"

// build evaluates docker build.
func (e *evaluator) build(i *invocation, words []word) {
	b := &fact.Build{Script: e.script.Name, Title: i.st.title, Range: i.at, Arms: slices.Clone(i.st.arms)}
	i.st.title = nil // it was about this one
	options, args := parseOptions(words, buildOptions)
	for _, o := range options {
		e.option(i, b, o)
	}
	if v := i.env.vars["DOCKER_DEFAULT_PLATFORM"]; len(b.Platforms) == 0 && v.Set {
		e.platforms(b, word{v.Str, v.why, i.at})
	}
	args = slices.DeleteFunc(args, func(w word) bool {
		if w.why != "" {
			e.Fail(fact.RuleNotUnderstood, w.at, "Not understood: "+fact.Shorten(e.source(w.at)), w.why)
		}
		return w.why != ""
	})
	good := len(args) == 1 && e.context(i, b, args[0])
	if file := b.Dockerfile; file != nil {
		b.Dockerfile = nil
		e.dockerfile(i, b, *file)
	}
	good = good && !e.bad[b]
	switch {
	case e.bad[b]:
	case len(args) == 0:
		e.Fail(fact.RuleNotUnderstood, i.at, leftOutBuild, "Its context is not known.")
	case len(args) > 1:
		e.Fail(fact.RuleNotUnderstood, args[1].at,
			fmt.Sprintf("This build has the contexts %q and %q", args[0].text, args[1].text),
			"A build has one. It is left out.")
	case good && len(b.Tags) == 0:
		e.Fail(fact.RuleNotUnderstood, i.at, leftOutBuild, "It gives its image no name that is known.")
	case good:
		e.containerfile(i, b)
		e.script.Events = append(e.script.Events, fact.Event{Build: b, Range: i.at})
	}
}

// containerfile is the Dockerfile of all programs but docker, where nothing else is said.
func (e *evaluator) containerfile(i *invocation, b *fact.Build) {
	file := path.Join(b.Context.Value, "Containerfile")
	if _, err := fs.Stat(e.fsys, file); err == nil && b.Dockerfile == nil && path.Base(i.words[0].text) != "docker" {
		b.Dockerfile = &fact.Text{Value: file, Range: b.Context.Range}
	}
}

// source is what stands at a place.
func (e *evaluator) source(at hcl.Range) string {
	return string(e.Texts[at.Filename][at.Start.Byte:at.End.Byte])
}

// option applies one option to a build.
func (e *evaluator) option(i *invocation, b *fact.Build, o option) {
	s := buildOptions[o.name]
	switch {
	case !o.known:
		e.Fail(fact.RuleNotUnderstood, o.value.at, "Not understood: "+fact.Shorten(e.source(o.value.at)),
			cmp.Or(o.value.why, "No build has such an option that is known here."))
		return
	case s == needed || s == neededNoValue:
		e.Fail(fact.RuleInexpressible, o.value.at, fmt.Sprintf("A definition has no place for --%s", o.name),
			"The image is imported without it. Look whether it builds, and gives what it gave.")
		return
	case s == flag && o.name != "push" && o.name != "check", s == ignoredValue, o.name == "output" && o.value.why != "":
		if o.name != "load" {
			e.ignored[o.name] = append(e.ignored[o.name], o.value.at)
		}
		return
	case o.value.why != "":
		e.Fail(fact.RuleNotUnderstood, o.value.at, "Not understood: "+fact.Shorten(e.source(o.value.at)), o.value.why)
		return
	}
	value := fact.Text{Value: o.value.text, Range: o.value.at}
	switch o.name {
	case "check":
		if isTrue(o) {
			e.noImage(b, value.Range, "it checks, and makes no image")
		}
	case "call":
		if value.Value != "build" && value.Value != "" {
			e.noImage(b, value.Range, fmt.Sprintf("it calls %s, and makes no image", value.Value))
		}
	case "push":
		b.Push = isTrue(o)
	case "tag", "manifest":
		b.Tags = append(b.Tags, value)
	case "platform":
		e.platforms(b, o.value)
	case "target":
		b.Target = &value
	case "output":
		e.output(b, value)
	case "file":
		b.Dockerfile = &value // what it is relative to, the context says
	case "build-arg", "label", "build-context":
		e.pair(i, b, o.name, value)
	case "annotation":
		if _, ok := b.Annotate(value.Value, value.Range); !ok {
			e.Fail(fact.RuleNotUnderstood, value.Range, "Not understood: "+fact.Shorten(e.source(value.Range)),
				"An annotation is name=value.")
		}
	default:
		e.need(b, o.name, value)
	}
}

func (e *evaluator) pair(i *invocation, b *fact.Build, option string, value fact.Text) {
	name, text, given := strings.Cut(value.Value, "=")
	p := fact.Pair{Name: name, Value: text, Range: value.Range}
	switch {
	case !given && option == "build-arg" && i.env.vars[name].Set && i.env.vars[name].Exported:
		v := i.env.vars[name]
		if v.why != "" {
			e.Fail(fact.RuleNotUnderstood, value.Range, fmt.Sprintf("Not understood: --build-arg %s", name), v.why)
			return
		}
		p.Value = v.Str
		b.Args = append(slices.DeleteFunc(b.Args, func(o fact.Pair) bool { return o.Name == name }), p)
	case !given && option == "build-arg":
		e.Fail(fact.RuleNotUnderstood, value.Range, fmt.Sprintf("Not understood: --build-arg %s", name),
			"Its value comes from the environment of who runs the script. Write it out.")
	case option == "build-arg":
		b.Args = append(slices.DeleteFunc(b.Args, func(o fact.Pair) bool { return o.Name == name }), p)
	case option == "label":
		b.Labels = append(slices.DeleteFunc(b.Labels, func(o fact.Pair) bool { return o.Name == name }), p)
	default:
		if strings.Contains(text, "://") || strings.HasPrefix(text, "git@") {
			b.Upstream = append(b.Upstream, p)
			return
		}
		folder, ok := inside(join(i.st.cwd, text))
		if !ok {
			e.Fail(fact.RuleInexpressible, value.Range,
				fmt.Sprintf("The context %q is outside of the repository", text),
				"Named contexts are folders of the repository. It is left out.")
			return
		}
		p.Value = folder
		b.Contexts = append(b.Contexts, p)
	}
}

func (e *evaluator) platforms(b *fact.Build, w word) {
	for name := range strings.SplitSeq(w.text, ",") {
		spec, err := platforms.Parse(strings.TrimSpace(name))
		if w.why != "" || err != nil || name == "local" {
			e.Fail(fact.RuleNotUnderstood, w.at, fmt.Sprintf("Unknown platform %q", name),
				cmp.Or(w.why, `Platforms are written os/architecture[/variant], for example "linux/amd64".`))
			continue
		}
		p := fact.Text{Value: platforms.Format(platforms.Normalize(spec)), Range: w.at}
		if !slices.ContainsFunc(b.Platforms, func(o fact.Text) bool { return o.Value == p.Value }) {
			b.Platforms = append(b.Platforms, p)
		}
	}
}

// output is --output: what pushes or loads is understood.
func (e *evaluator) output(b *fact.Build, value fact.Text) {
	attributes := strings.Split(value.Value, ",")
	for _, a := range attributes {
		if name, ok := strings.CutPrefix(a, "name="); ok {
			b.Tags = append(b.Tags, fact.Text{Value: name, Range: value.Range})
		}
	}
	switch {
	case slices.Contains(attributes, "type=registry"),
		slices.Contains(attributes, "type=image") && slices.Contains(attributes, "push=true"):
		b.Push = true
	case slices.Contains(attributes, "type=image"), slices.Contains(attributes, "type=docker"):
	case slices.Contains(attributes, "type=oci"):
		e.Fail(fact.RuleInexpressible, value.Range,
			fmt.Sprintf("A definition has no place for the output %q", value.Value),
			"Definitions are of images that are pushed, or loaded into Docker. It is imported as one.")
	default:
		e.noImage(b, value.Range, fmt.Sprintf("the output %s is no image in a registry", fact.Shorten(value.Value)))
	}
}

// noImage leaves out a build that makes something else.
func (e *evaluator) noImage(b *fact.Build, at hcl.Range, why string) {
	e.bad[b] = true
	e.Note(fact.Note{Range: at, Kind: fact.LeftOut, Text: "a build: " + why})
}

func (e *evaluator) context(i *invocation, b *fact.Build, w word) bool {
	switch {
	case w.text == "-":
		e.Fail(fact.RuleInexpressible, w.at, "This build has its context from standard input",
			"A definition has a folder of the repository. The build is left out.")
		return false
	case fact.Remote(w.text):
		b.Context, b.Remote = fact.Text{Value: w.text, Range: w.at}, true
		return true
	case strings.Contains(w.text, "://"):
		e.Fail(fact.RuleInexpressible, w.at,
			fmt.Sprintf("The context %s is not in the repository", fact.Shorten(w.text)),
			"A definition has a folder of the repository, or an address of git or HTTP. The build is left out.")
		return false
	}
	name, ok := e.path(i, fact.Text{Value: w.text, Range: w.at}, "context")
	b.Context = fact.Text{Value: name, Range: w.at}
	return ok
}

func (e *evaluator) dockerfile(i *invocation, b *fact.Build, value fact.Text) {
	if value.Value == "-" {
		e.Fail(fact.RuleInexpressible, value.Range, "This build has its Dockerfile from standard input",
			"A definition has a file of the repository: write it to one. The build is left out.")
		e.bad[b] = true
		return
	}
	if b.Remote { // it is from there
		name := path.Clean(value.Value)
		ok := fs.ValidPath(name)
		if !ok {
			e.Fail(fact.RuleInexpressible, value.Range, fmt.Sprintf("The Dockerfile %s is not at the address of the context", value.Value),
				"A definition takes both from one place. The build is left out.")
		}
		if e.bad[b] = e.bad[b] || !ok; name != "Dockerfile" {
			b.Dockerfile = &fact.Text{Value: name, Range: value.Range}
		}
		return
	}
	name, ok := e.path(i, value, "Dockerfile")
	b.Dockerfile = &fact.Text{Value: name, Range: value.Range}
	e.bad[b] = e.bad[b] || !ok
}

// path is a path of the repository.
func (e *evaluator) path(i *invocation, value fact.Text, what string) (string, bool) {
	full := join(i.st.cwd, value.Value)
	name, ok := inside(full)
	switch {
	case full == unknown:
		e.Fail(fact.RuleNotUnderstood, value.Range, fmt.Sprintf("Which %s %s is, is not known", what, value.Value),
			"The folder that the script is in here is not known: it follows a cd that is not understood. The build "+
				"is left out.")
		return "", false
	case !ok:
		e.Fail(fact.RuleInexpressible, value.Range,
			fmt.Sprintf("The %s %s is not in the repository", what, value.Value),
			"Paths are taken from the root of the repository, where scripts are run. The build is left out.")
	}
	return name, ok
}
