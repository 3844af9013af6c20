package pipeline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

const running = "when it runs"

// github reads a workflow, which may be called with inputs.
func (r *reader) github(s scope, given map[string]any) {
	inputs := map[string]any{rest: running}
	for _, on := range []string{"workflow_dispatch", "workflow_call"} {
		for _, e := range entries(get(get(get(r.root, "on"), on), "inputs")) {
			if given := get(e.value, "default"); given != nil {
				inputs[e.key] = plain(given, &r.budget, 0)
			}
		}
	}
	maps.Copy(inputs, given)
	s = s.with("inputs", inputs)
	s = s.with("env", r.object(get(r.root, "env"), s))
	for _, job := range entries(get(r.root, "jobs")) {
		r.job(job, s)
	}
}

// named gives images that are pushed by digest the names that they get later: those
// that another job joins them under, or that metadata-action gives.
func (r *reader) named() {
	for _, b := range r.digests {
		repo, _ := cut(b.Tags[0].Value)
		var tags []fact.Text
		for _, n := range r.names {
			other, _ := cut(n.Value)
			if other == repo && r.why(n.Value) == "" && !slices.ContainsFunc(tags, func(t fact.Text) bool { return t.Value == n.Value }) {
				tags = append(tags, n)
			}
		}
		if len(tags) > 0 {
			b.Tags = tags
		}
	}
}

// start has what is the same in all of a workflow.
func (r *reader) start() scope {
	github := map[string]any{rest: running, "server_url": "https://github.com", "workspace": "."}
	if r.remote.found {
		owner, name, _ := strings.Cut(r.remote.path, "/")
		github["repository"], github["repository_owner"] = r.remote.path, owner
		github["event"] = map[string]any{rest: running, "repository": map[string]any{rest: running, "name": name}}
	} else {
		why := unknownf("which repository it is, is not known: git has no remote called origin here")
		github["repository"], github["repository_owner"] = why, why
	}
	return scope{
		"github": github, "secrets": map[string]any{rest: running}, "vars": map[string]any{rest: "to GitHub, and not in the repository"},
		"runner": map[string]any{rest: running}, "needs": r.outputs, "matrix": map[string]any{}, "steps": map[string]any{},
		"strategy": map[string]any{rest: running}, "job": map[string]any{rest: running},
	}
}

// job reads a job for each combination of its matrix.
func (r *reader) job(job entry, s scope) {
	if at, why := r.off(job, s, 0); why != "" {
		r.note(fact.Note{Range: r.place(at), Kind: fact.LeftOut, Text: fmt.Sprintf("the job %s: %s", fact.Shorten(job.key), why)})
		r.outputs[job.key] = map[string]any{"result": "skipped"}
		return
	}
	cells := r.matrix(get(get(job.value, "strategy"), "matrix"), s)
	if uses := get(job.value, "uses"); uses != nil {
		for _, cell := range cells {
			r.callWorkflow(uses, get(job.value, "with"), s.with("matrix", cell))
		}
		return
	}
	var builds []*fact.Build
	for _, cell := range cells {
		inner := s.with("matrix", cell).with("steps", map[string]any{})
		inner = inner.with("env", merged(s["env"], r.object(get(job.value, "env"), inner)))
		builds = append(builds, r.steps(job, inner)...)
	}
	r.add(builds)
}

// off says why a job never runs, and where that is said; "" if it may. What its condition
// is, is known for some, and a job that needs one which is off is off as well, if it does
// not ask what became of that.
func (r *reader) off(job entry, s scope, depth int) (*yaml.Node, string) {
	condition := get(job.value, "if")
	if condition != nil {
		if v := r.condition(condition, s); !isUnknown(v) && !truthy(v) {
			return condition, "its condition does not hold"
		}
	}
	if depth > maxLevels || condition != nil && asksStatus.MatchString(condition.Value) {
		return nil, ""
	}
	for _, need := range items(get(job.value, "needs")) {
		if r.budget--; r.budget < 0 {
			break
		}
		if _, why := r.off(entry{key: need.Value, value: get(get(r.root, "jobs"), need.Value)}, s, depth+1); why != "" {
			return need, fmt.Sprintf("it needs the job %s, which does not run", fact.Shorten(need.Value))
		}
	}
	return nil, ""
}

