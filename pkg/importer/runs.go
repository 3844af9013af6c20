package importer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/importer/bakefile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// runs keeps the bake files of all runs of bake that were found, and says what is set
// for them. They are read once: where runs that push, or all if none does, do not agree
// on what they set, definitions have what the files say.
func (r *reading) runs() bakefile.Settings {
	var pushing []*fact.Bake
	for _, s := range r.sources {
		for _, b := range s.Bakes {
			r.bakesOf(b)
			if b.Push {
				pushing = append(pushing, b)
			}
		}
	}
	if pushing == nil {
		for _, s := range r.sources {
			pushing = append(pushing, s.Bakes...)
		}
	}
	settings := bakefile.Settings{}
	for _, b := range pushing {
		for _, v := range b.Variables {
			if !slices.ContainsFunc(settings.Variables, func(o fact.Setting) bool { return o.Name == v.Name }) {
				settings.Variables = append(settings.Variables, agreed(pushing, v))
			}
		}
		for _, set := range b.Set {
			if slices.ContainsFunc(settings.Set, func(o fact.Text) bool { return o == set }) {
				continue
			}
			if other := without(pushing, b, set); other != nil {
				r.unset(set, fmt.Sprintf("Another run of bake, at %s, does not set it.", diag.Place(other.Range)), other.Range)
				continue
			}
			if text, known := r.completed(b, set); known && !slices.ContainsFunc(settings.Set, func(o fact.Text) bool { return o.Value == text.Value }) {
				settings.Set = append(settings.Set, text)
			}
		}
		for _, n := range b.Names {
			if at := slices.IndexFunc(settings.Names, func(o fact.Naming) bool { return o.Target == n.Target && !same(o, n) }); at >= 0 {
				r.Warn(fact.RuleInexpressible, n.Range, fmt.Sprintf("The target %s is called otherwise elsewhere", n.Target),
					fmt.Sprintf("The bake files are read once, with the names that are given at %s. Give each image a bake-target of its own.",
						diag.Place(settings.Names[at].Range)), settings.Names[at].Range)
				continue
			}
			if !slices.ContainsFunc(settings.Names, func(o fact.Naming) bool { return same(o, n) }) {
				settings.Names = append(settings.Names, n)
			}
		}
	}
	return settings
}

// bakesOf keeps the files of a run.
func (r *reading) bakesOf(b *fact.Bake) {
	files := b.Files
	if len(files) == 0 {
		for _, name := range r.usual(b.Folder) {
			files = append(files, fact.Text{Value: name, Range: b.Range})
		}
		if len(files) == 0 && len(b.Names) == 0 {
			r.Fail(fact.RuleNotUnderstood, b.Range, "There is no bake file to build", "Neither docker-bake.hcl nor a compose file is there.")
		}
	}
	for _, f := range files {
		name := path.Clean(f.Value)
		if !r.isFile(name) {
			n := fact.Note{Range: f.Range, Kind: fact.LeftOut, Text: fmt.Sprintf("the bake file %s: it is not in the repository", name)}
			if !slices.Contains(r.Notes, n) {
				r.Note(n)
			}
			continue
		}
		r.bakeFile(name)
	}
}

// agreed is a variable as all runs set it; Why says it where they do not.
func agreed(runs []*fact.Bake, v fact.Setting) fact.Setting {
	for _, b := range runs {
		at := slices.IndexFunc(b.Variables, func(o fact.Setting) bool { return o.Name == v.Name })
		switch {
		case at < 0 && v.Why == "":
			v.Why = fmt.Sprintf("it is not set for the run of bake at %s", diag.Place(b.Range))
		case at >= 0 && b.Variables[at].Value != v.Value && v.Why == "":
			v.Why = fmt.Sprintf("it is %s at %s", b.Variables[at].Value, diag.Place(b.Range))
			if why := b.Variables[at].Why; why != "" {
				v.Why = why
			}
		}
	}
	return v
}

// without is a run that builds what another does, and sets less; nil if there is none.
func without(runs []*fact.Bake, b *fact.Bake, set fact.Text) *fact.Bake {
	pattern, _, _ := strings.Cut(set.Value, ".")
	has := func(o *fact.Bake, target string) bool {
		return slices.ContainsFunc(o.Targets, func(t fact.Text) bool { return t.Value == target })
	}
	for _, o := range runs {
		apart := !strings.ContainsAny(pattern, "*?[") && has(b, pattern) && len(o.Targets) > 0 && !has(o, pattern)
		if o != b && !apart && !slices.ContainsFunc(o.Set, func(t fact.Text) bool { return t.Value == set.Value }) {
			return o
		}
	}
	return nil
}

// completed is what a run sets, with the value of an argument that it takes from its
// environment.
func (r *reading) completed(b *fact.Bake, set fact.Text) (fact.Text, bool) {
	if strings.Contains(set.Value, "=") {
		return set, true
	}
	name := set.Value[strings.LastIndexByte(set.Value, '.')+1:]
	for _, v := range b.Variables {
		if v.Name == name && v.Why == "" {
			set.Value += "=" + v.Value
			return set, true
		}
	}
	r.unset(set, "Its value comes from the environment of who builds.")
	return set, false
}

// unset tells of something that a run sets and definitions have not.
func (r *reading) unset(set fact.Text, why string, others ...hcl.Range) {
	key, _, _ := strings.Cut(set.Value, "=")
	r.Warn(fact.RuleIgnored, set.Range, fmt.Sprintf("%s is set when it is built", fact.Shorten(key)),
		why+" The definition has what the bake file says.", others...)
}

func same(a, b fact.Naming) bool {
	return a.Target == b.Target &&
		slices.EqualFunc(a.Tags, b.Tags, func(x, y fact.Text) bool { return x.Value == y.Value }) &&
		slices.EqualFunc(a.Labels, b.Labels, func(x, y fact.Pair) bool { return x.Name == y.Name && x.Value == y.Value })
}
