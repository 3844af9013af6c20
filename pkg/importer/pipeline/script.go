package pipeline

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// variableName is one that a shell can set.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// script reads commands as a script, with variables set, in a folder. What it builds
// is returned; other events are of the pipeline.
func (r *reader) script(commands *mapped, variables map[string]any, dir string, arms []fact.Arm) []*fact.Build {
	body := commands.String()
	if r.options.Script == nil || !fact.Mentions(body) && !strings.Contains(body, ".sh") && !strings.Contains(body, "./") {
		return nil
	}
	m := r.made()
	start := commands.Source(0)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value, why := text(variables[name])
		if why != "" {
			value = r.hide(why)
		}
		if variableName.MatchString(name) {
			m.put("export "+name+"='"+strings.ReplaceAll(value, "'", `'\''`)+"'\n", start, false)
		}
	}
	if dir != "" && dir != "." {
		m.put("cd '"+strings.ReplaceAll(dir, "'", `'\''`)+"'\n", start, false)
	}
	rest := commands.Replace(r.others(commands, variables))
	m.Copy(rest, 0, rest.Len())
	if r.bytes += m.Len(); r.bytes > maxReadBytes {
		return nil
	}
	return r.take(r.options.Script(r.fsys, fact.NewFile(r.Name, []byte(m.String()))), m, arms)
}

// take makes what was found in a script that was made of the document part of what
// is found in that.
func (r *reader) take(set *fact.Set, m *mapped, arms []fact.Arm) []*fact.Build {
	set.Move(m.Made)
	for _, d := range set.Diagnostics {
		d.Summary, d.Detail = r.shown(d.Summary), r.shown(d.Detail)
		if key := d.Subject.String() + d.Summary; !r.notes[key] {
			r.notes[key] = true
			r.Diagnostics = append(r.Diagnostics, d)
		}
	}
	for _, n := range set.Notes {
		n.Text = r.shown(n.Text)
		r.note(n)
	}
	maps.Copy(r.Texts, set.Texts)
	for _, b := range set.Bakes {
		r.bake(b)
	}
	var builds []*fact.Build
	for _, s := range set.Sources {
		for _, e := range s.Events {
			if b := e.Build; b == nil {
				r.event(e)
			} else if r.settle(b) {
				b.Script, b.Arms = r.source.Name, append(slices.Clone(arms), b.Arms...)
				builds = append(builds, b)
			}
		}
	}
	return builds
}

// event adds a push or a name, if it is known.
func (r *reader) event(e fact.Event) {
	all := true
	for _, t := range []*fact.Text{e.Push, e.Target} {
		if t == nil || r.why(t.Value) == "" {
			continue
		}
		if repo, tag := cut(t.Value); t == e.Push && r.why(repo) == "" && r.why(tag) != "" {
			t.Value = repo + ":*" // the tag has been told where it is given
			continue
		}
		all = false
		r.note(fact.Note{Range: t.Range, Kind: fact.LeftOut, Text: "the name " + r.shown(t.Value) + ": " + r.why(t.Value)})
	}
	for _, t := range e.From {
		all = all && r.why(t.Value) == ""
	}
	if all {
		r.source.Events = append(r.source.Events, e)
	}
}

// reference is a variable in a value.
var reference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$[A-Za-z_][A-Za-z0-9_]*`)

// cut takes a name apart: repository and tag, "" for none.
func cut(name string) (repo, tag string) {
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[:colon], name[colon+1:]
	}
	return name, ""
}

// otherCommands are those that the reader of scripts does not know, and that pipelines
// have: alone on their lines.
var otherCommands = regexp.MustCompile(`(?m)^[ \t]*docker[ \t]+(buildx[ \t]+)?(imagetools[ \t]+create)\b(?:[^\n\\]|\\\r?\n|\\.)*`)

// others reads commands that join what was pushed by digest, and
// returns their places, with as many lines in them.
func (r *reader) others(commands *mapped, variables map[string]any) []fact.Part {
	body := commands.String()
	var parts []fact.Part
	for _, found := range otherCommands.FindAllStringIndex(body, -1) {
		command := body[found[0]:found[1]]
		place := commands.Range(found[0], found[0]+len(strings.TrimRight(command, " \t\r\n")))
		if r.other(command, place, variables) {
			parts = append(parts, fact.Part{Start: found[0], End: found[1], Text: strings.Repeat("\n", strings.Count(command, "\n"))})
		}
	}
	return parts
}

// other reads one of these commands; false where it is one for the reader of scripts.
func (r *reader) other(command string, place hcl.Range, variables map[string]any) bool {
	words := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(command, "\\\r\n", " "), "\\\n", " "))
	option := func(names ...string) []fact.Text {
		var all []fact.Text
		for i, w := range words {
			name, value, given := strings.Cut(w, "=")
			if !slices.Contains(names, name) {
				continue
			}
			if !given && i+1 < len(words) {
				value = words[i+1]
			}
			s, why := text(filled(strings.Trim(value, `"'`), variables, ""))
			if why != "" || reference.MatchString(s) || strings.Contains(s, "$(") {
				s = r.hide(or(why, "it is known when it runs"))
			}
			all = append(all, fact.Text{Value: s, Range: place})
		}
		return all
	}
	switch {
	case strings.Contains(command, "sha256"), strings.Contains(command, "$("):
		r.names = append(r.names, option("-t", "--tag")...)
		r.note(fact.Note{
			Range: place, Kind: fact.LeftOut,
			Text: "docker buildx imagetools create: runbake publish joins what was pushed by digest",
		})
	default:
		return false
	}
	return true
}
