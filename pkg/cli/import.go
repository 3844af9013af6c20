package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/git"
	"github.com/runbake/runbake/pkg/importer"
)

type importOptions struct {
	format   string
	dryRun   bool
	report   string
	registry string
}

func newImport(a *app) *cobra.Command {
	var opts importOptions
	cmd := &cobra.Command{
		Use:   "import [file or folder…]",
		Short: "Make definitions of what builds images already",
		Long: `Import writes definitions from what builds and pushes images today: shell scripts,
bake files, GitHub workflows, GitLab pipelines, Makefiles, Dockerfiles, and a
registry class and a test table in PHP. It writes runbake.hcl, and a runtime.hcl
for each image. Before anything is written, it checks that the definitions produce
the images of the sources. Existing definitions are not overwritten, and nothing
is executed.

Without arguments it searches the repository for all of these, lists what it found
and what it does not read, and imports it. Dockerfiles are only taken as images of
their own if no other source builds any; name them or their folder to import them.

Bake files may be HCL, JSON or compose. Several files are merged in order, as by
bake -f; if sibling folders each have a file that defines the same names, each is
read separately. Variables have their default values.

The report lists where the sources disagree, with both places, what was inferred
and from what, what was renamed or left out, and what was not understood. The exit
code is 1 if something was not understood or cannot be expressed; the rest is
written all the same.

File names are relative to the root of the repository. If scripts disagree, those
that push take precedence.`,
		Example: `  runbake import --dry-run                     # whatever is here; show the definitions
  runbake import build.sh buildLocalOnly.sh src/Runtimes/Runtimes.php tests/Runtimes/RuntimesTest.php
  runbake import docker-bake.hcl docker-bake.override.hcl
  runbake import build.sh --dry-run            # show the definitions
  runbake import build.sh --registry ghcr.io/acme --report drift.json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.importScripts(cmd.Context(), names, opts)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"sh", "bash", "php", "hcl", "json", "yml", "yaml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	f := cmd.Flags()
	formatFlag(cmd, &opts.format, "text", "json")
	dryRunFlag(cmd, &opts.dryRun, "show the definitions")
	f.StringVar(&opts.report, "report", "", "file for the report, as JSON")
	f.StringVar(&opts.registry, "registry", "", "registry and path: where images are pushed to (default: where they are now)")
	return cmd
}

func (a *app) importScripts(ctx context.Context, names []string, o importOptions) error {
	if err := errors.Join(checkFormat(o.format, "text", "json"), checkRegistry(o.registry)); err != nil {
		return err
	}
	if err := replaceable(o.report, isReport); err != nil {
		return err
	}
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	for i, name := range names {
		names[i] = path.Clean(filepath.ToSlash(name))
	}
	started, source := startedProject(fsys)
	o.registry = cmp.Or(o.registry, started.Registry)
	checkout, err := git.Find(a.dir)
	if err != nil {
		return err
	}
	result, err := budget.Until(ctx, func() (*importer.Result, error) {
		return importer.Import(source, names, importer.Options{Registry: o.registry, Name: a.folderName(), GitConfig: checkout.Config}), nil
	})
	if err != nil {
		return err
	}
	if len(names) == 0 && o.format != "json" {
		if err := importer.WriteFound(a.env.Stderr, result.Found); err != nil {
			return err
		}
	}
	if len(names) == 0 && result.Empty() {
		return &exitError{exitFailed, "nothing was found that builds images: runbake init starts a project, or name the files"}
	}
	if err := a.reportImport(result, o); err != nil {
		return err
	}
	switch {
	case result.Blocked():
		return &exitError{exitFailed, "nothing was written"}
	case o.dryRun:
	default:
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted, nothing was written: %w", err)
		}
		if err := a.writeImport(ctx, fsys, result.Changes(), started); err != nil {
			return err
		}
		if slices.Contains(names, bake.FileName) {
			fmt.Fprintf(a.env.Stderr, "runbake generate --force replaces %s by that of the definitions\n", bake.FileName)
		}
		fmt.Fprintf(a.env.Stderr, "wrote %s and %s of %s\n", result.Files[0].Name, count(len(result.Files)-1, "definition"), count(result.Images, "image"))
		fmt.Fprintf(a.env.Stderr, "next: %s\n", lintKnown)
	}
	if result.Diagnostics.HasErrors() {
		return &exitError{code: exitFailed}
	}
	return nil
}

// reportImport shows what was found: for people on stderr, beside the
// definitions, and for programs as all of the result.
func (a *app) reportImport(r *importer.Result, o importOptions) error {
	var all bytes.Buffer
	if err := r.WriteJSON(&all); err != nil {
		return err
	}
	if o.report != "" {
		if err := writeResult(o.report, all.Bytes()); err != nil {
			return err
		}
	}
	if o.format == "json" {
		_, err := a.env.Stdout.Write(all.Bytes())
		return err
	}
	if err := r.WriteText(a.env.Stderr, diag.TextOptions{Color: a.env.Color}); err != nil {
		return err
	}
	if s := diag.Summary(r.Diagnostics); s != "" {
		fmt.Fprintf(a.env.Stderr, "\n%s\n", s)
	}
	if !o.dryRun {
		return nil
	}
	var out strings.Builder
	for i, f := range r.Files {
		if i > 0 {
			out.WriteString("\n")
		}
		fmt.Fprintf(&out, "# %s\n%s", f.Name, f.Text)
	}
	_, err := a.env.Stdout.Write([]byte(out.String()))
	return err
}

// isReport reports whether a file is one of --report.
func isReport(have []byte) bool {
	var report struct{ Kind string }
	return json.Unmarshal(have, &report) == nil && report.Kind == importer.Kind
}