// asksStatus is a condition that is asked even if what is needed did not run.
var asksStatus = regexp.MustCompile(`(?i)\b(always|cancelled|failure)\s*\(`)

// condition is what the condition of a job or a step comes to.
func (r *reader) condition(n *yaml.Node, s scope) any {
	return r.evaluate(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(n.Value), "${{"), "}}"), s)
}

func isUnknown(v any) bool {
	_, is := v.(unknown)
	return is
}

// mentionsImages reports the name of an action or a workflow that may build images.
func mentionsImages(name string) bool {
	lower := strings.ToLower(name)
	return fact.Mentions(lower) || strings.Contains(lower, "image") || strings.Contains(lower, "build-push") ||
		strings.Contains(lower, "container")
}

func merged(a any, b map[string]any) map[string]any {
	all := map[string]any{}
	if m, is := a.(map[string]any); is {
		maps.Copy(all, m)
	}
	maps.Copy(all, b)
	return all
}

// step is one step of a job, in one combination of the matrix.
type step struct {
	*reader
	node  *yaml.Node
	with  *yaml.Node
	scope scope
	arms  []fact.Arm
}

// input is an input of an action.
func (s *step) input(name string) *mapped {
	return s.expand(get(s.with, name), s.scope)
}

func (s *step) value(name string) string { return strings.TrimSpace(s.input(name).String()) }

// steps reads the steps of a job, and returns what they build.
func (r *reader) steps(job entry, s scope) []*fact.Build {
	outputs := map[string]any{}
	s = s.with("steps", outputs)
	var builds []*fact.Build
	for i, node := range items(get(job.value, "steps")) {
		if r.readings++; r.readings > maxReadings || r.bytes > maxReadBytes || r.expanded > maxExpanded {
			return builds
		}
		st := &step{reader: r, node: node, with: get(node, "with"), scope: s.with("env", merged(s["env"], r.object(get(node, "env"), s)))}
		if condition := get(node, "if"); condition != nil {
			if v := r.condition(condition, st.scope); isUnknown(v) {
				st.arms = []fact.Arm{{Node: job.at, Way: i}}
			} else if !truthy(v) {
				r.skipped(st, condition)
				continue
			}
		}
		id := ""
		if n := get(node, "id"); n != nil {
			id = n.Value
		}
		found, out := r.step(st, job)
		builds = append(builds, found...)
		if out == nil {
			out = map[string]any{rest: running}
		}
		if id != "" {
			outputs[id] = map[string]any{"outputs": out, rest: running}
		}
	}
	job.outputs(r, s)
	return builds
}

// skipped notes a step that may build images and does not run: where a combination of the
// matrix decides, it is not in this one.
func (r *reader) skipped(st *step, condition *yaml.Node) {
	uses, run := get(st.node, "uses"), get(st.node, "run")
	if strings.Contains(condition.Value, "matrix.") || (uses == nil || !mentionsImages(uses.Value)) && (run == nil || !fact.Mentions(run.Value)) {
		return
	}
	r.note(fact.Note{Range: r.place(condition), Kind: fact.LeftOut, Text: "a step: its condition does not hold"})
}

// outputs are what other jobs can know of a job.
func (e entry) outputs(r *reader, s scope) {
	r.outputs[e.key] = map[string]any{"outputs": r.object(get(e.value, "outputs"), s), "result": "success"}
}

// step reads one step: what it builds, and its outputs if they are known.
func (r *reader) step(st *step, job entry) ([]*fact.Build, map[string]any) {
	if run := get(st.node, "run"); run != nil {
		return r.run(st, run, job), nil
	}
	uses := get(st.node, "uses")
	if uses == nil {
		return nil, nil
	}
	action, _, _ := strings.Cut(uses.Value, "@")
	switch strings.ToLower(action) {
	case "docker/build-push-action", "depot/build-push-action", "useblacksmith/build-push-action":
		if b := r.buildPush(st, uses); b != nil {
			return []*fact.Build{b}, nil
		}
	case "docker/bake-action", "depot/bake-action":
		r.bakeAction(st)
	case "docker/metadata-action", "crazy-max/ghaction-docker-meta":
		return nil, r.metadata(st)
	case "docker/login-action", "docker/setup-buildx-action", "docker/setup-qemu-action", "docker/setup-docker-action", "docker/scout-action",
		"docker/setup-compose-action":
	default:
		if strings.HasPrefix(action, "./") {
			return r.callAction(st, uses, job), nil
		}
		if mentionsImages(action) && strings.Contains(strings.ToLower(action), "build") {
			r.fail(fact.RuleNotUnderstood, r.place(uses), fmt.Sprintf("The action %s is not read", fact.Shorten(action)),
				"What it builds is not imported. Only docker/build-push-action, docker/bake-action and docker commands are.")
		}
	}
	return nil, nil
}

