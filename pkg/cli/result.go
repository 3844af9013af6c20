package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/runbake/runbake/pkg/repofs"
)

// replaceable refuses a file that the user named for a result when something
// else than such a result is there. Asked before the work is done, whose result
// would be lost.
func replaceable(name string, mine func([]byte) bool) error {
	if name == "" || isStream(name) {
		return nil
	}
	o, err := newOutput(name, filepath.Dir(name), filepath.Base(name), nil, "", mine)
	if err != nil {
		return err
	}
	if err := o.refused("name another file, or move it away"); err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	return nil
}

// writeResult writes a file that the user named: in one step where it is a
// file, and into it where it is a device, a pipe or a stream of the process.
func writeResult(name string, data []byte) (err error) {
	if isStream(name) {
		out, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		_, err = out.Write(data)
		return errors.Join(err, out.Close())
	}
	fsys, err := repofs.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer fsys.Close()
	return fsys.Replace(filepath.Base(name), data, committed)
}

// isStream reports whether a name stands for what cannot be replaced, only
// written to: a pipe, a device, or a link such as /dev/stdout, also where that
// leads to a file.
func isStream(name string) bool {
	info, err := os.Stat(name)
	if err != nil || info.IsDir() {
		return false
	}
	if !info.Mode().IsRegular() {
		return true
	}
	full, err := filepath.Abs(name)
	if err != nil {
		return false
	}
	link, err := os.Lstat(full)
	ofProcess := strings.HasPrefix(full, "/dev/") || strings.HasPrefix(full, "/proc/")
	return err == nil && ofProcess && link.Mode()&fs.ModeSymlink != 0
}

// readGiven reads a file that the user named, which may be a pipe: <(…) is one.
func readGiven(name string) ([]byte, error) {
	if !isStream(name) {
		return repofs.ReadFile(name)
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, repofs.MaxFile+1))
	if len(data) > repofs.MaxFile {
		err = &fs.PathError{Op: "read", Path: name, Err: repofs.ErrSize}
	}
	return data, err
}
