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
}

// Runner is the variable of GitLab with the tag of a platform's machines.
type Runner struct {
	Variable string
	Tag      string // unless the project sets the variable
}

// Child is the pipeline of GitLab that builds and tests what a change touches,
// on machines with the tags that runners gives for platforms, or GitLab's own.
// folder is that of the definitions, from the root of the git repository, and
// allow what bake is allowed besides.
func Child(jobs []Job, runners map[string]string, folder string, allow []string) ([]byte, error) {
	r := Repository{Jobs: jobs, Folder: folder, Allow: allow}
	for _, j := range jobs {
		r.Platforms = append(r.Platforms, j.Platform)
	}
	return execute("gitlab-test.yml", struct {
		Repository
		Groups  []Group
		Runners []Runner
	}{r, r.Groups(), r.runners(runners)})
}

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
			g := Group{Platform: platform, Targets: chunk}
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
func (r Repository) Runners() []Runner { return r.runners(nil) }

func (r Repository) runners(given map[string]string) []Runner {
	platforms := slices.Concat(r.Platforms, []string{"linux/amd64"})
	slices.Sort(platforms)
	var list []Runner
	for _, p := range slices.Compact(platforms) {
		tag := given[p]
		switch {
		case tag != "":
		case p == "linux/arm64":
			tag = "saas-linux-small-arm64"
		default:
			tag = "saas-linux-small-amd64"
		}
		list = append(list, Runner{variable(p), tag})
	}
	return list
}

// variable is the name of the variable with a platform's runner.
func variable(platform string) string {
	return "RUNNER_" + strings.ToUpper(strings.NewReplacer("/", "_", ".", "_").Replace(platform))
}

// literal writes a string for YAML, so that GitLab expands no variables in it.
func literal(s string) (string, error) {
	return encode(strings.ReplaceAll(s, "$", "$$"))
}
