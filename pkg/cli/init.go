package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/importer"
	"github.com/runbake/runbake/pkg/repofs"
	"github.com/runbake/runbake/pkg/repository"
	"github.com/runbake/runbake/pkg/scaffold"
	"github.com/runbake/runbake/pkg/workflow"
)

type initOptions struct {
	scaffold.ProjectOptions
	workflow string
}

func newInit(a *app) *cobra.Command {
	var opts initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Start a repository of images",
		Long: `Init creates a minimal project: runbake.hcl, which names the registry, and
.gitattributes, which keeps line endings the same on every machine. With --workflow
it also writes the workflows that test and release.

It lists what builds images in this repository already (scripts, bake files,
workflows, Dockerfiles) and the next command to run: runbake import, which writes
definitions from these, or runbake new, which starts a runtime. Import extends the
new project as long as it has not been edited.

Files are only replaced with --force; an existing .gitattributes is extended, never
replaced.`,
		Example: `  runbake init                              # then write the registry into runbake.hcl
  runbake init --registry ghcr.io/acme
  runbake init --registry registry.gitlab.com/acme/images --workflow gitlab
  runbake init -C images --registry ghcr.io/acme`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.init(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.Registry, "registry", "", "registry and path: where images are pushed to")
	f.StringVar(&opts.workflow, "workflow", "", "write the workflows of a service as well: github or gitlab")
	forceFlag(cmd, &opts.Force, forceReplace)
	for flag, complete := range map[string]cobra.CompletionFunc{
		"registry": cobra.NoFileCompletions, "workflow": words(workflow.GitHub, workflow.GitLab),
	} {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // the flag was defined above
		}
	}
	return cmd
}

// checkRegistry checks the value of --registry.
func checkRegistry(registry string) error {
	if _, err := reference.ParseNormalizedNamed(registry + "/image"); registry != "" && err != nil {
		return fmt.Errorf("--registry=%s: write host[:port][/path], in lower case and without a scheme", registry)
	}
	return nil
}

// init starts a repository.
func (a *app) init(ctx context.Context, o initOptions) error {
	if err := checkRegistry(o.Registry); err != nil {
		return err
	}
	if o.workflow != "" {
		if err := checkWord("workflow", o.workflow, workflow.GitHub, workflow.GitLab); err != nil {
			return err
		}
		if o.workflow != workflow.GitHub { // which is the default
			o.Services = []string{o.workflow}
		}
	}
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	change, err := scaffold.NewProject(o.ProjectOptions, fsys)
	if err != nil {
		return err
	}
	outputs, err := a.initOutputs(fsys, change, o)
	if err != nil {
		return err
	}
	found, err := budget.Until(ctx, func() ([]importer.Found, error) { return importer.Find(fsys), nil })
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	if err := a.write(outputs, o.Force); err != nil {
		return err
	}
	if err := importer.WriteFound(a.env.Stderr, found); err != nil {
		return err
	}
	steps := slices.Concat(change.Next, nextOf(found))
	if o.workflow != "" {
		steps = append(steps, "runbake workflow, when there are images: its jobs follow from them")
	}
	a.tellSteps(steps)
	return nil
}

// initOutputs are the files of a new project, as all that people edit: nothing that
// is there is taken for ours.
func (a *app) initOutputs(fsys *repofs.FS, change *scaffold.Change, o initOptions) ([]*output, error) {
	var outputs []*output
	for _, f := range change.Files {
		w, err := newOutput(f.Path, a.dir, f.Path, f.Content, "", func([]byte) bool { return false })
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, w)
	}
	if o.workflow == "" {
		return outputs, nil
	}
	r, err := repository.Load(change.Over(fsys))
	if err != nil {
		return nil, err
	}
	if r.Diagnostics.HasErrors() {
		return nil, a.usable(r)
	}
	workflows, err := a.workflowOutputs(r, o.Force)
	return append(outputs, workflows...), err
}

// startedProject is a project that nobody has edited yet, and the repository without
// it: an import completes it.
func startedProject(fsys *repofs.FS) (scaffold.ProjectOptions, fs.FS) {
	started, untouched := scaffold.Untouched(fsys)
	if !untouched {
		return scaffold.ProjectOptions{}, fsys
	}
	return started, unstarted{fsys}
}

