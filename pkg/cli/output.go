package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/pkg/repofs"
)

// written is how everything that runbake writes and people commit begins.
const written = "# Written by runbake "

// output is a file that a command writes.
type output struct {
	path string // for messages: as it was given, or from the root
	dir  string // that it may not leave
	name string // from there
	have []byte // nil if it is not there
	want []byte
	what string // for people, behind the path
	link bool   // it is no regular file
	// drift is why it is not as it should be, where that is known.
	drift string
	// binary is what has no lines.
	binary bool
	// mine reports whether a command of ours wrote what is there. Somebody
	// else's work is not replaced.
	mine func(have []byte) bool
}

// output is a file below the root.
func (a *app) output(name string, want []byte, what string) (*output, error) {
	return newOutput(name, a.dir, name, want, what, marked)
}

// newOutput looks at what is there.
func newOutput(path, dir, name string, want []byte, what string, mine func([]byte) bool) (*output, error) {
	o := &output{path: path, dir: dir, name: name, want: want, what: what, mine: mine}
	fsys, err := repofs.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return nil, err
	}
	defer fsys.Close()
	info, err := fsys.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o, nil
	case err != nil:
		return nil, err
	}
	o.link = !info.Mode().IsRegular()
	o.have, err = readIfThere(fsys, name)
	return o, err
}

// file is where it is.
func (o *output) file() string { return filepath.Join(o.dir, filepath.FromSlash(o.name)) }

// save writes it, in one step.
func (o *output) save() error {
	fsys, err := repofs.Open(o.dir)
	if err != nil {
		return err
	}
	defer fsys.Close()
	if err := fsys.MkdirAll(path.Dir(o.name)); err != nil {
		return err
	}
	return fsys.Replace(o.name, o.want, committed)
}

// committed is the mode of a file that people commit, whatever the umask says.
const committed = 0o644

// marked reports whether a file begins as what runbake writes does.
func marked(have []byte) bool { return bytes.HasPrefix(have, []byte(written)) }

// clean reports whether there is nothing to write: to git, texts that differ in
// their line ends are the same.
func (o *output) clean() bool {
	return o.have != nil && (bytes.Equal(o.have, o.want) || !o.binary && bytes.Equal(unix(o.have), unix(o.want)))
}

// unix has the line ends that git keeps.
func unix(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

// refused says why a file cannot be written; mend is what else can be done.
func (o *output) refused(mend string) error {
	switch {
	case o.link:
		return fmt.Errorf("%s is no regular file, and cannot be replaced in one step; %s", o.path, mend)
	case len(o.have) > 0 && !o.mine(o.have):
		return fmt.Errorf("%s was not written by runbake; %s", o.path, mend)
	}
	return nil
}

// forced is what can be done about a file that a command will not replace.
const forced = "move it away, or replace it with --force"

// write writes the files that are not clean. Unless forced, it replaces nothing
// that something else wrote, and then writes none of them.
func (a *app) write(outputs []*output, force bool) error {
	var todo []*output
	var errs []error
	for _, o := range outputs {
		if o.clean() {
			continue
		}
		todo = append(todo, o)
		if err := o.refused(forced); err != nil && !force {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	for _, o := range todo {
		if err := o.save(); err != nil {
			return err
		}
		if o.what != "" {
			o.what = ": " + o.what
		}
		fmt.Fprintf(a.env.Stderr, "wrote %s%s\n", o.file(), o.what)
	}
	return nil
}

// drift shows how the committed files differ from what a command writes.
func (a *app) drift(outputs []*output, command string) error {
	var errs []error
	for _, o := range outputs {
		if o.clean() {
			continue
		}
		if _, err := a.env.Stdout.Write(diff.Diff(o.path, unix(o.have), o.path+" (from the definitions)", unix(o.want))); err != nil {
			return err
		}
		if err := o.refused(forced); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, fmt.Errorf("%s %s; run runbake %s", o.path, cmp.Or(o.drift, "is not what the definitions say"), command))
	}
	if err := errors.Join(errs...); err != nil {
		return &exitError{exitDrift, err.Error()}
	}
	return nil
}

// readIfThere reads a file; nil if there is none.
func readIfThere(fsys fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && data == nil {
		data = []byte{}
	}
	return data, err
}
