package script

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// bakeOptions are the options of docker buildx bake, in their long form.
var bakeOptions = map[string]sort{
	"file": meant, "set": meant, "var": meant, "call": meant, "list": meant,
	"check": flag, "debug": flag, "load": flag, "no-cache": flag, "print": flag, "pull": flag, "push": flag, "list-targets": flag,
	"list-variables": flag,

	"allow": ignoredValue, "builder": ignoredValue, "metadata-file": ignoredValue, "progress": ignoredValue,
	"provenance": ignoredValue, "sbom": ignoredValue,
}

// bake notes a run of docker buildx bake.
func (e *evaluator) bake(i *invocation, words []word) {
	b := &fact.Bake{Range: i.at}
	options, args := parseOptions(words, bakeOptions)
	for _, o := range options {
		switch {
		case !o.known:
			e.notUnderstood(i, fmt.Sprintf("Bake has no option %s that is known here.", fact.Shorten(o.value.text+o.name)))
			return
		case slices.Contains([]string{"check", "print", "list", "list-targets", "list-variables"}, o.name) && isTrue(o),
			o.name == "call" && o.value.text != "build" && o.value.text != "":
			e.Note(fact.Note{Range: i.at, Kind: fact.LeftOut, Text: fmt.Sprintf("a run of bake: --%s makes no image", o.name)})
			return
		case o.name == "push":
			b.Push = isTrue(o)
		case o.value.why != "" && o.name == "file":
			e.notUnderstood(i, o.value.why)
			return
		case o.value.why != "" && (o.name == "set" || o.name == "var"):
			e.Warn(fact.RuleInexpressible, o.value.at, fmt.Sprintf("What --%s sets is not known", o.name),
				o.value.why+" The definition has what the bake file says.")
		default:
			e.bakeOption(i, b, o)
		}
	}
	targets, ok := e.names(i, args)
	folder, inside := inside(i.st.cwd)
	if !ok {
		return
	}
	remote := func(t fact.Text) bool {
		return t.Value == "-" || strings.Contains(t.Value, "://") || fact.Remote(t.Value)
	}
	if slices.ContainsFunc(b.Files, remote) || slices.ContainsFunc(targets, remote) || !inside {
		e.notUnderstood(i, "Its bake file is not in the repository.")
		return
	}
	b.Folder, b.Targets = folder, targets
	given := b.Variables // which come before the environment
	b.Variables = nil
	for _, name := range slices.Sorted(maps.Keys(i.env.vars)) {
		v := i.env.vars[name]
		if !v.Exported || slices.ContainsFunc(given, func(s fact.Setting) bool { return s.Name == name }) {
			continue
		}
		b.Variables = append(b.Variables, fact.Setting{Name: name, Value: v.Str, Why: v.why, Range: i.at})
	}
	b.Variables = append(b.Variables, given...)
	e.Bakes = append(e.Bakes, b)
}

// bakeOption takes an option whose value is known.
func (e *evaluator) bakeOption(i *invocation, b *fact.Bake, o option) {
	value := fact.Text{Value: o.value.text, Range: o.value.at}
	switch o.name {
	case "set":
		b.Set = append(b.Set, value)
		b.Push = b.Push || strings.Contains(value.Value, ".output=") &&
			(strings.Contains(value.Value, "type=registry") || strings.Contains(value.Value, "push=true"))
	case "var":
		name, text, _ := strings.Cut(value.Value, "=")
		b.Variables = append(b.Variables, fact.Setting{Name: name, Value: text, Range: value.Range})
	case "file":
		value.Value = strings.TrimPrefix(value.Value, "cwd://")
		if value.Value != "-" && !strings.Contains(value.Value, "://") {
			name, ok := inside(join(i.st.cwd, value.Value))
			if !ok {
				name = "-"
			}
			value.Value = name
		}
		b.Files = append(b.Files, value)
	}
}
