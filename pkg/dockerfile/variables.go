package dockerfile

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// variables are what is known of the environment at one place of a stage. What
// the image has that the stage is built on is not known.
type variables struct {
	lexer   lexer
	args    map[string]string
	globals shell.EnvGetter
	values  map[string]string
	opaque  bool // anything may be set
	missed  bool // something was asked for that is not known
}

var _ shell.EnvGetter = (*variables)(nil)

// child is the environment of a stage that is built on this one.
func (v *variables) child() *variables {
	c := *v
	c.values = maps.Clone(v.values)
	return &c
}

// Get implements [shell.EnvGetter].
func (v *variables) Get(name string) (string, bool) {
	value, ok := v.values[name]
	v.missed = v.missed || !ok || v.opaque
	return value, ok
}

// Keys implements [shell.EnvGetter].
func (v *variables) Keys() []string {
	return slices.Sorted(maps.Keys(v.values))
}

// expand replaces the variables of a word; it is false when one is not known.
func (v *variables) expand(word string) (string, bool) {
	v.missed = false
	expanded, err := v.lexer.expand(word, v)
	return expanded, err == nil && !v.missed
}

// arg does what BuildKit does at ARG.
func (v *variables) arg(cmd *instructions.ArgCommand) {
	for _, a := range cmd.Args {
		if given, ok := v.args[a.Key]; ok {
			v.values[a.Key] = given
		} else if a.Value != nil {
			if value, ok := v.expand(*a.Value); ok {
				v.values[a.Key] = value
			} else {
				delete(v.values, a.Key)
			}
		} else if slices.Contains([]string{"BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"}, a.Key) {
			delete(v.values, a.Key) // the machine that builds is not known
		} else if global, ok := v.globals.Get(a.Key); ok {
			v.values[a.Key] = global
		}
	}
}

// env does what BuildKit does at ENV: no assignment sees those beside it.
func (v *variables) env(cmd *instructions.EnvCommand) {
	before := v.child()
	for _, e := range cmd.Env {
		v.opaque = v.opaque || strings.Contains(e.Key, "$")
		if value, ok := before.expand(e.Value); ok {
			v.values[e.Key] = value
		} else {
			delete(v.values, e.Key)
		}
	}
}
