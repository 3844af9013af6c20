package scaffold

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
)

// Library has finished runtimes, which a repository takes as they are.
type Library struct {
	Repository
	Version string // of the program that has it
}

// Keys are those of runtimes and bases, sorted; none without a library.
func (l *Library) Keys() []string {
	if l == nil {
		return nil
	}
	var all []string
	for _, rt := range l.Catalogue.Runtimes {
		all = append(all, rt.Key)
	}
	return all
}

func (l *Library) find(key string) *catalogue.Runtime {
	for _, rt := range l.Catalogue.Runtimes {
		if rt.Key == key {
			return rt
		}
	}
	return nil
}

// wants says whether a finished runtime is asked for: nothing says how to write one.
func (l *Library) wants(o Options) bool {
	return l != nil && l.find(o.Key) != nil && o.Kind == "" && o.Name == "" && o.Entrypoint == "" && o.Layout == ""
}

// instead refuses options of a runtime that is written, where the library has it and
// nothing says of which kind another would be.
func (l *Library) instead(o Options) error {
	if l == nil || o.Kind != "" || l.find(o.Key) == nil {
		return nil
	}
	var given []string
	for _, option := range []struct{ name, value string }{
		{"--entrypoint", o.Entrypoint}, {"--layout", o.Layout}, {"--name", o.Name},
	} {
		if option.value != "" {
			given = append(given, option.name)
		}
	}
	verb, they := "is", "it"
	if len(given) > 1 {
		verb, they = "are", "them"
	}
	return fmt.Errorf("%s %s for a runtime that is written, and the library has %s as it is: leave %s out, or write your own with --kind",
		strings.Join(given, ", "), verb, o.Key, they)
}

// complete says of a version of what came from the library what it is built on and run
// by there, where nobody says otherwise.
func (l *Library) complete(o Options, r Repository) (Options, error) {
	if l == nil || !slices.Contains(Taken(r.Set), o.Key) {
		return o, nil
	}
	there := l.find(o.Key)
	if there == nil || !has(there, o.Version) {
		return o, nil
	}
	known := model(there, o.Version)
	if len(o.From) == 0 {
		o.From = l.images(known)
	}
	if there.Kind != catalogue.Compiled || o.Run != "" {
		return o, nil
	}
	run := known.RunImage()
	if o.Run = run.ID; !slices.Contains(Bases(r.Catalogue), run.ID) {
		return o, fmt.Errorf("%s-%s runs in %s, which is not there: runbake new %s %s first",
			o.Key, o.Version, run.ID, run.Runtime.Key, run.Name)
	}
	return o, nil
}

// images are those that a version of the library names for itself, as --from takes them.
func (l *Library) images(v *catalogue.Version) []string {
	var all []string
	for _, b := range l.Set.Blocks {
		for _, written := range b.Versions {
			if written.Range != v.Range {
				continue
			}
			for _, arg := range keys(written.From) {
				all = append(all, arg+"="+v.Args[arg])
			}
		}
	}
	return all
}

// take decides what is written of a runtime of the library, and of the base that runs
// what it makes.
func (l *Library) take(o Options, r Repository) (*Change, error) {
	rt := l.find(o.Key)
	c := &Change{ID: o.Key + "-" + o.Version}
	t := taking{library: l, to: r, change: c}
	run, err := t.runImage(o, rt)
	if err != nil {
		return nil, err
	}
	if err := t.runtime(o, rt, run); err != nil {
		return nil, err
	}
	if len(o.From) > 0 {
		c.Next = append(c.Next, "name its base image in "+path.Join(home(r.Catalogue), o.Key, "README.md"))
	}
	return c, nil
}

// taking is one runtime on its way out of the library.
type taking struct {
	library *Library
	to      Repository
	change  *Change
}

