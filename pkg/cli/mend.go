package cli

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/changeset"
	"github.com/runbake/runbake/pkg/lint"
)

// mend mends what lint finds and a program can mend, or shows that as a patch.
func (a *app) mend(ctx context.Context, patterns []string, dryRun bool) error {
	fsys, err := a.open()
	if err != nil {
		return err
	}
	defer fsys.Close()
	fixed, err := budget.Until(ctx, func() ([]lint.Fixed, error) {
		check := func(now fs.FS) (hcl.Diagnostics, error) {
			r, err := a.checkIn(ctx, now, patterns)
			if err != nil {
				return nil, err
			}
			return r.Diagnostics, nil
		}
		over := func(under fs.FS, fixed []lint.Fixed) fs.FS {
			files, _, err := mended(under, fixed)
			if err != nil || len(files) == 0 {
				return under // what is read next says why
			}
			return changeset.Over(under, files)
		}
		return lint.Mend(fsys, check, over)
	})
	if err != nil {
		return err
	}
	files, findings, err := mended(fsys, fixed)
	if err != nil {
		return err
	}
	if dryRun {
		if err := changeset.WritePatch(a.env.Stdout, files); err != nil {
			return err
		}
		fmt.Fprintf(a.env.Stderr, "%s in %s can be mended\n", count(findings, "finding"), count(len(files), "file"))
		return nil
	}
	if err := changeset.Write(ctx, fsys, files); err != nil {
		return fmt.Errorf("nothing was mended: %w", err)
	}
	for _, f := range files {
		fmt.Fprintf(a.env.Stderr, "wrote %s\n", f.Path)
	}
	fmt.Fprintf(a.env.Stderr, "mended %s in %s\n", count(findings, "finding"), count(len(files), "file"))
	return nil
}

// mended are mended files as files to write, and how many findings that mends.
func mended(under fs.FS, fixed []lint.Fixed) (files []changeset.File, findings int, err error) {
	for _, f := range fixed {
		old, err := fs.ReadFile(under, f.Path)
		if err != nil {
			return nil, 0, err
		}
		info, err := fs.Stat(under, f.Path)
		if err != nil {
			return nil, 0, err
		}
		mode := info.Mode().Perm()
		file := changeset.File{Path: f.Path, Mode: mode, OldMode: mode, Content: f.Content, Old: old}
		if f.Executable {
			file.Mode |= mode & 0o444 >> 2 // for all who may read it
		}
		files = append(files, file)
		findings += f.Findings
	}
	return files, findings, nil
}
