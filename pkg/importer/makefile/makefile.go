// Package makefile reads what the recipes of Makefiles do with images, by docker
// commands. Variables are filled in; functions of make, and what a recipe has from
// elsewhere, are listed with their places.
package makefile

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Bounds of what is read.
const (
	maxDepth   = 32      // of variables in one another
	maxValue   = 1 << 14 // bytes of an expanded text
	maxRecipes = 500     // that are read
	maxSteps   = 100_000 // variables that are filled in
)

// Options are what a Makefile is read with.
type Options struct {
	// Script reads a shell script.
	Script func(fs.FS, *fact.File) *fact.Set
}

// Named reports a file that is called as Makefiles are.
func Named(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{"Makefile", "makefile", "GNUmakefile"}, base) || path.Ext(base) == ".mk"
}

// variable is a variable of make. why is empty, or says why its value is not known.
type variable struct {
	value    string
	expanded bool // as it was set
	why      string
}

// line is a logical line, with its parts' places.
type line struct {
	text string
	at   int // where it starts
}

// rule is a rule with a recipe.
type rule struct {
	targets, needs []string
	recipe         []line
}

// reader reads one Makefile.
type reader struct {
	*fact.Set
	file    *fact.File
	fsys    fs.FS
	options Options
	source  *fact.Source
	vars    map[string]variable
	rules   []*rule
	own     map[string]map[string]variable // by target
	told    map[string]bool
	steps   int // variables that were filled in
	// building are variables of several lines that may build images.
	building map[string]bool
	pending  []unread
}

// unread is a line of functions, which matters if something builds images by it.
type unread struct {
	line
	why string
}

// Read reads one Makefile of a repository.
func Read(fsys fs.FS, f *fact.File, o Options) *fact.Set {
	r := &reader{
		Set: &fact.Set{Texts: map[string][]byte{f.Name: f.Text}}, file: f, fsys: fsys, options: o, source: &fact.Source{Name: f.Name},
		vars: map[string]variable{
			"MAKE": {value: "make", expanded: true}, "SHELL": {value: "/bin/sh", expanded: true}, "CURDIR": {value: ".", expanded: true},
		}, own: map[string]map[string]variable{}, told: map[string]bool{}, building: map[string]bool{},
	}
	r.Sources = []*fact.Source{r.source}
	r.parse()
	r.tellUnread()
	read := 0
	for _, rule := range r.rules {
		for _, target := range r.instances(rule) {
			if read++; read > maxRecipes {
				r.Fail(fact.RuleNotUnderstood, fact.Start(f.Name), "The Makefile has too many recipes", "The others are not read.")
				return r.Set
			}
			r.run(rule, target, read)
		}
	}
	return r.Set
}

var (
	assignment  = regexp.MustCompile(`^\s*((?:export|override|private)\s+)*([A-Za-z0-9_.-]+)\s*(=|:=|::=|:::=|\?=|\+=|!=)\s*(.*)$`)
	included    = regexp.MustCompile(`^\s*[-s]?include\s+(.*)$`)
	conditional = regexp.MustCompile(`^\s*(ifeq|ifneq|ifdef|ifndef)\b`)
	closing     = regexp.MustCompile(`^\s*endif\b`)
	otherwise   = regexp.MustCompile(`^\s*else\b`)
	generated   = regexp.MustCompile(`^\s*\$[({](foreach|eval|call)\b`)
	defined     = regexp.MustCompile(`^\s*define\s+([A-Za-z0-9_.-]+)`)
	ruleLine    = regexp.MustCompile(`^([^:=#\t][^:=]*?)\s*::?(?:$|[^=])`)
)

// parse finds variables and rules.
func (r *reader) parse() {
	var current *rule
	depth, inside, name := 0, false, ""
	for _, l := range r.lines() {
		bare := strings.TrimSpace(uncommented(l.text))
		switch {
		case inside:
			inside = bare != "endef"
			r.building[name] = r.building[name] || fact.Mentions(bare)
		case strings.HasPrefix(l.text, "\t") && current != nil:
			current.recipe = append(current.recipe, l)
		case bare == "":
		case conditional.MatchString(bare):
			depth++
		case closing.MatchString(bare):
			depth = max(0, depth-1)
		case otherwise.MatchString(bare):
		case defined.MatchString(bare):
			name = defined.FindStringSubmatch(bare)[1]
			r.vars[name] = variable{why: fmt.Sprintf("%s is text of several lines.", name)}
			inside = true
		case included.MatchString(bare):
			r.say(l, fact.Note{Kind: fact.LeftOut, Text: "what " + included.FindStringSubmatch(bare)[1] + " brings: it is included, and was not read"})
		case generated.MatchString(bare):
			r.pending = append(r.pending, unread{l, "It makes rules by functions, which are not evaluated. Write out what it makes."})
		case assignment.MatchString(bare):
			m := assignment.FindStringSubmatch(bare)
			r.assign(r.vars, m[2], m[3], m[4], depth > 0)
		case ruleLine.MatchString(bare):
			current = r.rule(l, bare, depth > 0)
		}
	}
}

