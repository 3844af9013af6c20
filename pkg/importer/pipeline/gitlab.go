package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// keywords are keys of a pipeline that are no jobs.
var keywords = []string{
	"after_script", "before_script", "cache", "default", "image", "include", "pages", "services", "spec", "stages", "variables", "workflow",
}

// moments are variables that GitLab sets, and that are others each time.
var moments = []string{
	"CI_BUILD_REF", "CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_TAG",
	"CI_COMMIT_TIMESTAMP", "CI_JOB_ID", "CI_JOB_TOKEN", "CI_MERGE_REQUEST_IID", "CI_PIPELINE_CREATED_AT", "CI_PIPELINE_ID", "CI_PIPELINE_IID",
	"CI_REGISTRY_PASSWORD", "CI_REGISTRY_USER",
}

// gitlab reads a pipeline.
func (r *reader) gitlab() {
	if include := get(r.root, "include"); include != nil {
		for _, item := range items(include) {
			name := item.Value
			if local := get(item, "local"); local != nil {
				name = local.Value
			}
			r.note(fact.Note{Range: r.place(item), Kind: fact.LeftOut, Text: fmt.Sprintf(
				"what %s brings: included files are not read; jobs that are written out here are", or(strings.TrimPrefix(name, "/"), "the include"))})
		}
	}
	global := r.predefined()
	maps.Copy(global, r.variables(get(r.root, "variables")))
	for _, job := range entries(r.root) {
		if slices.Contains(keywords, job.key) || strings.HasPrefix(job.key, ".") || job.value == nil || job.value.Kind != yaml.MappingNode {
			continue
		}
		r.gitlabJob(job, global)
	}
}

// predefined are the variables that GitLab sets.
func (r *reader) predefined() map[string]any {
	all := map[string]any{"CI_PROJECT_DIR": ".", "CI_REGISTRY": "registry.gitlab.com"}
	for _, name := range moments {
		all[name] = unknownf("%s is another in each pipeline", name)
	}
	if !r.remote.found {
		for _, name := range []string{"CI_REGISTRY_IMAGE", "CI_PROJECT_PATH", "CI_PROJECT_NAME", "CI_PROJECT_NAMESPACE"} {
			all[name] = unknownf("%s is not known: git has no remote called origin here", name)
		}
		return all
	}
	if at := mentions(r.root, "CI_REGISTRY", 0); at != nil && r.remote.host != "gitlab.com" {
		r.note(fact.Note{Range: r.place(at), Text: fmt.Sprintf(
			"the registry of %s is registry.%s: GitLab knows the name, and no file does; say another by --registry",
			r.remote.host, r.remote.host)})
	}
	path := strings.ToLower(r.remote.path)
	last := strings.LastIndexByte(path, '/')
	all["CI_REGISTRY"] = "registry." + r.remote.host
	all["CI_REGISTRY_IMAGE"] = "registry." + r.remote.host + "/" + path
	all["CI_PROJECT_PATH"], all["CI_PROJECT_NAME"], all["CI_PROJECT_NAMESPACE"] = r.remote.path, path[last+1:], path[:max(last, 0)]
	return all
}

// deepest is how many nodes deep is looked: what anybody writes has fewer.
const deepest = 100

