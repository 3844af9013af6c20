package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/affected"
	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/repository"
	"github.com/runbake/runbake/pkg/workflow"
)

func newWorkflow(a *app) *cobra.Command {
	var check, force bool
	cmd := &cobra.Command{
		Use:   "workflow",
		Short: "Write the workflows that test and release",
		Long: `Workflow writes GitHub Actions workflows to .github/workflows, or .gitlab-ci.yml for
GitLab, as the attribute workflows of the project says. The block workflow of the
project sets runners, branches, schedules and logins. The files are written to the
root of the git repository, even if the definitions are in a subfolder.

test.yml checks pull requests, and builds and tests the affected images on a runner
for each platform. It has no secrets except those that the definitions name, and
pushes nothing.

release.yml runs for tags v* and on demand. Each image is built on a runner for each
platform, tested, and pushed by digest; then runbake publish joins the platforms and
moves the tags, and cosign signs. A failure only affects its own image.

lock.yml queries the upstream images every week, and opens a pull request.

.gitlab-ci.yml does all of this for merge requests, tags v* and schedules. It has a
job for each image and platform, so it changes with the definitions.

With --check nothing is written: files that are out of date are shown as a diff, and
the exit code is 3. Each file names the release of runbake that wrote it, and
installs that release; --check reports if another release would write something
else. A file that runbake did not write is only replaced with --force.`,
		Example: `  runbake workflow           # write .github/workflows/*.yml
  runbake workflow --check   # in CI: fail when someone forgot to`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.workflow(cmd.Context(), check, force)
		},
	}
	checkFlag(cmd, &check)
	forceFlag(cmd, &force, forceReplace)
	return cmd
}

func (a *app) workflow(ctx context.Context, check, force bool) error {
	r, err := a.load(ctx)
	if err != nil {
		return err
	}
	outputs, err := a.workflowOutputs(r, force)
	if err != nil {
		return err
	}
	if check {
		return a.drift(outputs, "workflow")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	return a.write(outputs, force)
}

// workflowOutputs are the workflows of a repository as files to write.
func (a *app) workflowOutputs(r *repository.Repository, force bool) ([]*output, error) {
	own, err := a.ownRepository()
	if err != nil {
		return nil, err
	}
	checkout, err := git.Find(a.dir)
	if err != nil {
		return nil, err
	}
	file := r.File()
	release := affected.Compare(nil, affected.State{File: file}, "release")
	release.Keep(func(_, deprecated string) bool { return deprecated == "" })
	repository := workflow.Repository{
		Services: r.Catalogue.Project.Workflows, Registry: r.Catalogue.Project.Registry, Others: otherRegistries(r.Catalogue, file), Platforms: file.Platforms(),
		Jobs: workflowJobs(release), Own: own, Version: versionsOf(a.env.Build).Runbake,
		Folder: checkout.Folder, Submodules: len(checkout.Submodules) > 0, LFS: checkout.LFS,
		Secrets: secretVariables(file), SSH: slices.ContainsFunc(file.Targets, usesAgent), Allow: allowed(file),
		Settings: workflowSettings(r.Catalogue.Project.Workflow, nil),
	}
	workflows, err := repository.Files()
	if err != nil {
		return nil, err
	}
	version := repository.Release()
	root := a.dir // as it was given, for what is said
	if checkout.Folder != "" {
		root = checkout.Root
	}
	var outputs []*output
	for _, w := range workflows {
		o, err := newOutput(w.Name, root, w.Name, w.Text, "", marked)
		if err != nil {
			return nil, err
		}
		have, is := workflow.ReadHeader(o.have)
		if is && have.Folder != checkout.Folder && !force {
			return nil, &exitError{exitFailed, fmt.Sprintf("%s was written for the definitions in %s, and these are in %s: a repository has one folder with workflows; "+
				"move them together, or remove the file", w.Name, cmp.Or(have.Folder, "the root"), cmp.Or(checkout.Folder, "the root"))}
		}
		if is && have.Version != "" && have.Version != version {
			o.drift = "was written by runbake " + have.Version + ", and " + cmp.Or(version, "this one, which is no release,") + " writes something else"
		}
		outputs = append(outputs, o)
	}
	return outputs, nil
}

// workflowSettings are what a project says of its workflows, with machines that are
// named besides, by platform.
func workflowSettings(w catalogue.Workflow, runners map[string]string) workflow.Settings {
	s := workflow.Settings{
		Runners: maps.Clone(w.Runners), Branches: w.Branches, MergeGroup: w.MergeGroup, Schedule: w.Schedule,
		NoLogin: w.Login == catalogue.LoginNever, LoginTests: w.Login == catalogue.LoginAlways, Site: w.Site,
	}
	if s.Runners == nil {
		s.Runners = map[string][]string{}
	}
	for platform, label := range runners {
		s.Runners[platform] = []string{label}
	}
	return s
}

// otherRegistries are those that a release logs in to besides the project's.
func otherRegistries(c *catalogue.Catalogue, f *bake.File) []string {
	return slices.Concat(c.Project.Registries, f.OwnRegistries())
}

// secretVariables are the variables that secrets of images come from, sorted.
func secretVariables(f *bake.File) []string {
	names := map[string]bool{}
	for i := range f.Targets {
		for _, source := range f.Targets[i].Secrets {
			if name, found := strings.CutPrefix(source, "env="); found {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func usesAgent(t bake.Target) bool { return len(t.SSH) > 0 }

// allowed is what bake asks for before it builds these images, sorted.
func allowed(f *bake.File) []string {
	names := map[string]bool{}
	for i := range f.Targets {
		for _, e := range f.Targets[i].Entitlements {
			names[e] = true
		}
		if usesAgent(f.Targets[i]) {
			names["ssh"] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// workflowJobs are the jobs that a report comes to.
func workflowJobs(r *affected.Report) []workflow.Job {
	var jobs []workflow.Job
	for _, row := range r.Jobs() {
		jobs = append(jobs, workflow.Job{Platform: row.Platform, Targets: row.Targets})
	}
	return jobs
}

// ownRepository reports whether this is the repository of runbake itself.
func (a *app) ownRepository() (bool, error) {
	fsys, err := a.open()
	if err != nil {
		return false, err
	}
	defer fsys.Close()
	text, err := readIfThere(fsys, "go.mod")
	return regexp.MustCompile(`(?m)^module github\.com/runbake/runbake$`).Match(text), err
}