// say notes something of a line.
func (r *reader) say(l line, n fact.Note) {
	n.Range = r.file.Span(l.at, r.file.LineEnd(l.at))
	r.Note(n)
}

// lines are the logical lines: a backslash at the end of a line goes on on the next.
func (r *reader) lines() []line {
	var all []line
	text := string(r.file.Text)
	for at := 0; at < len(text); {
		end := at
		for {
			next := strings.IndexByte(text[end:], '\n')
			if next < 0 {
				end = len(text)
				break
			}
			end += next + 1
			whole := strings.TrimRight(text[at:end], "\r\n")
			if slashes := len(whole) - len(strings.TrimRight(whole, `\`)); slashes%2 == 0 {
				break
			}
		}
		all = append(all, line{strings.TrimRight(text[at:end], "\r\n"), at})
		at = end
	}
	return all
}

// uncommented is a line without its comment, and with its continuations as spaces.
func uncommented(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\\\r\n", " "), "\\\n", " ")
	for i := range len(s) {
		if s[i] == '#' && (i == 0 || s[i-1] != '\\') {
			return s[:i]
		}
	}
	return s
}

// assign sets a variable. What a condition sets may be otherwise.
func (r *reader) assign(vars map[string]variable, name, op, value string, maybe bool) {
	before, set := vars[name]
	v := variable{value: value}
	switch op {
	case ":=", "::=", ":::=":
		text, why := r.expand(value, nil, 0)
		v = variable{value: text, expanded: true, why: why}
	case "?=":
		if set {
			return
		}
	case "+=":
		if set {
			v = variable{value: strings.TrimSpace(before.value + " " + value), why: before.why}
		}
	case "!=":
		v = variable{why: fmt.Sprintf("%s is the output of a command, and no command is run.", name)}
	}
	if maybe && (!set || before.value != v.value) && op != "?=" {
		v = variable{why: fmt.Sprintf("%s is set in a condition, and may be something else.", name)}
	}
	vars[name] = v
}

// rule begins a rule; nil for one that only sets a variable of a target.
func (r *reader) rule(l line, bare string, maybe bool) *rule {
	targets, rest, _ := strings.Cut(bare, ":")
	rest = strings.TrimPrefix(rest, ":")
	names, _ := r.expand(targets, nil, 0)
	if m := assignment.FindStringSubmatch(rest); m != nil {
		for target := range strings.FieldsSeq(names) {
			if r.own[target] == nil {
				r.own[target] = map[string]variable{}
			}
			r.assign(r.own[target], m[2], m[3], m[4], maybe)
		}
		return nil
	}
	rest, command, inline := strings.Cut(rest, ";")
	needs, why := r.expand(rest, nil, 0)
	if why != "" {
		r.pending = append(r.pending, unread{l, why})
	}
	rule := &rule{targets: strings.Fields(names), needs: strings.Fields(strings.ReplaceAll(needs, "|", " "))}
	if inline {
		rule.recipe = append(rule.recipe, line{"\t" + strings.TrimSpace(command), l.at})
	}
	r.rules = append(r.rules, rule)
	return rule
}

// instance is a target of a rule, and what stands for % in it.
type instance struct{ target, stem string }

// instances are the targets that a rule makes: those that others need, where it has a
// pattern.
func (r *reader) instances(rule *rule) []instance {
	var all []instance
	add := func(i instance) {
		if !slices.Contains(all, i) && len(all) < maxRecipes {
			all = append(all, i)
		}
	}
	for _, target := range rule.targets {
		before, after, pattern := strings.Cut(target, "%")
		if !pattern {
			add(instance{target: target})
			continue
		}
		for _, other := range r.rules {
			for _, need := range append(slices.Clone(other.needs), other.targets...) {
				stem, good := strings.CutPrefix(need, before)
				stem, ends := strings.CutSuffix(stem, after)
				if good && ends && stem != "" && !strings.Contains(stem, "%") && len(need) > len(before)+len(after) {
					add(instance{need, stem})
				}
			}
		}
	}
	return all
}

// run reads the recipe of a rule for one of its targets.
func (r *reader) run(rule *rule, i instance, way int) {
	if r.options.Script == nil || len(rule.recipe) == 0 {
		return
	}
	local := map[string]variable{}
	set := func(name, value string) { local[name] = variable{value: value, expanded: true} }
	set("@", i.target)
	set("*", i.stem)
	needs := make([]string, 0, len(rule.needs))
	for _, need := range rule.needs {
		needs = append(needs, strings.Replace(need, "%", i.stem, 1))
	}
	set("^", strings.Join(needs, " "))
	if len(needs) > 0 {
		set("<", needs[0])
	}
	maps.Copy(local, r.own[i.target])
	m := fact.NewMade(r.file)
	for _, l := range rule.recipe {
		r.command(m, l, local)
	}
	if !fact.Mentions(m.String()) && !strings.Contains(m.String(), ".sh") {
		return
	}
	found := r.options.Script(r.fsys, fact.NewFile(r.file.Name, []byte(m.String())))
	found.Move(m)
	for _, d := range found.Diagnostics {
		if key := d.Subject.String() + d.Summary; !r.told[key] {
			r.told[key] = true
			r.Diagnostics = append(r.Diagnostics, d)
		}
	}
	for _, n := range found.Notes {
		if key := n.Range.String() + n.Text; !r.told[key] {
			r.told[key] = true
			r.Note(n)
		}
	}
	maps.Copy(r.Texts, found.Texts)
	r.Bakes = append(r.Bakes, found.Bakes...)
	for _, s := range found.Sources {
		for _, e := range s.Events {
			if e.Build != nil { // who makes one target need not make another
				e.Build.Arms = append(e.Build.Arms, fact.Arm{Node: r.source, Way: way})
			}
			r.source.Events = append(r.source.Events, e)
		}
	}
}

var ownMake = regexp.MustCompile(`^\s*(\$\(MAKE\)|\$\{MAKE\}|make)(\s+[A-Za-z0-9_.%=-]+)*\s*$`)

// command adds a line of a recipe to a script: in a shell of its own, as make runs it.
func (r *reader) command(m *fact.Made, l line, local map[string]variable) {
	body := strings.TrimLeft(l.text, "\t @+-")
	at := l.at + strings.Index(l.text, body)
	switch {
	case body == "", strings.HasPrefix(body, "#"):
		return
	case ownMake.MatchString(body) && !strings.Contains(body, " -"):
		return // the recipe of that target is read
	}
	m.Add("(", fact.Mark{From: at})
	if why := r.fill(m, body, at, local); why != "" {
		if fact.Mentions(body) || r.callsBuild(body) {
			r.tell(at, body, why)
		}
		m.Add(":", fact.Mark{From: at})
	}
	m.Add("\n)\n", fact.Mark{From: at})
}

// callsBuild reports a line with a variable of several lines that may build images.
func (r *reader) callsBuild(body string) bool {
	for name, builds := range r.building {
		if builds && regexp.MustCompile(`\$[({](call\s+)?`+regexp.QuoteMeta(name)+`\b`).MatchString(body) {
			return true
		}
	}
	return false
}

// tellUnread lists lines of functions where a pattern rule, or a variable of several
// lines, may build images by them.
func (r *reader) tellUnread() {
	builds := slices.ContainsFunc(r.rules, func(rule *rule) bool {
		return slices.ContainsFunc(rule.targets, func(t string) bool { return strings.Contains(t, "%") }) &&
			slices.ContainsFunc(rule.recipe, func(l line) bool { return fact.Mentions(l.text) })
	})
	for _, one := range r.building {
		builds = builds || one
	}
	for _, l := range r.pending {
		if builds {
			r.tell(l.at, strings.TrimSpace(l.text), l.why)
		}
	}
}

// tell lists a line that is not understood, once.
func (r *reader) tell(at int, body, why string) {
	place := r.file.Span(at, r.file.LineEnd(at))
	if key := place.String() + why; !r.told[key] {
		r.told[key] = true
		r.Fail(fact.RuleNotUnderstood, place, "Not understood: "+fact.Shorten(body), why)
	}
}
