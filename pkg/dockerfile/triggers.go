package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Triggers are the instructions that ONBUILD of a stage ("" for the last one)
// leaves to what is built on it. Those of its base have run in the stage.
func (f *File) Triggers(stage string) []string {
	if !slices.ContainsFunc(f.stages, func(s instructions.Stage) bool { return len(triggersOf(&s)) > 0 }) {
		return nil
	}
	w := f.walk(nil, buildPlatform)
	i, ok := w.find(stage)
	if !ok {
		return nil
	}
	return triggersOf(&f.stages[i])
}

// With is the same Dockerfile, for builds where images have triggers: by the
// reference that FROM has, in any of its forms.
func (f *File) With(triggers map[string][]string) *File {
	with := *f
	with.triggers = map[string][]string{}
	for ref, expressions := range triggers {
		with.triggers[ContextName(ref)] = expressions
	}
	return &with
}

func triggersOf(s *instructions.Stage) []string {
	var expressions []string
	for _, cmd := range s.Commands {
		if on, is := cmd.(*instructions.OnbuildCommand); is {
			expressions = append(expressions, on.Expression)
		}
	}
	return expressions
}

// triggered are the instructions that the base of a stage makes run in it.
func (w *walk) triggered(i int) []instructions.Command {
	var expressions []string
	if parent := w.parents[i]; parent >= 0 {
		expressions = triggersOf(&w.file.stages[parent])
	} else if len(w.file.triggers) > 0 {
		expressions = w.file.triggers[ContextName(w.bases[i])]
	}
	var commands []instructions.Command
	for _, text := range expressions {
		result, err := parser.Parse(strings.NewReader(text))
		if err != nil || len(result.AST.Children) != 1 {
			continue // BuildKit's own parser has taken it in ONBUILD
		}
		node := result.AST.Children[0]
		if at := w.file.stages[i].Location; len(at) > 0 {
			node.StartLine, node.EndLine = at[0].Start.Line, at[len(at)-1].End.Line
		}
		if cmd, err := instructions.ParseCommand(node); err == nil {
			commands = append(commands, cmd)
		}
	}
	return commands
}