// runImage is the base that runs what a runtime makes; nil if it needs none. One that the
// repository has not is taken as well.
func (t *taking) runImage(o Options, rt *catalogue.Runtime) (*reference, error) {
	switch {
	case rt.Kind != catalogue.Compiled && o.Run != "":
		return nil, fmt.Errorf("--run is for compiled runtimes; %s is %s", o.Key, rt.Kind)
	case rt.Kind != catalogue.Compiled:
		return nil, nil //nolint:nilnil // there is none
	case o.Run != "":
		return findBase(o.Run, t.to.Catalogue)
	}
	own := model(rt, o.Version).RunImage()
	ref := &reference{own.Runtime.Key, own.Name}
	for _, there := range t.to.Catalogue.Runtimes {
		if there.Kind != catalogue.Base || there.Key != ref.key {
			continue
		}
		if has(there, ref.version) {
			return ref, nil
		}
		return ref, t.another(there, own)
	}
	return ref, t.runtime(Options{Key: ref.key, Version: ref.version}, t.library.find(ref.key), nil)
}

func has(rt *catalogue.Runtime, version string) bool {
	return slices.ContainsFunc(rt.Versions, func(v *catalogue.Version) bool { return v.Name == version })
}

// model is the version of that name, or the newest one.
func model(rt *catalogue.Runtime, name string) *catalogue.Version {
	for _, v := range rt.Versions {
		if v.Name == name {
			return v
		}
	}
	return rt.Versions[len(rt.Versions)-1]
}

// another adds a version of a base that the repository has, on the image that it has in
// the library.
func (t *taking) another(there *catalogue.Runtime, v *catalogue.Version) error {
	change, err := newVersion(Options{Key: there.Key, Version: v.Name, From: t.library.images(v)}, t.to, there)
	if err != nil {
		return fmt.Errorf("%s needs the base %s: %w", t.change.ID, v.ID, err)
	}
	t.change.Files = append(t.change.Files, change.Files...)
	return nil
}

// runtime adds the files of a runtime or a base, with one of its versions.
func (t *taking) runtime(o Options, rt *catalogue.Runtime, run *reference) error {
	s, err := newest(t.library.Set, rt)
	if err != nil {
		return err
	}
	folder := path.Join(home(t.to.Catalogue), rt.Key)
	if !t.to.Catalogue.Project.Defines(folder) {
		return fmt.Errorf("nothing would read %s: definitions of the project name other folders; add it to them",
			path.Join(folder, definition.RuntimeFile))
	}
	text, err := t.definition(o, rt, s, run)
	if err != nil {
		return err
	}
	taken, err := t.library.files(rt, s, t.places(rt, s, folder))
	if err != nil {
		return err
	}
	for _, f := range taken {
		t.change.Files = append(t.change.Files, f.File)
		if dir := path.Dir(f.Path); !slices.Contains(t.change.folders, dir) {
			t.change.folders = append(t.change.folders, dir)
		}
	}
	t.change.Files = append(t.change.Files, changeset.File{
		Path: path.Join(folder, definition.RuntimeFile), Mode: 0o644,
		Content: slices.Concat(t.library.origin(taken), text),
	})
	return nil
}

// places are the folders of the library that a runtime has, and where the repository is
// to have them.
func (t *taking) places(rt *catalogue.Runtime, s *sibling, folder string) map[string]string {
	places := map[string]string{s.folder: folder}
	if context := rt.Versions[len(rt.Versions)-1].Context; context != s.folder {
		places[context] = folder // that of another base
	}
	for _, name := range []string{rt.Fixture, path.Dir(rt.Behaviour), path.Dir(rt.Broken)} {
		if name != "" && name != "." {
			places[path.Clean(name)] = t.fixture(name)
		}
	}
	return places
}

// fixture is where a function of the library is in the repository.
func (t *taking) fixture(name string) string {
	return path.Join(fixtureFolder(t.to.Catalogue), strings.TrimPrefix(path.Clean(name), fixtures+"/"))
}

// taken is a file of the library, and where the repository has it.
type taken struct {
	name string // in the library
	changeset.File
}

