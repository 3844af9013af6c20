package dockerfile

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// MainContext is the name of the build context among all contexts.
const MainContext = ""

// all is every path of a context.
const all = "."

// Contexts says what a build of a stage ("" for the last one) takes from its
// contexts, over all the platforms: for each name, paths as COPY gives them,
// relative and cleaned, sorted, with their wildcards; "." is the whole. named
// are the named contexts that there are. A context of which nothing is taken is
// not in the result.
//
// Where a path cannot be known, because a variable may come from the image that
// a stage is built on, the whole context counts.
func (f *File) Contexts(stage string, args map[string]string, targets, named []string) map[string][]string {
	t := f.takes(stage, args, targets, named)
	result := make(map[string][]string, len(t.taken))
	for name, paths := range t.taken {
		if paths[all] {
			result[name] = []string{all}
			continue
		}
		for p := range paths {
			result[name] = append(result[name], p)
		}
		slices.Sort(result[name])
	}
	return result
}

// Source is a path of a context that an instruction takes.
type Source struct {
	Context string // "" for the main one
	Path    string // relative and cleaned, with its wildcards
	Range   hcl.Range
}

// Sources lists what instructions take from contexts, as [File.Contexts] has it,
// in the order of the file. What cannot be known is the whole context.
func (f *File) Sources(stage string, args map[string]string, targets, named []string) []Source {
	return f.takes(stage, args, targets, named).sources
}

// takes follows builds for all the platforms.
func (f *File) takes(stage string, args map[string]string, targets, named []string) *taker {
	t := &taker{file: f, args: args, known: map[string][]string{}, taken: map[string]map[string]bool{}}
	for _, full := range named {
		name, _ := SplitContext(full)
		t.known[ContextName(name)] = append(t.known[ContextName(name)], full)
	}
	if len(targets) == 0 {
		targets = []string{buildPlatform}
	}
	for _, target := range targets {
		t.platform(stage, target)
	}
	return t
}

// taker collects what builds take from contexts.
type taker struct {
	file  *File
	args  map[string]string
	known map[string][]string        // named contexts, by the form that is compared
	taken map[string]map[string]bool // paths of each context

	sources []Source
	at      hcl.Range // of the instruction
}

// platform goes through the stages that the build for one platform reaches.
func (t *taker) platform(stage, target string) {
	w := t.file.walk(t.args, target)
	start, ok := w.find(stage)
	if !ok {
		return
	}
	w.stage(start, true)
	scopes := make([]*variables, len(t.file.stages))
	for i := range t.file.stages {
		if !w.done[i] {
			continue
		}
		s := &t.file.stages[i]
		vars := &variables{lexer: w.lexer, args: t.args, globals: w.globals, values: map[string]string{}}
		if parent := w.parents[i]; parent >= 0 && scopes[parent] != nil {
			vars = scopes[parent].child()
		} else {
			t.from(w.bases[i], all)
		}
		t.from(s.Name, all) // a context takes the place of a stage of its name
		scopes[i] = vars
		for _, cmd := range w.commands[i] {
			t.at = t.file.place(cmd.Location())
			t.command(cmd, vars)
		}
	}
}

func (t *taker) command(cmd instructions.Command, vars *variables) {
	switch cmd := cmd.(type) {
	case *instructions.ArgCommand:
		vars.arg(cmd)
	case *instructions.EnvCommand:
		vars.env(cmd)
	case *instructions.AddCommand:
		if local := slices.DeleteFunc(t.expand(cmd.SourcePaths, vars), remote); len(local) > 0 {
			t.take(MainContext, local...)
		}
	case *instructions.CopyCommand:
		paths := t.expand(cmd.SourcePaths, vars)
		switch {
		case cmd.From == "" && len(paths) > 0:
			t.take(MainContext, paths...)
		case cmd.From != "" && !StageNumber(cmd.From):
			t.from(cmd.From, paths...)
		}
	case *instructions.RunCommand:
		t.mounts(cmd, vars)
	}
}

// StageNumber reports a COPY --from of a stage by its number, which is never a context,
// though one may have that name: a mount takes it, and FROM.
func StageNumber(from string) bool {
	_, err := strconv.Atoi(from)
	return err == nil
}

// mounts takes what the mounts of a RUN show.
func (t *taker) mounts(cmd *instructions.RunCommand, vars *variables) {
	known := true
	err := cmd.Expand(func(word string) (string, error) {
		expanded, ok := vars.expand(word)
		known = known && ok
		return expanded, nil
	})
	for _, m := range instructions.GetMounts(cmd) {
		source := t.path(m.Source)
		if err != nil || !known {
			source = all
		}
		if m.From != "" {
			t.from(m.From, source)
		} else if !slices.Contains(withoutSource, m.Type) {
			t.take(MainContext, source)
		}
	}
}

// withoutSource are the mounts that take nothing from the context.
var withoutSource = []instructions.MountType{
	instructions.MountTypeCache, instructions.MountTypeTmpfs, instructions.MountTypeSecret, instructions.MountTypeSSH,
}

// from takes paths from a named context, if it is one.
func (t *taker) from(name string, paths ...string) {
	if len(t.known) == 0 || name == "" {
		return // most Dockerfiles have none, and parsing names takes time
	}
	for _, context := range t.known[ContextName(name)] {
		t.take(context, paths...)
	}
}

func (t *taker) take(context string, paths ...string) {
	if t.taken[context] == nil {
		t.taken[context] = map[string]bool{}
	}
	for _, p := range paths {
		t.taken[context][p] = true
		if source := (Source{context, p, t.at}); !slices.Contains(t.sources, source) {
			t.sources = append(t.sources, source)
		}
	}
}

// path is relative to the context, which nothing leaves.
func (*taker) path(src string) string {
	return path.Join(all, path.Join("/", src))
}

// remote reports whether ADD takes a source from elsewhere.
func remote(src string) bool {
	if strings.HasPrefix(src, "http://") || strings.HasPrefix(src, "https://") {
		return true
	}
	ref, _, err := dfgitutil.ParseGitRef(src)
	return err == nil && !ref.IndistinguishableFromLocal
}

// expand gives the sources of COPY and ADD: paths of the context, and what
// is remote as it is.
func (t *taker) expand(sources []string, vars *variables) []string {
	var paths []string
	for _, src := range sources {
		switch expanded, ok := vars.expand(src); {
		case !ok:
			paths = append(paths, all)
		case remote(expanded):
			paths = append(paths, expanded)
		default:
			paths = append(paths, t.path(expanded))
		}
	}
	return paths
}
