package script

import (
	"fmt"
	"strings"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// sourced evaluates a script in the same shell.
func (e *evaluator) sourced(i *invocation) {
	if len(i.words) < 2 {
		return
	}
	src := e.open(i, i.words[1])
	if src == nil {
		return
	}
	before := i.st.src
	i.st.src = src
	e.depth++
	e.file(i.st)
	e.depth--
	i.st.src = before
	if i.st.flow == flowReturn {
		i.st.flow = flowOn
	}
}

// interpreter is sh with a script, with a text, or with what it is sent.
func (e *evaluator) interpreter(i *invocation) {
	words := i.words[1:]
	for len(words) > 0 && words[0].why == "" && strings.HasPrefix(words[0].text, "-") {
		if strings.HasSuffix(words[0].text, "c") {
			e.notUnderstood(i, "It runs text as commands. Write the commands themselves.")
			return
		}
		words = words[1:]
	}
	if len(words) == 0 {
		e.notUnderstood(i, "It runs what it is sent as commands. Write the commands themselves.")
		return
	}
	e.otherScript(i, words)
}

// otherScript evaluates a script in a shell of its own.
func (e *evaluator) otherScript(i *invocation, words []word) {
	src := e.open(i, words[0])
	if src == nil {
		return
	}
	st := newState(src, i.st.cwd)
	for name, v := range i.env.vars {
		if v.Exported {
			st.vars[name] = v
		}
	}
	st.arms, st.title = i.st.arms, i.st.title
	st.args, st.called = variables(words[1:]), true
	again, read := e.again(i, src.Name, st.args)
	if !read {
		return
	}
	functions := e.functions
	e.functions = map[string][]*function{}
	e.running = append(e.running, running{src.Name, st.args, true})
	e.depth++
	if again {
		e.within(func() { e.file(st) })
	} else {
		e.file(st)
	}
	e.depth--
	e.running = e.running[:len(e.running)-1]
	e.functions = functions
}

// open reads another script of the repository.
func (e *evaluator) open(i *invocation, w word) *fact.File {
	if w.why != "" {
		e.notUnderstood(i, "Which script it runs is not known. "+w.why)
		return nil
	}
	if e.depth >= maxDepth {
		e.notUnderstood(i, "Scripts run one another too deeply.")
		return nil
	}
	name, ok := inside(join(i.st.cwd, w.text))
	if !ok {
		e.notUnderstood(i, fmt.Sprintf("%s is not in the repository, and was not read.", w.text))
		return nil
	}
	src, err := fact.Read(e.fsys, name)
	if err != nil {
		e.notUnderstood(i, fmt.Sprintf("%s cannot be read: %v.", name, err))
		return nil
	}
	return src
}