// files are those of a runtime but for its definition, sorted by their names in the
// library. Its own win over those of another context.
func (l *Library) files(rt *catalogue.Runtime, s *sibling, places map[string]string) ([]taken, error) {
	have := map[string]taken{} // by path
	for dir, to := range places {
		err := fs.WalkDir(l.FS, dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Base(name) == definition.RuntimeFile {
				return err
			}
			content, err := fs.ReadFile(l.FS, name)
			f := taken{
				name,
				changeset.File{Path: path.Join(to, strings.TrimPrefix(name, dir+"/")), Mode: 0o644, Content: content},
			}
			if path.Ext(name) == ".sh" { // modes are not in the library
				f.Mode = 0o755
			}
			if _, other := have[f.Path]; !other || dir == s.folder {
				have[f.Path] = f
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("the library lacks files of %s: %w", rt.Key, err)
		}
	}
	return slices.SortedFunc(maps.Values(have), func(a, b taken) int { return strings.Compare(a.name, b.name) }), nil
}

var (
	blockStart = regexp.MustCompile(`(?m)^(runtime|base) "`)
	nameLine   = regexp.MustCompile(`(?m)^  (name|kind) .*\n`)
	blankLines = regexp.MustCompile(`\n\n+(\n|})`)
)

// definition is that of the library with one version, and without the comments that are
// about the library.
func (t *taking) definition(o Options, rt *catalogue.Runtime, s *sibling, run *reference) ([]byte, error) {
	src := t.library.Set.Sources[s.block.Range.Filename]
	f, diags := hclwrite.ParseConfig(src, s.block.Range.Filename, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	kind := "runtime"
	if rt.Kind == catalogue.Base {
		kind = "base"
	}
	block := f.Body().FirstMatchingBlock(kind, []string{rt.Key})
	if err := t.version(block.Body(), o, rt, s); err != nil {
		return nil, err
	}
	block.Body().RemoveAttribute("context")
	for name, value := range map[string]string{"fixture": rt.Fixture, "behaviour": rt.Behaviour, "broken": rt.Broken} {
		if value != "" {
			block.Body().SetAttributeValue(name, cty.StringVal(t.fixture(value)))
		}
	}
	if run != nil {
		block.Body().SetAttributeRaw("run", run.tokens())
	}
	out := hclwrite.NewEmptyFile()
	out.Body().AppendBlock(block)
	text := out.Bytes()
	text = text[blockStart.FindIndex(text)[0]:]
	if p := t.to.Set.Project; p != nil && p.Contract != nil && p.Contract.Value == catalogue.NoContract {
		at := nameLine.FindIndex(text) // every definition has one of them
		text = slices.Concat(text[:at[1]], []byte("  contract = \"function\"\n"), text[at[1]:])
	}
	return hclwrite.Format(blankLines.ReplaceAll(text, []byte("\n$1"))), nil
}

// version leaves one version in a definition: that of its name, or one like the newest
// with other images. What runs it is said of the whole runtime.
func (t *taking) version(body *hclwrite.Body, o Options, rt *catalogue.Runtime, s *sibling) error {
	var own settings
	var problems []error
	switch known := has(rt, o.Version); {
	case !known && len(o.From) == 0:
		problems = append(problems, fmt.Errorf("the library has %s %s; for another version say what it is built on: --from <image>",
			rt.Key, versionsOf(rt)))
	case len(o.From) > 0:
		own.from, problems = s.from(o)
	}
	platforms, more := normalised(o.Platforms)
	if problems = append(problems, more...); len(problems) > 0 {
		return errors.Join(problems...)
	}
	like := model(rt, o.Version).Name
	for _, b := range body.Blocks() {
		if b.Type() == "version" && b.Labels()[0] != like {
			body.RemoveBlock(b)
		}
	}
	block := body.FirstMatchingBlock("version", []string{like})
	block.SetLabels([]string{o.Version})
	block.Body().RemoveAttribute("run")
	own.platforms = platforms
	own.writeFrom(block.Body())
	own.writeRun(block.Body())
	return nil
}

// versionsOf lists the versions of a runtime in a sentence.
func versionsOf(rt *catalogue.Runtime) string {
	var names []string
	for _, v := range rt.Versions {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}

// origin is the comment that says where a definition is from, with a hash of the files
// that came with it.
func (l *Library) origin(files []taken) []byte {
	return fmt.Appendf(
		nil,
		"%s%s, %s.\n# runbake update shows what has changed there since.\n",
		originMark,
		l.Version,
		hash(files),
	)
}

const originMark = "# From the library of runbake "

// hash is one of names and contents.
func hash(files []taken) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%x  %s\n", sha256.Sum256(f.Content), f.name)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
