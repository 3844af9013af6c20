package script

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// call evaluates a simple command.
func (e *evaluator) call(st *state, cmd *syntax.CallExpr, redirs []*syntax.Redirect) {
	if len(cmd.Args) == 0 {
		for _, a := range cmd.Assigns {
			e.assign(st, a)
		}
		return
	}
	words := e.fields(st, cmd.Args)
	if len(words) == 0 {
		return
	}
	at := st.src.Span(offset(cmd.Pos()), offset(cmd.End()))
	inner := st
	var assigned []string
	if len(cmd.Assigns) > 0 { // they hold for this command only
		inner = st.clone()
		for _, a := range cmd.Assigns {
			e.assign(inner, a)
			assigned = append(assigned, a.Name.Value)
			if v, set := inner.vars[a.Name.Value]; set {
				v.Exported = true
				inner.vars[a.Name.Value] = v
			}
		}
	}
	e.command(&invocation{st: st, env: inner, assigned: assigned, words: words, at: at, redirs: redirs})
}

// invocation is a command with its words expanded.
type invocation struct {
	st       *state
	env      *state   // st with what was assigned in front of the command
	assigned []string // names of what was
	words    []word
	at       hcl.Range
	redirs   []*syntax.Redirect
}

// with is the same command under fewer words.
func (i *invocation) with(words []word) *invocation {
	c := *i
	c.words = words
	return &c
}

// builders are programs that make images, and of which no more is known here.
var builders = []string{
	"bazel", "buildctl", "crane", "depot", "docker-compose", "earthly", "img", "ko", "make", "nixpacks", "pack",
	"podman-compose", "regctl", "skaffold", "skopeo",
}

func (e *evaluator) command(i *invocation) {
	if len(i.words) == 0 {
		return
	}
	first := i.words[0]
	if first.why != "" {
		e.notUnderstood(i, "Which command it runs is not known. "+first.why)
		return
	}
	name := path.Base(first.text)
	if functions := e.functions[first.text]; len(functions) > 0 {
		e.anyFunction(i, functions)
		return
	}
	switch {
	case slices.Contains(likeDocker, name):
		e.docker(i)
	case name == "buildah":
		e.buildah(i)
	case name == "kaniko", name == "executor" && givesDestination(i.words):
		e.kaniko(i)
	case e.builtin(i, name):
	case slices.Contains(wrappers, name):
		e.wrapped(i, name)
	case name == "eval":
		e.notUnderstood(i, "It runs text as commands. Write the commands themselves.")
	case name == "." || name == "source":
		e.sourced(i)
	case slices.Contains([]string{"sh", "bash", "dash", "ash", "zsh", "ksh"}, name):
		e.interpreter(i)
	case slices.Contains(builders, name):
		e.notUnderstood(i, fmt.Sprintf("%s may build images. Commands of docker, podman, nerdctl, buildah and kaniko are read.", name))
	case strings.HasSuffix(name, ".sh"):
		e.otherScript(i, i.words)
	case makesImage(i.words):
		e.notUnderstood(i, fmt.Sprintf("%s may build images. Commands of docker, podman, nerdctl, buildah and kaniko are read.", name))
	case strings.HasPrefix(first.text, "./") && namesBuild.MatchString(name) && !e.there(i.st, first.text):
		e.notUnderstood(i, "It is not in the repository.")
	case mentionsDocker(i.words[1:]):
		e.notUnderstood(i, fmt.Sprintf("What %s does with its words is not known.", name))
	}
}

// notUnderstood lists a command that may have to do with images.
func (e *evaluator) notUnderstood(i *invocation, why string) {
	e.Fail(fact.RuleNotUnderstood, i.at, "Not understood: "+fact.Shorten(e.source(i.at)), why)
}

func mentionsDocker(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool {
		return slices.Contains(likeDocker, path.Base(w.text)) || fact.Mentions(w.text) &&
			(strings.Contains(w.text, " build") || strings.Contains(w.text, " push"))
	})
}

// wrappers run the command that their words name.
var wrappers = []string{
	"sudo", "env", "exec", "command", "builtin", "nohup", "nice", "ionice", "time", "timeout", "stdbuf", "setsid",
}

var (
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	duration   = regexp.MustCompile(`^[0-9.]+[smhd]?$`)
)

func (e *evaluator) wrapped(i *invocation, name string) {
	words := i.words[1:]
	for len(words) > 0 && words[0].why == "" {
		w := words[0].text
		switch {
		case name == "env" && assignment.MatchString(w):
			key, value, _ := strings.Cut(w, "=")
			i.env = i.env.clone()
			given := text(value)
			given.Exported = true
			i.env.set(key, given)
		case strings.HasPrefix(w, "-"), duration.MatchString(w):
		default:
			e.command(i.with(words))
			if name == "exec" {
				i.st.flow = flowExit
			}
			return
		}
		words = words[1:]
	}
	if mentionsDocker(words) {
		e.notUnderstood(i, "Which command it runs is not known.")
	}
}

