package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/listing"
)

type generateOptions struct {
	check  bool
	verify bool
}

func newGenerate(a *app) *cobra.Command {
	var opts generateOptions
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write docker-bake.hcl",
		Long: `Generate writes docker-bake.hcl from the definitions: the same bytes for the same
definitions, on any machine. What is written has been read back with bake's own
parser and compared with what was meant.

A README.md in the root that has the lines <!-- runbake:list --> and
<!-- /runbake:list --> gets the table of runbake list between them.

With --check nothing is written: a file that differs from what would be written
is shown as a diff, and the exit code is 3.`,
		Example: `  runbake generate           # write docker-bake.hcl
  runbake generate --check   # in CI: fail when someone forgot to`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.generate(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.check, "check", false, "change nothing; show how the file differs and exit with 3")
	cmd.Flags().BoolVar(&opts.verify, "verify", true, "read the result back with bake's own parser")
	return cmd
}

func (a *app) generate(ctx context.Context, opts generateOptions) error {
	r, err := a.read()
	if err != nil {
		return err
	}
	r.checkLock(r.catalogue.Versions())
	if err := a.usable(r); err != nil {
		return err
	}
	file := r.file()
	want := file.Encode()
	if opts.verify {
		if err := bakecheck.Verify(ctx, want, file); err != nil {
			return err
		}
	}
	files := []generated{{bake.FileName, nil, want, count(len(file.Targets), "image")}}
	readme, err := a.readme(r)
	if err != nil {
		return err
	}
	files = append(files, readme...)
	if files[0].have, err = readIfThere(filepath.Join(a.dir, bake.FileName)); err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(g generated) bool { return g.have != nil && bytes.Equal(g.have, g.want) })
	if opts.check {
		return a.drift(files, "generate")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	if len(files) == 0 {
		name := filepath.Join(a.dir, bake.FileName)
		fmt.Fprintf(a.env.Stderr, "%s is up to date: %s\n", name, count(len(file.Targets), "image"))
	}
	for _, g := range files {
		name := filepath.Join(a.dir, g.name)
		if err := writeFile(name, g.want); err != nil {
			return err
		}
		fmt.Fprintf(a.env.Stderr, "wrote %s: %s\n", name, g.what)
	}
	return nil
}

// generated is a file that the definitions say the content of.
type generated struct {
	name string // from the root
	have []byte // nil if it is not there
	want []byte
	what string
}

// readmeName is the file that may have a table of the runtimes.
const readmeName = "README.md"

// readme is the README, if there is one and it has a place for the table.
func (a *app) readme(r *repository) ([]generated, error) {
	have, err := readIfThere(filepath.Join(a.dir, readmeName))
	if err != nil || have == nil {
		return nil, err
	}
	var table bytes.Buffer
	if err := listing.WriteMarkdown(&table, r.catalogue.Entries(r.catalogue.Versions())); err != nil {
		return nil, err
	}
	want, found, err := listing.Splice(have, table.Bytes())
	switch {
	case err != nil:
		return nil, &exitError{exitFailed, fmt.Sprintf("%s:%v", readmeName, err)}
	case !found:
		return nil, nil
	}
	if info, err := os.Lstat(filepath.Join(a.dir, readmeName)); err != nil || !info.Mode().IsRegular() {
		return nil, &exitError{exitFailed, readmeName + " is no regular file: its table cannot be replaced in one step"}
	}
	return []generated{{readmeName, have, want, "the table of runtimes"}}, nil
}

// readIfThere reads a file; nil if there is none.
func readIfThere(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if data == nil {
		data = []byte{}
	}
	return data, err
}

// drift shows how the committed files differ from what a command writes.
func (a *app) drift(files []generated, command string) error {
	if len(files) == 0 {
		return nil
	}
	names := make([]string, 0, len(files))
	for _, g := range files {
		if _, err := a.env.Stdout.Write(diff.Diff(g.name, g.have, g.name+" (from the definitions)", g.want)); err != nil {
			return err
		}
		names = append(names, g.name+" is not what the definitions say; run runbake "+command)
	}
	return &exitError{exitDrift, strings.Join(names, "\n")}
}

// writeFile replaces a file in one step: a reader sees the old content or the
// new one, and an interrupted write leaves the old.
func writeFile(name string, data []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
		}
	}()
	if _, err := tmp.Write(data); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil { // whatever the umask says: the file is committed
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
