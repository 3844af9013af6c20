// Package bakefile reads bake files: HCL, JSON and compose files, merged and
// evaluated by buildx's own parser, with the environment kept out of the result.
// Each target that has tags is the build of an image.
package bakefile

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Read reads bake files of a repository, merged in their order as bake does:
// docker buildx bake -f a -f b, with what is set where it runs.
func Read(fsys fs.FS, files []*fact.File, settings Settings) *fact.Set {
	set := &fact.Set{Texts: map[string][]byte{}}
	sources := make([]*source, 0, len(files))
	for _, f := range files {
		set.Texts[f.Name] = f.Text
		for _, d := range refused(f) {
			set.Fail(fact.RuleNotUnderstood, *d.Subject, d.Summary, d.Detail+" Nothing of these files is imported.")
		}
	}
	if len(set.Diagnostics) > 0 {
		return set
	}
	for _, f := range files {
		sources = append(sources, parse(f))
	}
	all := &collection{Set: set, fsys: fsys, ledger: &ledger{}, done: map[*block]bool{}, sources: sources, settings: settings}
	named := all.names(sources)
	for _, some := range all.split(sources) {
		some.sources = append(slices.Clone(some.sources), named...)
		all.read(some)
	}
	set.Common = all.common()
	all.tell(set)
	all.tellSettings()
	return set
}

// collection is what several readings find.
type collection struct {
	*fact.Set
	*ledger
	fsys   fs.FS
	done   map[*block]bool // blocks whose images an earlier reading has found
	images []built         // targets that have become builds

	sources  []*source // all that are there
	settings Settings
}

// built is a target that has become a build.
type built struct {
	*buildxbake.Target
	in    *reading
	build *fact.Build
}

// reading is some files that are read as one.
type reading struct {
	*collection
	selection
	blocks    map[string][]*block // by the names of targets, in the order in which bake merges
	inherits  map[string][]string
	targets   map[string]*buildxbake.Target
	names     []string // of targets, in the order of their places
	events    []fact.Event
	vars      map[string]string // that are set where bake runs
	overrides []string          // what else is set there

	elsewhere *evaluation // nil if there is none
}

// read evaluates files, and makes a build of every target that has tags.
func (c *collection) read(some selection) {
	r := &reading{
		collection: c, selection: some, blocks: map[string][]*block{},
		inherits: map[string][]string{}, targets: map[string]*buildxbake.Target{}, vars: c.given(some.sources),
	}
	e, err := r.evaluate(oneMachine, nil)
	if err != nil {
		r.unreadable(err)
		return
	}
	if r.accept(e); len(r.overrides) > 0 {
		e.override(r.selection.sources, oneMachine, r.vars, r.overrides)
	}
	r.index(e)
	r.resolve(e)
	if other, err := r.evaluate(anotherMachine, nil); err == nil {
		r.elsewhere = other
		r.steady(other)
	}
	r.builds()
	c.Sources = append(c.Sources, &fact.Source{Name: r.name, Events: r.events})
	r.groups(e.config)
	r.variables(e)
}

