package dockerfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/platform"
)

// Image is an image that a build takes from outside of the Dockerfile: from a
// registry, or from a named context.
type Image struct {
	Ref   string // arguments expanded, otherwise as written; nobody checked it
	Arg   string // the build argument, when the reference is nothing but one
	Root  bool   // the image that the target stage is built on
	Range hcl.Range
	// Syntax says that it is what reads the Dockerfile, # syntax=.
	Syntax bool
	// Platforms are those that are asked for, in the order of the targets:
	// FROM --platform may ask for another than is built.
	Platforms []string
	// Machine says that the platform of the machine that builds is asked for,
	// which no file knows.
	Machine bool
	// Cross says that another platform than the one that is built may be asked
	// for: that of the machine, or one that stands in the Dockerfile.
	Cross bool
}

const (
	scratch = "scratch"
	// buildPlatform stands for the machine that builds, so that the answer is
	// the same on all; what is otherwise with the second depends on the machine.
	buildPlatform = "linux/amd64"
	otherPlatform = "linux/arm64"
)

// Images lists what a build of a stage ("" for the last one) takes, in the
// order of use and without duplicates, over all the platforms. Stages that the
// build does not reach take nothing.
//
// args are build arguments that are set; others have their defaults.
func (f *File) Images(stage string, args map[string]string, targets []string) ([]Image, hcl.Diagnostics) {
	var images []Image
	var diags hcl.Diagnostics
	if len(targets) == 0 {
		targets = []string{buildPlatform}
	}
	walked := targets
	if !f.dependsOnPlatform() {
		walked = targets[:1] // which stands for all
	}
	if image, found := f.frontend(args); found {
		images = append(images, image)
	}
	for _, target := range walked {
		w := f.walk(args, target)
		if start, ok := w.find(stage); ok {
			w.stage(start, true)
		}
		for _, image := range w.images {
			built := []string{target}
			if len(walked) < len(targets) {
				built = targets
			}
			if image.Platforms == nil && !image.Machine {
				image.Platforms = built
			}
			constant := len(image.Platforms) == 1 && slices.ContainsFunc(built, func(t string) bool { return t != image.Platforms[0] })
			image.Cross = image.Machine || constant
			if i := slices.IndexFunc(images, func(i Image) bool { return i.Ref == image.Ref && !i.Syntax }); i < 0 {
				images = append(images, image)
			} else {
				images[i].merge(image)
			}
		}
		diags = append(diags, w.diags...)
	}
	return images, diag.Sort(diags)
}

// syntaxArg is the build argument that says what reads a Dockerfile, whatever
// the Dockerfile says.
const syntaxArg = "BUILDKIT_SYNTAX"

// frontend is the image that reads the Dockerfile; found is false when
// BuildKit's own does.
func (f *File) frontend(args map[string]string) (image Image, found bool) {
	image = Image{Ref: f.syntax, Syntax: true, Machine: true, Range: f.place(f.syntaxAt)}
	if given, _, _ := strings.Cut(strings.TrimSpace(args[syntaxArg]), " "); given != "" {
		image.Ref, image.Arg = given, syntaxArg
	}
	return image, image.Ref != ""
}

// merge adds what another use of the image asks for.
func (i *Image) merge(other Image) {
	i.Root, i.Machine, i.Cross = i.Root || other.Root, i.Machine || other.Machine, i.Cross || other.Cross
	for _, p := range other.Platforms {
		if !slices.Contains(i.Platforms, p) {
			i.Platforms = append(slices.Clip(i.Platforms), p)
		}
	}
}

// dependsOnPlatform reports whether what the build takes can differ between
// platforms.
func (f *File) dependsOnPlatform() bool {
	uses := func(s string) bool { return strings.Contains(s, "TARGET") }
	for i := range f.meta {
		for _, a := range f.meta[i].Args {
			if a.Value != nil && uses(*a.Value) {
				return true
			}
		}
	}
	return slices.ContainsFunc(f.stages, func(s instructions.Stage) bool { return uses(s.BaseName) || uses(s.Platform) })
}

