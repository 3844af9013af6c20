package pipeline

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// bakeAction notes the run of bake that a step is.
func (r *reader) bakeAction(st *step) {
	dir := or(st.value("workdir"), ".")
	if source := st.value("source"); source != "" && source != "." {
		dir = strings.TrimPrefix(source, "{{defaultContext}}:")
	}
	b := &fact.Bake{
		Folder: path.Clean(dir), Range: r.place(st.node), Set: st.list("set", false), Targets: st.list("targets", true),
		Push: st.value("push") != "" && st.value("push") != "false",
	}
	for _, f := range st.list("files", true) {
		if own, is := strings.CutPrefix(f.Value, "cwd://"); is {
			f.Value = path.Clean(own)
		} else {
			f.Value = path.Join(dir, f.Value)
		}
		b.Files = append(b.Files, f)
	}
	env, _ := st.scope["env"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value, why := text(env[name])
		b.Variables = append(b.Variables, fact.Setting{Name: name, Value: value, Why: why, Range: b.Range})
	}
	r.bake(b)
}

// bake adds a run of bake, without what is known only when it runs.
func (r *reader) bake(b *fact.Bake) {
	named := len(b.Files) > 0
	b.Files = slices.DeleteFunc(b.Files, func(f fact.Text) bool {
		if n, is := r.naming(f.Value); is {
			b.Names = append(b.Names, n)
			return true
		}
		why := dynamic(r, f.Value)
		if why != "" || f.Value == "." {
			r.warn(fact.RuleInexpressible, f.Range, "A bake file is made when it runs",
				"What it says of names and labels is not imported. Definitions have tags of their own.")
		}
		return why != "" || f.Value == "."
	})
	if named && len(b.Files) == 0 && len(b.Names) == 0 {
		return
	}
	if why := dynamic(r, b.Folder); why != "" {
		r.fail(fact.RuleNotUnderstood, b.Range, "Where bake runs, is not known", sentence(why)+" What it builds is not imported.")
		return
	}
	b.Set = slices.DeleteFunc(b.Set, func(t fact.Text) bool {
		why := dynamic(r, t.Value)
		if why != "" {
			key, _, _ := strings.Cut(t.Value, "=")
			r.warn(fact.RuleIgnored, t.Range, fmt.Sprintf("%s is set when it is built", r.shown(key)),
				sentence(why)+" The definition has what the bake file says.")
		}
		return why != ""
	})
	for i, v := range b.Variables {
		if why := r.why(v.Value); why != "" && v.Why == "" {
			b.Variables[i].Value, b.Variables[i].Why = "", why
		}
	}
	r.Bakes = append(r.Bakes, b)
}

// A bake file that docker/metadata-action makes stands in texts as a mark.
const bakeStart = "rb0bakefile"

var bakePattern = regexp.MustCompile(bakeStart + `([0-9]+)` + markEnd)

// bakeFile makes a mark of what a bake file says.
func (r *reader) bakeFile(n fact.Naming) string {
	r.namings = append(r.namings, n)
	return fmt.Sprintf("%s%d%s", bakeStart, len(r.namings)-1, markEnd)
}

// naming is what the bake file says whose mark stands in a name.
func (r *reader) naming(name string) (fact.Naming, bool) {
	m := bakePattern.FindStringSubmatch(name)
	if m == nil {
		return fact.Naming{}, false
	}
	i, err := strconv.Atoi(m[1])
	if err != nil || i >= len(r.namings) {
		return fact.Naming{}, false
	}
	return r.namings[i], true
}
