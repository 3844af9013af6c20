package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// State is what an image hands to the one that is built on it, as far as it
// concerns the instructions there.
type State struct {
	Workdir string   // "" for what the base image has
	User    string   // the same
	Shell   []string // nil for /bin/sh -c
	Env     []string // NAME=value
}

// Step is one instruction that makes an image: of its stage, or of one that the
// stage is built on.
type Step struct {
	Command instructions.Command
	Range   hcl.Range
	State   // before it
	args    []string
	lexer   lexer
}

// Chain is how the image of a stage is made, from the image that it starts
// with.
type Chain struct {
	Base  string    // reference of that image, expanded; scratch for none
	First hcl.Range // FROM of that image
	From  hcl.Range // FROM of the stage
	Steps []Step    // those of the first stage first
	End   State
}

// Chain follows a build of a stage ("" for the last one) for a platform. args
// are build arguments that are set, and start is what the image gives that it
// is built on. ok is false when there is no such stage.
func (f *File) Chain(stage string, args map[string]string, platform string, start State) (c Chain, ok bool) {
	w := f.walk(args, platform)
	i, ok := w.find(stage)
	if !ok {
		return c, false
	}
	order := []int{i}
	for p := w.parents[i]; p >= 0; p = w.parents[p] {
		order = append(order, p)
	}
	slices.Reverse(order)
	c.Base, c.First, c.From = w.bases[order[0]], f.place(f.stages[order[0]].Location), f.place(f.stages[i].Location)
	state := start
	for _, i := range order {
		var scope []string // arguments that the stage has declared
		for _, cmd := range w.commands[i] {
			step := Step{Command: cmd, Range: f.place(cmd.Location()), State: state, args: scope, lexer: w.lexer}
			c.Steps = append(c.Steps, step)
			if arg, is := cmd.(*instructions.ArgCommand); is {
				scope = step.declare(arg, args, w.globals)
			} else {
				state = step.after()
			}
		}
	}
	c.End = state
	return c, true
}

// Lookup is the value of a variable that the instruction sees.
func (s *Step) Lookup(name string) (string, bool) {
	for _, list := range [][]string{s.args, s.Env} {
		for _, entry := range slices.Backward(list) {
			if key, value, _ := strings.Cut(entry, "="); key == name {
				return value, true
			}
		}
	}
	return "", false
}

// Expand replaces the variables of a word, as BuildKit does where it does.
func (s *Step) Expand(word string) string {
	if literal(word) {
		return word
	}
	text, err := s.lexer.expand(word, shell.EnvsFromSlice(slices.Concat(s.Env, s.args)))
	if err != nil {
		return word
	}
	return text
}

// Path is a path of the image, from its root.
func (s *Step) Path(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", s.Workdir, name)
}

// declare adds arguments to the scope of a stage: what is given, else the
// default, else what the argument was before the first FROM.
func (s *Step) declare(cmd *instructions.ArgCommand, given map[string]string, globals shell.EnvGetter) []string {
	scope := slices.Clone(s.args)
	for _, a := range cmd.Args {
		value, set := given[a.Key]
		if !set && a.Value != nil {
			value, set = s.Expand(*a.Value), true
		}
		if !set {
			value, set = globals.Get(a.Key)
		}
		if set {
			scope = append(scope, a.Key+"="+value)
		}
	}
	return scope
}

// after is the state behind the instruction.
func (s *Step) after() State {
	next := s.State
	switch cmd := s.Command.(type) {
	case *instructions.EnvCommand:
		next.Env = slices.Clone(s.Env)
		for _, e := range cmd.Env {
			next.Env = append(next.Env, e.Key+"="+s.Expand(e.Value))
		}
	case *instructions.WorkdirCommand:
		next.Workdir = s.Path(s.Expand(cmd.Path))
	case *instructions.UserCommand:
		next.User = s.Expand(cmd.User)
	case *instructions.ShellCommand:
		next.Shell = cmd.Shell
	}
	return next
}