// builtin evaluates what the shell does itself.
func (e *evaluator) builtin(i *invocation, name string) bool {
	st, args := i.st, i.words[1:]
	switch name {
	case "cd", "pushd":
		e.changeFolder(st, name, args)
	case "popd":
		st.cwd = unknown
		if n := len(st.stack); n > 0 {
			st.cwd, st.stack = st.stack[n-1], st.stack[:n-1]
		}
	case "exit":
		st.flow = flowExit
	case "return":
		st.flow = flowReturn
	case "break":
		st.flow = flowBreak
	case "continue":
		st.flow = flowContinue
	case "shift":
		n := 1
		if len(args) > 0 {
			if count, err := strconv.Atoi(args[0].text); err == nil && args[0].why == "" {
				n = count
			}
		}
		st.args = st.args[min(max(n, 0), len(st.args)):]
	case "set":
		if at := slices.IndexFunc(args, func(w word) bool { return w.text == "--" && w.why == "" }); at >= 0 {
			st.args, st.called = variables(args[at+1:]), true
		}
	case "unset":
		for _, w := range args {
			delete(st.vars, w.text)
			delete(e.functions, w.text)
		}
	case "read", "mapfile", "readarray", "getopts":
		for _, w := range args {
			if w.why == "" && !strings.HasPrefix(w.text, "-") {
				st.set(w.text, lost(fmt.Sprintf("%s is read while the script runs.", w.text)))
			}
		}
	case "echo", "printf":
		if len(args) > 1 && name == "printf" && args[0].text == "-v" {
			st.set(args[1].text, lost(fmt.Sprintf("%s is made by printf.", args[1].text)))
			break
		}
		e.message(i, args)
	case "trap", "alias":
		if mentionsDocker(args) {
			e.notUnderstood(i, "Commands in quotes are not read.")
		}
	case ":", "true", "false", "test", "[":
	default:
		return false
	}
	return true
}

func (e *evaluator) changeFolder(st *state, name string, args []word) {
	args = slices.DeleteFunc(slices.Clone(args),
		func(w word) bool { return w.why == "" && strings.HasPrefix(w.text, "-") && w.text != "-" })
	before := st.cwd
	switch {
	case len(args) != 1 || args[0].why != "":
		st.cwd = unknown
	case args[0].text == "-":
		st.cwd = unknown
		if old, ok := st.vars["OLDPWD"]; ok && old.Set {
			st.cwd = old.Str
		}
	default:
		st.cwd = join(st.cwd, args[0].text)
	}
	if name == "pushd" {
		st.stack = append(st.stack, before)
	}
	st.set("OLDPWD", text(before))
}

func variables(words []word) []variable {
	vars := make([]variable, 0, len(words))
	for _, w := range words {
		if w.why != "" {
			vars = append(vars, lost(w.why))
			continue
		}
		vars = append(vars, text(w.text))
	}
	return vars
}

// message remembers what a script says before it builds.
func (e *evaluator) message(i *invocation, args []word) {
	if len(i.redirs) > 0 {
		return // into a file
	}
	parts := make([]string, 0, len(args))
	for _, w := range args {
		if w.why != "" {
			i.st.title = nil
			return
		}
		if len(parts) > 0 || !strings.HasPrefix(w.text, "-") {
			parts = append(parts, w.text)
		}
	}
	s := strings.ReplaceAll(strings.Join(parts, " "), `\n`, " ")
	i.st.title = &fact.Text{Value: strings.TrimSpace(s), Range: i.at}
}

// anyFunction evaluates a function of which branches have declared several: it
// is one of them.
func (e *evaluator) anyFunction(i *invocation, functions []*function) {
	if len(functions) == 1 {
		e.function(i, functions[0])
		return
	}
	ways := make([]func(*state), 0, len(functions))
	for _, f := range functions {
		ways = append(ways, func(st *state) {
			one := *i
			one.st = st
			e.function(&one, f)
		})
	}
	e.either(i.st, functions[0].body, ways...)
}

// function evaluates the body of a shell function.
func (e *evaluator) function(i *invocation, f *function) {
	f.called = true
	if e.depth >= maxDepth {
		e.notUnderstood(i, "Functions call one another too deeply.")
		return
	}
	st := i.st
	src, args, called, locals, open := st.src, st.args, st.called, st.locals, st.open
	st.src, st.args, st.called, st.locals, st.open = f.src, variables(i.words[1:]), true, map[string]*variable{}, false
	for _, name := range i.assigned { // in front of the call, and for as long as it takes
		before := st.vars[name]
		st.locals[name] = &before
		st.set(name, i.env.vars[name])
	}
	e.depth++
	e.stmt(st, f.body)
	e.depth--
	for name, before := range st.locals {
		st.set(name, *before)
	}
	st.src, st.args, st.called, st.locals, st.open = src, args, called, locals, open
	if st.flow == flowReturn {
		st.flow = flowOn
	}
}
