package workflow

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxParallel is how many jobs GitLab makes of one matrix:
// https://docs.gitlab.com/ci/yaml/#parallelmatrix.
const maxParallel = 200

// Group is the jobs of GitLab that have a matrix in common.
type Group struct {
	Name     string // behind the platform: "", or where it has several which one this is
	Platform string
	Targets  []string // one job each
	Tags     []string // variables with those of its machines
}

// Runner is the variable of GitLab with the tag of a platform's machines.
type Runner struct {
	Variable string
	Tag      string // unless the project sets the variable
}

// Child is the pipeline of GitLab that does the jobs of a repository: builds and
// tests of what a change touches.
func (r Repository) Child() ([]byte, error) {
	r.Platforms = nil
	for _, j := range r.Jobs {
		r.Platforms = append(r.Platforms, j.Platform)
	}
	return execute("gitlab-test.yml", r)
}

// Pushes are the conditions of GitLab for pushes that are tested.
func (r Repository) Pushes() []string {
	var all []string
	for _, branch := range r.Branches {
		is := `== "` + branch + `"`
		if strings.Contains(branch, "*") {
			is = "=~ /^" + branchPattern.Replace(branch) + "$/"
		}
		all = append(all, `$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH `+is)
	}
	return all
}

// branchPattern makes a regular expression of what GitHub takes for branches.
var branchPattern = strings.NewReplacer("**", ".*", "*", "[^/]*", ".", `\.`, "+", `\+`, "/", `\/`)

// Groups are the jobs of a release, by platform.
func (r Repository) Groups() []Group {
	targets := map[string][]string{}
	for _, j := range r.Jobs {
		targets[j.Platform] = append(targets[j.Platform], j.Targets)
	}
	var list []Group
	for _, platform := range slices.Sorted(maps.Keys(targets)) {
		part := 0
		for chunk := range slices.Chunk(targets[platform], maxParallel) {
			g := Group{Platform: platform, Targets: chunk, Tags: r.Tags(platform)}
			if part++; len(targets[platform]) > maxParallel {
				g.Name = fmt.Sprintf(", part %d", part)
			}
			list = append(list, g)
		}
	}
	return list
}

// Runners are the machines that GitLab has for the platforms of a repository,
// and for what belongs to none. BuildKit's image brings what emulates the rest.
func (r Repository) Runners() []Runner {
	platforms := slices.Concat(r.Platforms, []string{"linux/amd64"})
	slices.Sort(platforms)
	var list []Runner
	for _, p := range slices.Compact(platforms) {
		for i, tag := range r.gitLab(p) {
			list = append(list, Runner{variable(p, i), tag})
		}
	}
	return list
}

// Tags are the variables with the tags of a platform's machine.
func (r Repository) Tags(platform string) []string {
	var names []string
	for i := range r.gitLab(platform) {
		names = append(names, variable(platform, i))
	}
	return names
}

// variable is the name of the variable with a platform's runner, or with another
// tag of it.
func variable(platform string, i int) string {
	name := "RUNNER_" + strings.ToUpper(strings.NewReplacer("/", "_", ".", "_").Replace(platform))
	if i > 0 {
		name += fmt.Sprintf("_%d", i+1)
	}
	return name
}

// literal writes a string for YAML, so that GitLab expands no variables in it.
func literal(s string) (string, error) {
	return encode(strings.ReplaceAll(s, "$", "$$"))
}
