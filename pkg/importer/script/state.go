package script

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// root is the root of the repository, under a name that no script has.
const root = "/.repository"

// unknown marks the working folder when it is not known; no path has it.
const unknown = "\x00"

// flow says how a list of commands ended.
type flow int

const (
	flowOn flow = iota
	flowContinue
	flowBreak
	flowReturn
	flowExit
)

// variable is a shell variable. why is empty, or says why its value is not
// known.
type variable struct {
	expand.Variable
	why   string
	given bool // by what a function or a script is called with
}

// state is what the commands before have left: it is copied where the shell
// would start another process, and where it could go either way.
type state struct {
	src    *fact.File
	vars   map[string]variable
	cwd    string // absolute; unknown
	stack  []string
	args   []variable
	called bool // args are those of a function, and not of the script
	open   bool // it is in a loop of which nobody knows how often it runs
	locals map[string]*variable
	arms   []fact.Arm
	flow   flow
	title  *fact.Text
}

func newState(src *fact.File, cwd string) *state {
	return &state{src: src, vars: map[string]variable{}, cwd: cwd}
}

func (st *state) clone() *state {
	c := *st
	c.vars = maps.Clone(st.vars)
	c.stack = slices.Clone(st.stack)
	c.args = slices.Clone(st.args)
	c.arms = slices.Clone(st.arms)
	c.locals = maps.Clone(st.locals)
	return &c
}

// set gives a variable a value, or none.
func (st *state) set(name string, v variable) {
	if !v.Set && v.why == "" {
		delete(st.vars, name)
		return
	}
	st.vars[name] = v
}

func text(s string) variable {
	return variable{Variable: expand.Variable{Set: true, Kind: expand.String, Str: s}}
}

func lost(why string) variable { return variable{why: why} }

// merge is the state after one of several ways was gone: what they do not agree
// on is not known any more. Ways that end the script do not count.
func (st *state) merge(ways []*state, why string) {
	going := slices.DeleteFunc(slices.Clone(ways), func(w *state) bool { return w.flow == flowExit })
	if len(going) == 0 {
		st.flow = flowExit
		return
	}
	names := map[string]bool{}
	for _, w := range going {
		for name := range w.vars {
			names[name] = true
		}
	}
	first := going[0]
	vars := map[string]variable{}
	for name := range names {
		v, same := first.vars[name], true
		for _, w := range going[1:] {
			same = same && sameVariable(v, w.vars[name])
		}
		if !same {
			v = lost(name + " " + why)
		}
		if v.Set || v.why != "" {
			vars[name] = v
		}
	}
	st.vars, st.cwd, st.stack, st.args, st.title = vars, first.cwd, first.stack, first.args, first.title
	st.flow = first.flow
	for _, w := range going {
		for name, before := range w.locals {
			if _, noted := st.locals[name]; !noted && st.locals != nil {
				st.locals[name] = before
			}
		}
	}
	for _, w := range going[1:] {
		if w.cwd != st.cwd {
			st.cwd = unknown
		}
		if !slices.EqualFunc(w.args, st.args, sameVariable) {
			st.args, st.called = nil, false
		}
		if w.title != st.title {
			st.title = nil
		}
		st.flow = min(st.flow, w.flow)
	}
}

func sameVariable(a, b variable) bool {
	return a.why == b.why && a.Set == b.Set && a.Kind == b.Kind && a.Str == b.Str && slices.Equal(a.List, b.List) &&
		maps.Equal(a.Map, b.Map)
}

// environ shows a state to package expand. hit is why the last value that was
// asked for is not known; splits is why nobody knows at what words are split.
type environ struct {
	*state
	hit    string
	splits string
	given  bool // it was asked for what a function or a script is called with
}

// Each lists nothing: it is for programs that are run, and none is.
func (env *environ) Each(func(string, expand.Variable) bool) {}

// Get is the value of a variable or parameter.
func (env *environ) Get(name string) expand.Variable {
	switch {
	case name == "PWD":
		return text(env.cwd).Variable
	case name == "HOME" || strings.HasPrefix(name, "HOME "):
		env.hit = "It depends on the home folder of who runs the script."
		return text("").Variable
	case name == "0":
		return text(path.Join(root, env.src.Name)).Variable
	case name == "BASH_SOURCE":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: []string{path.Join(root, env.src.Name)}}
	case name == "IFS":
		v, given := env.vars[name]
		if !given {
			return expand.Variable{}
		}
		if v.why != "" { // asked for each word, and of no meaning for most
			env.splits = v.why
			return expand.Variable{}
		}
	case name == "?" || name == "!" || name == "$" || name == "PPID":
		env.hit = "$" + name + " depends on the run of the script."
		return text("0").Variable
	case name == "@" || name == "*" || name == "#":
		return env.allArgs(name)
	}
	if n, err := strconv.Atoi(name); err == nil {
		env.given = env.given || env.called
		if n < 1 || n > len(env.args) {
			return expand.Variable{}
		}
		return env.known(env.args[n-1])
	}
	return env.known(env.vars[name])
}

// known is the value of a variable, or an empty one and the reason.
func (env *environ) known(v variable) expand.Variable {
	env.given = env.given || v.given
	if v.why != "" {
		env.hit = v.why
		return text("").Variable
	}
	return v.Variable
}

// allArgs is $@, $* or $#.
func (env *environ) allArgs(name string) expand.Variable {
	if !env.called {
		env.hit = "$" + name + calledWith
		return text("").Variable
	}
	env.given = true
	if name == "#" {
		return text(strconv.Itoa(len(env.args))).Variable
	}
	list := make([]string, 0, len(env.args))
	for _, a := range env.args {
		list = append(list, env.known(a).Str)
	}
	return expand.Variable{Set: true, Kind: expand.Indexed, List: list}
}

// Set is for ${x:=y} and arithmetic.
func (env *environ) Set(name string, v expand.Variable) error {
	if v.Kind == expand.KeepValue || len(v.Str) > maxValue {
		return errors.New("a value that is too large")
	}
	if env.hit != "" {
		env.set(name, lost(name+" is made of something unknown."))
		return nil
	}
	env.set(name, variable{Variable: v})
	return nil
}
