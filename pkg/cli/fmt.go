package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/repository"
)

func newFmt(a *app) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt",
		Short: "Format the definitions",
		Long: `Fmt rewrites all definitions in HCL's canonical format: indented by two spaces, with
the equals signs of adjacent lines aligned. Only whitespace changes; line endings are
kept. If a file cannot be parsed, nothing is written.`,
		Example: `  runbake fmt
  runbake fmt --check   # in CI: show what is not formatted, and exit with 3`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.format(cmd.Context(), check)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, and exit with 3 if something differs")
	return cmd
}

func (a *app) format(ctx context.Context, check bool) error {
	r, err := a.read(ctx)
	if err != nil {
		return err
	}
	if r.None() {
		return a.noProject()
	}
	todo, broken, err := a.unformatted(r)
	if err != nil {
		return err
	}
	if broken.HasErrors() {
		if err := a.tell(&repository.Repository{Sources: r.Sources, Diagnostics: broken}); err != nil {
			return err
		}
		return &exitError{exitFailed, "nothing is formatted while a file cannot be parsed"}
	}
	if !check {
		return a.write(todo, false)
	}
	for _, o := range todo {
		if _, err := a.env.Stdout.Write(diff.Diff(o.path, unix(o.have), o.path+" (formatted)", unix(o.want))); err != nil {
			return err
		}
	}
	if len(todo) > 0 {
		return &exitError{exitDrift, count(len(todo), "file") + " not formatted; run runbake fmt"}
	}
	return nil
}

// unformatted are the definitions that are not in HCL's format, or what keeps them
// from being parsed.
func (a *app) unformatted(r *repository.Repository) (todo []*output, broken hcl.Diagnostics, err error) {
	for _, name := range slices.Sorted(maps.Keys(r.Set.Sources)) {
		if base := path.Base(name); base != definition.ProjectFile && base != definition.RuntimeFile {
			continue // which something else is about
		}
		src := r.Set.Sources[name]
		if _, diags := budget.ParseHCL(unix(src), name); diags.HasErrors() {
			broken = append(broken, diags...)
			continue
		}
		want := hclwrite.Format(unix(src))
		if bytes.Contains(src, []byte("\r\n")) {
			want = bytes.ReplaceAll(want, []byte("\n"), []byte("\r\n"))
		}
		o, err := newOutput(name, a.dir, name, want, "", func([]byte) bool { return true })
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if !o.clean() {
			todo = append(todo, o)
		}
	}
	return todo, broken, nil
}
