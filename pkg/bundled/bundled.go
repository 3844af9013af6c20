// Package bundled has what a release of runbake carries in the program itself:
// the probe, for each architecture of Linux that images are tested on. Only
// programs that are compiled with the build tag release have it; see
// docs/releasing.md.
package bundled

import (
	"io/fs"
	"os"
	"path/filepath"
)

// folder is that of the probes, in the source and in the program.
const folder = "probes"

// Probe writes the probes below dir as linux/<architecture>/probe, which is what
// the variable PROBE of an emitted file names. It reports whether the program has
// any.
func Probe(dir string) (has bool, err error) { return write(programs, dir) }

func write(from fs.FS, dir string) (has bool, err error) {
	files, err := fs.Glob(from, folder+"/linux/*/probe")
	if err != nil {
		return false, err
	}
	for _, file := range files {
		program, err := fs.ReadFile(from, file)
		if err != nil {
			return false, err
		}
		name := filepath.Join(dir, filepath.FromSlash(file[len(folder):]))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // images read it as another user
			return false, err
		}
		if err := os.WriteFile(name, program, 0o755); err != nil { //nolint:gosec // a program
			return false, err
		}
	}
	return len(files) > 0, nil
}