// run reads the commands of a step as a script.
func (r *reader) run(st *step, run *yaml.Node, job entry) []*fact.Build {
	if shell := get(st.node, "shell"); shell != nil && !strings.Contains(shell.Value, "sh") || shell != nil && strings.Contains(shell.Value, "pwsh") {
		if fact.Mentions(run.Value) {
			r.fail(fact.RuleNotUnderstood, r.place(run), "A step for another shell is not read", "Only commands for sh and bash are.")
		}
		return nil
	}
	dir := ""
	for _, n := range []*yaml.Node{
		get(get(get(r.root, "defaults"), "run"), "working-directory"), get(get(get(job.value, "defaults"), "run"), "working-directory"),
		get(st.node, "working-directory"),
	} {
		if n != nil {
			dir = r.expand(n, st.scope).String()
		}
	}
	env, _ := st.scope["env"].(map[string]any)
	variables := merged(r.predefinedGitHub(), env)
	return r.script(r.expand(run, st.scope), variables, dir, st.arms)
}

// predefinedGitHub are variables that GitHub sets.
func (r *reader) predefinedGitHub() map[string]any {
	all := map[string]any{}
	for _, name := range []string{
		"GITHUB_ACTOR", "GITHUB_HEAD_REF", "GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_RUN_ID", "GITHUB_RUN_NUMBER", "GITHUB_SHA", "GITHUB_TOKEN",
	} {
		all[name] = unknownf("%s is another in each run", name)
	}
	if r.remote.found {
		owner, _, _ := strings.Cut(r.remote.path, "/")
		all["GITHUB_REPOSITORY"], all["GITHUB_REPOSITORY_OWNER"] = r.remote.path, owner
	}
	return all
}

// sentence begins with a capital letter, if not with a name, and ends with a full
// stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if first, _, _ := strings.Cut(s, " "); strings.ContainsAny(first, "._") {
		return s + "."
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// add adds builds to the source. Those of one step that differ in their platforms
// only are one: each machine builds its own.
func (r *reader) add(builds []*fact.Build) {
	var kept []*fact.Build
	for _, b := range builds {
		at := slices.IndexFunc(kept, func(o *fact.Build) bool { return o.Range == b.Range && alike(o, b) })
		if at < 0 {
			kept = append(kept, b)
			continue
		}
		for _, p := range b.Platforms {
			if !slices.ContainsFunc(kept[at].Platforms, func(o fact.Text) bool { return o.Value == p.Value }) {
				kept[at].Platforms = append(kept[at].Platforms, p)
			}
		}
	}
	for _, b := range kept {
		r.source.Events = append(r.source.Events, fact.Event{Build: b, Range: b.Range})
	}
}

// alike reports builds that differ in their platforms only.
func alike(a, b *fact.Build) bool {
	values := func(list []fact.Text) []string {
		var all []string
		for _, t := range list {
			all = append(all, t.Value)
		}
		return all
	}
	lists := func(b *fact.Build) []string {
		all := append([]string{b.Context.Value, b.DockerfilePath()}, values(b.Tags)...)
		if b.Target != nil {
			all = append(all, "target "+b.Target.Value)
		}
		for kind, list := range [][]fact.Pair{b.Args, b.Labels, b.Contexts, b.Images, b.Upstream, b.Secrets} {
			for _, p := range list {
				all = append(all, fmt.Sprint(kind, p.Name, "=", p.Value))
			}
		}
		return all
	}
	return slices.Equal(lists(a), lists(b))
}