// unstarted is a repository without its project.
type unstarted struct{ *repofs.FS }

func (unstarted) hides(op, name string) error {
	if name == definition.ProjectFile {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

// Open implements [fs.FS].
func (u unstarted) Open(name string) (fs.File, error) {
	if err := u.hides("open", name); err != nil {
		return nil, err
	}
	return u.FS.Open(name)
}

// ReadFile implements [fs.ReadFileFS].
func (u unstarted) ReadFile(name string) ([]byte, error) {
	if err := u.hides("open", name); err != nil {
		return nil, err
	}
	return u.FS.ReadFile(name)
}

// Stat implements [fs.StatFS].
func (u unstarted) Stat(name string) (fs.FileInfo, error) {
	if err := u.hides("stat", name); err != nil {
		return nil, err
	}
	return u.FS.Stat(name)
}

// writeImport writes the definitions of an import, all of them or none. They replace
// nothing but a project that was only started.
func (a *app) writeImport(ctx context.Context, fsys *repofs.FS, files []changeset.File, started scaffold.ProjectOptions) error {
	for i, f := range files {
		if f.Path != definition.ProjectFile {
			continue
		}
		have, err := readIfThere(fsys, f.Path)
		if err != nil {
			return err
		}
		files[i].Old, files[i].Content = have, started.Complete(f.Content)
	}
	if err := changeset.Write(ctx, fsys, files); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	return nil
}

// lintKnown is the step for a repository that comes in with findings.
const lintKnown = "runbake lint, and lint --write-baseline for what is to be mended later: then only what is new fails"

// nextOf says what to type in a new project.
func nextOf(found []importer.Found) []string {
	steps := []string{
		"runbake new node 24, which takes a runtime of the library, or runbake new --help to write one",
		"runbake lint",
	}
	if slices.ContainsFunc(found, func(f importer.Found) bool { return f.Why == "" }) {
		steps = []string{
			"runbake import --dry-run, which shows the definitions of what is there",
			"runbake import, which writes them",
			lintKnown,
		}
	}
	return append(steps, "runbake generate, and commit docker-bake.hcl with the rest")
}

// tellSteps says what is left to do.
func (a *app) tellSteps(steps []string) {
	fmt.Fprintln(a.env.Stderr, "Next:")
	for i, step := range steps {
		fmt.Fprintf(a.env.Stderr, "  %d. %s\n", i+1, step)
	}
}

// noProject says what to do in a folder without definitions.
func (a *app) noProject() error {
	where := "here"
	if a.dir != "." {
		where = "in " + filepath.ToSlash(a.dir)
	}
	if above := a.projectAbove(); above != "" {
		return &exitError{exitFailed, fmt.Sprintf("there is no project %s, but one above: -C %s is its folder; runbake init starts another", where, above)}
	}
	return &exitError{exitFailed, fmt.Sprintf("there is no project %s: runbake init starts one, runbake import makes one of "+
		"scripts, bake files, workflows and Dockerfiles", where)}
}

// projectAbove is the nearest folder above that has a project, as --dir takes it; ""
// if none has.
func (a *app) projectAbove() string {
	abs, err := filepath.Abs(a.dir)
	if err != nil {
		return ""
	}
	for above := a.dir; filepath.Dir(abs) != abs; {
		abs, above = filepath.Dir(abs), filepath.Join(above, "..")
		fsys, err := repofs.Open(abs)
		if err != nil {
			return ""
		}
		_, err = fsys.Stat(definition.ProjectFile)
		if errors.Join(err, fsys.Close()) == nil {
			return filepath.ToSlash(above)
		}
	}
	return ""
}

// tellEmpty says what to do in a project that has no images yet.
func (a *app) tellEmpty(r *repository.Repository) {
	if !r.Diagnostics.HasErrors() && len(r.Catalogue.Runtimes) == 0 {
		fmt.Fprintln(a.env.Stderr, "there are no images yet: runbake new starts a runtime, runbake import reads what makes images already")
	}
}

// folderName is what the folder of the repository is called; "" if it has no name.
func (a *app) folderName() string {
	abs, err := filepath.Abs(a.dir)
	if err != nil {
		return ""
	}
	return strings.Trim(path.Base(filepath.ToSlash(abs)), "/.")
}