// globals are the arguments that FROM can use: https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
// and those declared before the first FROM.
func (f *File) globals(lexer lexer, args map[string]string, target, machine string) shell.EnvGetter {
	values := environment{}
	for prefix, name := range map[string]string{"TARGET": target, "BUILD": machine} {
		p, err := platforms.Parse(name)
		if err != nil {
			continue
		}
		values[prefix+"PLATFORM"] = platforms.Format(p)
		values[prefix+"OS"] = p.OS
		values[prefix+"ARCH"] = p.Architecture
		values[prefix+"VARIANT"] = p.Variant
	}
	for name := range values {
		if given, found := args[name]; found { // which need no ARG
			values[name] = given
		}
	}
	for i := range f.meta {
		for _, a := range f.meta[i].Args {
			if value, given := args[a.Key]; given {
				values[a.Key] = value
			} else if a.Value != nil {
				if value, err := lexer.expand(*a.Value, values); err == nil {
					values[a.Key] = value
				}
			}
		}
	}
	return values
}

// environment has what words are expanded with.
type environment map[string]string

// Get implements [shell.EnvGetter].
func (e environment) Get(name string) (string, bool) {
	value, found := e[name]
	return value, found
}

// Keys implements [shell.EnvGetter].
func (e environment) Keys() []string {
	return slices.Sorted(maps.Keys(e))
}

// walk follows one build of a Dockerfile for one platform.
type walk struct {
	file     *File
	lexer    lexer
	globals  shell.EnvGetter
	machine  shell.EnvGetter          // globals on another machine
	bases    []string                 // base of each stage, expanded
	asked    []asked                  // platform of each stage
	commands [][]instructions.Command // of each stage, those of ONBUILD first
	parents  []int                    // stage that each stage is built on; -1 for an image
	visiting map[int]bool
	done     map[int]bool
	images   []Image
	diags    hcl.Diagnostics
}

// walk starts one, with build arguments that are set.
func (f *File) walk(args map[string]string, platform string) *walk {
	lexer := f.lexer()
	w := &walk{
		file: f, lexer: lexer, globals: f.globals(lexer, args, platform, buildPlatform),
		visiting: map[int]bool{}, done: map[int]bool{},
	}
	if slices.ContainsFunc(f.stages, func(s instructions.Stage) bool { return strings.Contains(s.Platform, "$") }) {
		w.machine = f.globals(lexer, args, platform, otherPlatform)
	}
	w.resolve()
	return w
}

func (w *walk) report(at []parser.Range, summary, detail string) {
	w.diags = append(w.diags, w.file.problem(at, summary, detail))
}

// resolve expands the base of every stage. FROM sees the stages before it.
func (w *walk) resolve() {
	byName := map[string]int{}
	for i, s := range w.file.stages {
		base, err := w.lexer.expand(s.BaseName, w.globals)
		if err != nil {
			w.report(s.Location, "FROM cannot be expanded", fmt.Sprintf("%v. Check its variables.", err))
		}
		parent, ok := byName[strings.ToLower(base)]
		if !ok {
			parent = -1
		}
		w.bases, w.parents = append(w.bases, base), append(w.parents, parent)
		w.asked = append(w.asked, w.platform(&w.file.stages[i]))
		w.commands = append(w.commands, append(w.triggered(i), s.Commands...))
		if s.Name != "" {
			byName[strings.ToLower(s.Name)] = i
		}
	}
}

// asked is the platform that a stage has its base of.
type asked struct {
	platform string // "" for that which is built, or that of the machine
	machine  bool
}

// platform reads FROM --platform.
func (w *walk) platform(s *instructions.Stage) asked {
	if s.Platform == "" {
		return asked{}
	}
	name, err := w.lexer.expand(s.Platform, w.globals)
	if err == nil && name == "" {
		w.report(s.Location, "FROM names no platform", fmt.Sprintf("%s is empty here. Give the argument a value in args, or a default.", s.Platform))
		return asked{}
	}
	if w.machine != nil && err == nil {
		if other, err := w.lexer.expand(s.Platform, w.machine); err == nil && other != name {
			return asked{machine: true}
		}
	}
	if err == nil {
		name, err = platform.Normal(name)
	}
	if err != nil {
		w.report(s.Location, fmt.Sprintf("FROM has the platform %s", s.Platform), fmt.Sprintf("%v. Platforms are written os/architecture[/variant].", err))
		return asked{}
	}
	return asked{platform: name}
}

