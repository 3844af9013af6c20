package cli

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/listing"
	"github.com/runbake/runbake/pkg/repository"
)

type generateOptions struct {
	check  bool
	verify bool
	force  bool
}

func newGenerate(a *app) *cobra.Command {
	var opts generateOptions
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write docker-bake.hcl",
		Long: `Generate writes docker-bake.hcl from the definitions. The output is deterministic:
the same definitions give the same bytes on every machine. Before the file is
written, bake's own parser reads it back and the result is compared with the
definitions. Verified parts are remembered in $XDG_CACHE_HOME/runbake/verified
(~/.cache by default), which may be removed at any time; --check verifies everything
again.

If README.md has the lines <!-- runbake:list --> and <!-- /runbake:list -->, the
table of runbake list is written between them.

With --check nothing is written: files that are out of date are shown as a diff,
and the exit code is 3. Line endings are ignored. A docker-bake.hcl that runbake
did not write is only replaced with --force.`,
		Example: `  runbake generate           # write docker-bake.hcl
  runbake generate --check   # in CI: fail when someone forgot to`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.generate(cmd.Context(), opts)
		},
	}
	checkFlag(cmd, &opts.check)
	forceFlag(cmd, &opts.force, forceReplace)
	cmd.Flags().BoolVar(&opts.verify, "verify", true, "read the result back with bake's own parser")
	return cmd
}

// large is how many targets a file has whose check would take most of a small
// machine's memory.
const large = 4000

// collectMore has memory of the check of a large file collected more often, for a
// tenth of its time and half of its memory. It returns what ends that.
func collectMore(file *bake.File) func() {
	if len(file.Targets)+len(file.Tests) < large {
		return func() {}
	}
	before := debug.SetGCPercent(150)
	return func() { debug.SetGCPercent(before) }
}

// verify reads an emitted text back, but for what was read back before.
func (a *app) verify(ctx context.Context, text []byte, file *bake.File) error {
	restore := collectMore(file)
	defer restore()
	before, keep := a.proven()
	_, err := budget.Until(ctx, func() (any, error) { return nil, bakecheck.Verify(ctx, text, file, before) })
	if err == nil && before != nil && before.Changed() {
		keep(before.Encode())
	}
	return err
}

// verifyAnew reads an emitted text back, whatever was read back before: a cache of
// CI may be one that a change was allowed to write.
func (a *app) verifyAnew(ctx context.Context, text []byte, file *bake.File) error {
	restore := collectMore(file)
	defer restore()
	_, err := budget.Until(ctx, func() (any, error) { return nil, bakecheck.VerifyAnew(ctx, text, file) })
	return err
}

// proven is what was read back before, nil where that cannot be told, and how to
// keep more of it. What others can write is not read, and replaced.
func (a *app) proven() (*bakecheck.Proven, func(data []byte)) {
	name, noCache := a.cacheFile("verified")
	build, noProgram := program()
	if noCache != nil || noProgram != nil {
		return nil, nil
	}
	var data []byte
	if a.ownCache(name) {
		data = readCache(name)
	}
	return bakecheck.ParseProven(data, build), func(data []byte) { keepCache(name, data) }
}

func (a *app) generate(ctx context.Context, opts generateOptions) error {
	r, err := a.read(ctx)
	if err != nil {
		return err
	}
	r.CheckLock(r.Catalogue.Versions())
	if err := a.usable(r); err != nil {
		return err
	}
	file := r.File()
	want := file.Encode()
	verify := a.verify
	if opts.check {
		verify = a.verifyAnew
	}
	if opts.verify {
		if err := verify(ctx, want, file); err != nil {
			return err
		}
	}
	text, err := a.output(bake.FileName, want, count(len(file.Targets), "image"))
	if err != nil {
		return err
	}
	outputs := []*output{text}
	if outputs, err = a.withReadme(r, outputs); err != nil {
		return err
	}
	if opts.check {
		return a.drift(outputs, "generate")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	if !slices.ContainsFunc(outputs, func(o *output) bool { return !o.clean() }) {
		fmt.Fprintf(a.env.Stderr, "%s is up to date: %s\n", text.file(), text.what)
	}
	return a.write(outputs, opts.force)
}

// readmeName is the file that may have a table of the runtimes.
const readmeName = "README.md"

// withReadme adds the README, if there is one and it has a place for the table.
func (a *app) withReadme(r *repository.Repository, outputs []*output) ([]*output, error) {
	readme, err := a.output(readmeName, nil, "the table of runtimes")
	if err != nil {
		return nil, err
	}
	if readme.have == nil {
		return outputs, nil
	}
	var table bytes.Buffer
	if err := listing.WriteMarkdown(&table, r.Catalogue.Entries(r.Catalogue.Versions())); err != nil {
		return nil, err
	}
	want, found, err := listing.Splice(readme.have, table.Bytes())
	switch {
	case err != nil:
		return nil, &exitError{exitFailed, fmt.Sprintf("%s:%v", readmeName, err)}
	case !found:
		return outputs, nil
	}
	readme.want = want
	readme.mine = func([]byte) bool { return true } // nothing but what is between the markers changes
	return append(outputs, readme), nil
}
