package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
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
	r.checkLock()
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
	name := filepath.Join(a.dir, bake.FileName)
	have, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case err == nil && bytes.Equal(have, want):
		return nil
	case opts.check:
		return a.drift(have, want)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted, nothing was written: %w", err)
	}
	if err := writeFile(name, want); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.env.Stderr, "wrote %s: %s\n", name, count(len(file.Targets), "image"))
	return err
}

// drift shows how the committed file differs.
func (a *app) drift(have, want []byte) error {
	if _, err := a.env.Stdout.Write(diff.Diff(bake.FileName, have, bake.FileName+" (from the definitions)", want)); err != nil {
		return err
	}
	return &exitError{exitDrift, bake.FileName + " is not what the definitions say; run runbake generate"}
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