// find returns the index of the target stage.
func (w *walk) find(name string) (int, bool) {
	if name == "" {
		return len(w.file.stages) - 1, true
	}
	if i, ok := w.byName(name); ok {
		return i, true
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(w.file.stages) {
		return i, true
	}
	var names []string
	for _, s := range w.file.stages {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	detail := "Its stages have no names; write FROM … AS " + name + "."
	if near := diag.Suggest(name, names); near != "" {
		detail = fmt.Sprintf("Did you mean %q?", near)
	} else if len(names) > 0 {
		detail = "It has the stages " + strings.Join(names, ", ") + "."
	}
	w.report(nil, fmt.Sprintf("Dockerfile has no stage %q", name), detail)
	return 0, false
}

// byName finds a stage; of several with one name the last one counts.
func (w *walk) byName(name string) (int, bool) {
	for i, v := range slices.Backward(w.file.stages) {
		if s := v.Name; s != "" && strings.EqualFold(s, name) {
			return i, true
		}
	}
	return 0, false
}

// stage collects what a stage takes, the stages that it uses first.
func (w *walk) stage(i int, root bool) {
	s := &w.file.stages[i]
	if w.visiting[i] {
		w.report(s.Location, "Stages depend on each other in a cycle", fmt.Sprintf("Stage %s is built from itself. Break the cycle.", w.stageName(i)))
		return
	}
	if w.done[i] && !root {
		return
	}
	w.visiting[i] = true
	if parent := w.parents[i]; parent >= 0 {
		w.stage(parent, root)
	} else {
		w.base(i, root)
	}
	if !w.done[i] {
		for _, cmd := range w.commands[i] {
			w.command(cmd)
		}
	}
	w.visiting[i], w.done[i] = false, true
}

func (w *walk) stageName(i int) string {
	if name := w.file.stages[i].Name; name != "" {
		return name
	}
	return strconv.Itoa(i)
}

func (w *walk) base(i int, root bool) {
	s := &w.file.stages[i]
	switch base := w.bases[i]; base {
	case scratch:
	case "":
		w.report(s.Location, "FROM names no image", fmt.Sprintf("%s is empty here. Give the argument a value in from, or a default.", s.BaseName))
	default:
		w.image(base, s.BaseName, s.Location, root, w.asked[i])
	}
}

// onlyArg matches a reference that is nothing but one build argument.
var onlyArg = regexp.MustCompile(`^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::?-[^}]*)?\}|([A-Za-z_][A-Za-z0-9_]*))$`)

func (w *walk) image(ref, written string, at []parser.Range, root bool, of asked) {
	image := Image{Ref: ref, Root: root, Range: w.file.place(at), Machine: of.machine}
	if of.platform != "" {
		image.Platforms = []string{of.platform}
	}
	if m := onlyArg.FindStringSubmatch(written); m != nil {
		image.Arg = m[1] + m[2]
	}
	w.images = append(w.images, image)
}

func (w *walk) command(cmd instructions.Command) {
	switch cmd := cmd.(type) {
	case *instructions.CopyCommand:
		if cmd.From == "" {
			return
		}
		if i, err := strconv.Atoi(cmd.From); err == nil {
			w.stageAt(i, cmd.Location())
			return
		}
		w.take(cmd.From, cmd.Location())
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(cmd) {
			if m.From != "" {
				w.take(m.From, cmd.Location())
			}
		}
	}
}

func (w *walk) stageAt(i int, at []parser.Range) {
	if i < 0 || i >= len(w.file.stages) {
		w.report(at, fmt.Sprintf("There is no stage %d", i), fmt.Sprintf("Stages are counted from 0; the last one is %d.", len(w.file.stages)-1))
		return
	}
	w.stage(i, false)
}

// take follows a from= that names a stage, or an image. BuildKit expands no
// variables there.
func (w *walk) take(from string, at []parser.Range) {
	if i, ok := w.byName(from); ok {
		w.stage(i, false)
		return
	}
	if from == scratch {
		return
	}
	if strings.Contains(from, "$") {
		w.report(at, fmt.Sprintf("Variable in from=%s", from), "BuildKit expands none there. Name a stage: FROM ${ARG} AS name, and take from that.")
		return
	}
	w.image(from, from, at, false, asked{}) // the platform that is built, whatever that of the stage is
}
