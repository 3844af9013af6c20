package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/fixture"
	"github.com/runbake/runbake/pkg/repofs"
)

type packageOptions struct {
	output string
	folder string
	force  bool
}

func newPackage(a *app) *cobra.Command {
	var opts packageOptions
	cmd := &cobra.Command{
		Use:   "package [runtime…]",
		Short: "Pack functions as the executor hands them to a build",
		Long: `Package writes the fixture of each runtime to <key>.tar.gz, or packs the folder of
--folder. The archives are reproducible: the same files give the same bytes.`,
		Example: `  runbake package --output /tmp/code
  runbake package node go
  runbake package --folder ~/my-function --output my-function.tar.gz`,
		ValidArgsFunction: a.completeRuntimes,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			if opts.folder != "" {
				if len(patterns) > 0 {
					return errors.New("--folder packs a folder of your own; runtimes cannot be named with it")
				}
				return a.packFolder(opts.folder, cmp.Or(opts.output, filepath.Base(filepath.Clean(opts.folder))+".tar.gz"), opts.force)
			}
			return a.packFixtures(cmd.Context(), patterns, cmp.Or(opts.output, "."), opts.force)
		},
	}
	outputFlag(cmd, &opts.output, "a folder, or with --folder a file (default: here)")
	forceFlag(cmd, &opts.force, forceReplace)
	cmd.Flags().StringVar(&opts.folder, "folder", "", "folder with the code of a function, instead of fixtures")
	return cmd
}

// packFixtures packs the fixtures of the runtimes of the chosen versions.
func (a *app) packFixtures(ctx context.Context, patterns []string, output string, force bool) error {
	_, versions, err := a.choose(ctx, patterns)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(output, 0o755); err != nil {
		return err
	}
	done := map[*catalogue.Runtime]bool{}
	for _, v := range versions {
		rt := v.Runtime
		if done[rt] || rt.Fixture == "" {
			continue
		}
		done[rt] = true
		if err := a.packFolder(filepath.Join(a.dir, filepath.FromSlash(rt.Fixture)), filepath.Join(output, rt.Key+".tar.gz"), force); err != nil {
			return err
		}
	}
	if len(done) == 0 {
		return &exitError{exitFailed, "none of these runtimes has a fixture; give one with the attribute fixture"}
	}
	return nil
}

func (a *app) packFolder(folder, file string, force bool) error {
	fsys, err := repofs.Open(folder)
	if err != nil {
		return fmt.Errorf("opening the folder: %w", err)
	}
	defer fsys.Close()
	var packed bytes.Buffer
	if err := fixture.Pack(&packed, fsys); err != nil {
		return fmt.Errorf("packing %s: %w", folder, err)
	}
	if isStream(file) {
		return writeResult(file, packed.Bytes())
	}
	o, err := newOutput(file, filepath.Dir(file), filepath.Base(file), packed.Bytes(), "", fixture.IsPacked)
	if err != nil {
		return err
	}
	o.binary = true
	if o.clean() {
		fmt.Fprintf(a.env.Stderr, "%s has it already\n", file)
		return nil
	}
	return a.write([]*output{o}, force)
}