// index finds the blocks that the targets of a configuration come from.
func (r *reading) index(e *evaluation) {
	for _, compose := range []bool{true, false} { // as bake merges
		for _, s := range r.selection.sources {
			for _, b := range s.blocks {
				if b.kind != "target" || b.compose != compose {
					continue
				}
				names := []string{b.label}
				if !compose && e.meta != nil {
					names = slices.Compact(slices.Sorted(slices.Values(e.meta.Renamed["target"][b.label])))
				}
				for _, name := range names {
					r.blocks[name] = append(r.blocks[name], b)
				}
			}
		}
	}
	for _, t := range e.config.Targets {
		r.inherits[t.Name] = t.Inherits
		if _, known := r.targets[t.Name]; !known {
			r.targets[t.Name] = nil
			r.names = append(r.names, t.Name)
		}
	}
	order := map[string]int{}
	for i, s := range r.selection.sources {
		order[s.Name] = i
	}
	slices.SortFunc(r.names, func(a, b string) int {
		x, y := r.home(a), r.home(b)
		if d := order[x.Filename] - order[y.Filename]; d != 0 {
			return d
		}
		if d := x.Start.Byte - y.Start.Byte; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

// resolve follows what targets inherit, each on its own: one that cannot be
// resolved keeps no other out.
func (r *reading) resolve(e *evaluation) {
	kept := r.names[:0]
	for _, name := range r.names {
		t, err := e.target(name)
		if err != nil {
			r.Fail(fact.RuleNotUnderstood, r.place(name, "inherits", ""), fmt.Sprintf("Bake cannot resolve target %s", name),
				fmt.Sprintf("It is left out (%v).", err))
			delete(r.targets, name)
			continue
		}
		t.Name = name
		r.targets[name] = t
		kept = append(kept, name)
	}
	r.names = kept
}

// unreadable reports what bake says of files that it cannot read.
func (r *reading) unreadable(err error) {
	for _, d := range problems(r.selection.sources, err) {
		at := fact.Start(r.name)
		if d.Subject != nil && r.Texts[d.Subject.Filename] != nil {
			at = *d.Subject
		}
		r.Fail(fact.RuleNotUnderstood, at, d.Summary,
			strings.TrimSpace(sentence(d.Detail)+" Bake reads nothing of these files, and nothing is imported."))
	}
}

// groups says which images groups are of.
func (r *reading) groups(c *buildxbake.Config) {
	told := map[string]bool{}
	for _, s := range r.selection.sources {
		for _, b := range s.blocks {
			if b.kind != "group" || told[b.label] {
				continue
			}
			told[b.label] = true
			g := &fact.Group{Name: fact.Text{Value: b.label, Range: b.at}}
			members, _ := c.ResolveGroup(b.label)
			for _, name := range slices.Sorted(slices.Values(members)) { // those of a matrix come in no order
				t, is := r.targets[name]
				if !is {
					continue // a group in a circle, or what is not there
				}
				m := fact.Member{Target: name}
				if len(t.Tags) > 0 {
					m.Tag = t.Tags[0]
				}
				g.Members = append(g.Members, m)
			}
			r.Groups = append(r.Groups, g)
		}
	}
}

// selection is files that are read as one.
type selection struct {
	sources []*source
	name    string // of the file that they are known by
	own     string // the folder whose own file that is, beside shared ones; "" for none
}

// split decides which files are read as one. Bake merges all that it is given;
// but where each folder has a file of its own, and all say the same things of
// other images, a repository builds them one by one. What is called otherwise is
// shared by all of them.
func (c *collection) split(sources []*source) []selection {
	apart := map[*source]bool{}
	for i, a := range sources {
		for _, b := range sources[:i] {
			if alternatives(a, b) {
				apart[a], apart[b] = true, true
			}
		}
	}
	if len(apart) == 0 {
		return []selection{{sources: sources, name: sources[0].Name}}
	}
	var all []selection
	for _, s := range sources {
		if !apart[s] {
			continue
		}
		mine := slices.DeleteFunc(slices.Clone(sources), func(o *source) bool { return apart[o] && o != s })
		all = append(all, selection{mine, s.Name, path.Dir(s.Name)})
	}
	c.Note(fact.Note{
		Range: fact.Start(all[0].name),
		Text: fmt.Sprintf("%d files in folders of their own define the same names: each is read by itself, as in its folder",
			len(all)),
	})
	return all
}

// alternatives reports files that are called the same, in folders beside one
// another, and define something under the same name.
func alternatives(a, b *source) bool {
	x, y := path.Dir(a.Name), path.Dir(b.Name)
	if path.Base(a.Name) != path.Base(b.Name) || above(x, y) || above(y, x) {
		return false
	}
	return slices.ContainsFunc(a.defines, func(n string) bool { return slices.Contains(b.defines, n) })
}

// above reports a folder that another is in, or is.
func above(dir, other string) bool {
	return dir == "." || dir == other || strings.HasPrefix(other, dir+"/")
}

// called is a target's name, with its folder where each has one of that name.
func (r *reading) called(t *buildxbake.Target) string {
	if r.own == "" {
		return t.Name
	}
	return fmt.Sprintf("%s (%s)", t.Name, r.own)
}

// say notes a sentence about a target.
func (r *reading) say(e entry, t *buildxbake.Target) { r.add(e, r.called(t)) }

// home is where a target is defined first.
func (r *reading) home(name string) hcl.Range {
	if blocks := r.blocks[name]; len(blocks) > 0 {
		return blocks[0].at
	}
	return fact.Start(r.selection.sources[0].Name)
}

// place is where a target, or what it inherits, says something: key is a name in
// an object, and "" for the attribute as a whole.
func (r *reading) place(name, attr, key string) hcl.Range {
	if key != "" {
		if at, found := r.find(name, map[string]bool{}, func(b *block) (hcl.Range, bool) {
			at, found := b.items[attr][key]
			return at, found
		}); found {
			return at
		}
	}
	if at, found := r.find(name, map[string]bool{}, func(b *block) (hcl.Range, bool) {
		at, found := b.attrs[attr]
		return at, found
	}); found {
		return at
	}
	return r.home(name)
}

// element is where one of the n elements of a list is.
func (r *reading) element(name, attr string, i, n int) hcl.Range {
	at, found := r.find(name, map[string]bool{}, func(b *block) (hcl.Range, bool) {
		_, given := b.attrs[attr]
		if list := b.lists[attr]; len(list) == n {
			return list[i], true
		}
		return b.attrs[attr], given
	})
	if !found {
		return r.home(name)
	}
	return at
}

// find asks the blocks of a target, the last one first, and then what it
// inherits.
func (r *reading) find(name string, seen map[string]bool, ask func(*block) (hcl.Range, bool)) (hcl.Range, bool) {
	if seen[name] {
		return hcl.Range{}, false
	}
	seen[name] = true
	for _, b := range slices.Backward(r.blocks[name]) {
		if at, found := ask(b); found {
			return at, true
		}
	}
	for _, parent := range slices.Backward(r.inherits[name]) {
		if at, found := r.find(parent, seen, ask); found {
			return at, true
		}
	}
	return hcl.Range{}, false
}