// mentions is the first scalar below a node that has a text in it.
func mentions(n *yaml.Node, text string, depth int) *yaml.Node {
	if n == nil || depth > deepest {
		return nil
	}
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, text) {
		return n
	}
	for _, child := range n.Content {
		if found := mentions(child, text, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// variables are those of a pipeline or a job.
func (r *reader) variables(n *yaml.Node) map[string]any {
	all := map[string]any{}
	for _, e := range entries(n) {
		value := e.value
		if own := get(value, "value"); own != nil {
			value = own
		}
		all[e.key] = r.scalar(value).String()
	}
	return all
}

// gitlabJob reads a job for each combination of its matrix.
func (r *reader) gitlabJob(job entry, global map[string]any) {
	chain := r.extended(job.value, 0)
	variables := maps.Clone(global)
	for _, n := range slices.Backward(chain) {
		maps.Copy(variables, r.variables(get(n, "variables")))
	}
	var script []*yaml.Node
	for _, key := range []string{"before_script", "script"} {
		found := first(chain, key)
		if found == nil && key == "before_script" {
			if found = get(get(r.root, "default"), key); found == nil {
				found = get(r.root, key)
			}
		}
		lines := r.lines(found, 0)
		script = append(script, lines...)
		if key == "script" && !slices.ContainsFunc(lines, func(n *yaml.Node) bool {
			return fact.Mentions(n.Value) || strings.Contains(n.Value, ".sh")
		}) {
			return // it logs in, like all jobs
		}
	}
	var builds []*fact.Build
	for _, cell := range r.parallel(get(first(chain, "parallel"), "matrix")) {
		own := maps.Clone(variables)
		maps.Copy(own, cell)
		resolve(own)
		commands := r.made()
		for _, line := range script {
			text := r.scalar(line)
			commands.Copy(text.Made, 0, text.Len())
			commands.put("\n", r.offset(line), false)
		}
		if r.readings++; r.readings > maxReadings {
			break
		}
		builds = append(builds, r.script(commands, own, "", nil)...)
	}
	if len(builds) == 0 {
		return
	}
	if at := never(chain); at != nil {
		r.note(fact.Note{Range: r.place(at), Kind: fact.LeftOut, Text: fmt.Sprintf("the job %s: its rules say never", fact.Shorten(job.key))})
		return
	}
	r.rules(chain)
	r.add(builds)
}

// never is where it is said that a job is in no pipeline: all of its rules say so, or the
// first one that always holds and those before it. nil if it may be in one.
func never(chain []*yaml.Node) *yaml.Node {
	list := items(first(chain, "rules"))
	for _, rule := range list {
		if when := get(rule, "when"); when == nil || when.Value != "never" {
			return nil
		}
		if get(rule, "if") == nil && get(rule, "changes") == nil && get(rule, "exists") == nil {
			return rule
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// rules lists variables that rules change: what is built then is not imported.
func (r *reader) rules(chain []*yaml.Node) {
	for _, rule := range items(first(chain, "rules")) {
		for _, e := range entries(get(rule, "variables")) {
			r.warn(fact.RuleInexpressible, r.place(e.at), fmt.Sprintf("A rule changes the variable %s", fact.Shorten(e.key)),
				"What is built then is not imported. Build it in a job of its own, and import again.")
		}
	}
}

// extended is a job, and those that it extends: its own first.
func (r *reader) extended(n *yaml.Node, depth int) []*yaml.Node {
	all := []*yaml.Node{n}
	if depth > maxLevels {
		return all
	}
	parents := items(get(n, "extends"))
	for _, parent := range slices.Backward(parents) {
		if found := get(r.root, parent.Value); found != nil && len(all) < maxLevels {
			all = append(all, r.extended(found, depth+1)...)
		}
	}
	return all[:min(len(all), maxLevels)]
}

func first(chain []*yaml.Node, key string) *yaml.Node {
	for _, n := range chain {
		if found := get(n, key); found != nil {
			return found
		}
	}
	return nil
}

// lines are the commands of a script, whose lists may be in one another.
func (r *reader) lines(n *yaml.Node, depth int) []*yaml.Node {
	var all []*yaml.Node
	if depth > maxLevels {
		return nil
	}
	if n != nil && n.Tag == "!reference" && len(n.Content) > 0 { // !reference [.job, script]
		found := r.root
		for _, key := range n.Content {
			found = get(found, key.Value)
		}
		return r.lines(found, depth+1)
	}
	for _, item := range items(n) {
		if r.budget--; r.budget < 0 {
			return all
		}
		switch item.Kind {
		case yaml.SequenceNode:
			all = append(all, r.lines(item, depth+1)...)
		case yaml.ScalarNode:
			all = append(all, item)
		}
	}
	return all
}

// parallel lists the combinations of a matrix: each of its entries has its own axes.
func (r *reader) parallel(n *yaml.Node) []map[string]any {
	if n == nil {
		return []map[string]any{{}}
	}
	var all []map[string]any
	for _, item := range items(n) {
		cells := []map[string]any{{}}
		for _, axis := range entries(item) {
			var more []map[string]any
			for _, cell := range cells {
				for _, v := range items(axis.value) {
					one := maps.Clone(cell)
					one[axis.key] = r.scalar(v).String()
					more = append(more, one)
					if len(more) > maxCells {
						r.fail(fact.RuleNotUnderstood, r.place(item), "The matrix has too many combinations",
							fmt.Sprintf("It has more than %d, and is left out.", maxCells))
						return nil
					}
				}
			}
			cells = more
		}
		all = append(all, cells...)
	}
	if len(all) > maxCells {
		return all[:maxCells]
	}
	return all
}

// resolve fills variables in that stand in others.
func resolve(variables map[string]any) {
	for range 4 { // as deep as people write it
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			value, is := variables[name].(string)
			if !is || !strings.Contains(value, "$") || len(value) > maxValue {
				continue
			}
			variables[name] = filled(value, variables, name)
		}
	}
	for name, value := range variables {
		if s, is := value.(string); is && reference.MatchString(s) {
			variables[name] = unknownf("%s of %s is not set in this pipeline", reference.FindString(s), name)
		}
	}
}

// filled is a value with the variables of others in it.
func filled(value string, variables map[string]any, own string) any {
	var why string
	grown := 0
	out := reference.ReplaceAllStringFunc(value, func(ref string) string {
		name := strings.Trim(ref, "${}")
		found, has := variables[name]
		if !has || name == own {
			return ref
		}
		s, open := text(found)
		if grown += len(s); grown > maxValue {
			open = "it is too long"
		}
		if open != "" {
			why = open
			return ""
		}
		return s
	})
	if why != "" {
		return unknown{why}
	}
	return out
}
