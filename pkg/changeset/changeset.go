// Package changeset is files that are to be written together: laid over a
// repository to see what it will be, shown as a patch, and written, all or none.
package changeset

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/pkg/repofs"
)

// File is a file to write.
type File struct {
	Path    string // from the root, slash-separated
	Mode    fs.FileMode
	Content []byte
	Old     []byte      // what it replaces; nil for a new file
	OldMode fs.FileMode // of what it replaces; 0 if that is Mode
	Remove  bool        // it goes: Old is what is there, Mode its mode
}

// Write writes files, all of them or none: when one fails, what was written
// before it goes away again. Paths cannot leave the root, also not by symbolic
// links.
func Write(ctx context.Context, fsys *repofs.FS, files []File) (err error) {
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for _, step := range slices.Backward(undo) {
			err = errors.Join(err, step())
		}
	}()
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted: %w", err)
		}
		var steps []func() error
		switch {
		case f.Remove:
			steps, err = removeFile(fsys, f)
		case f.Old != nil:
			steps, err = replaceFile(fsys, f)
		default:
			steps, err = createFile(fsys, f)
		}
		undo = append(undo, steps...)
		if err != nil {
			return err
		}
	}
	return nil
}

// createFile writes a file that must not exist, and the folders that it needs.
func createFile(fsys *repofs.FS, f File) (undo []func() error, err error) {
	var missing []string
	for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
		missing = append(missing, dir)
	}
	for _, dir := range slices.Backward(missing) {
		switch err := fsys.Mkdir(dir); {
		case err == nil:
			undo = append(undo, func() error { return fsys.Remove(dir) })
		case !errors.Is(err, fs.ErrExist):
			return undo, err
		}
	}
	if err := fsys.Create(f.Path, f.Content, f.Mode); err != nil {
		return undo, err
	}
	return append(undo, func() error { return fsys.Remove(f.Path) }), nil
}

// replaceFile changes a file in one step, if it is still what was read.
func replaceFile(fsys *repofs.FS, f File) (undo []func() error, err error) {
	if err := unchanged(fsys, f); err != nil {
		return nil, err
	}
	if err := fsys.Replace(f.Path, f.Content, f.Mode); err != nil {
		return nil, err
	}
	back := File{Path: f.Path, Mode: cmp.Or(f.OldMode, f.Mode), Content: f.Old, Old: f.Content}
	return []func() error{func() error { _, err := replaceFile(fsys, back); return err }}, nil
}

// removeFile removes a file, if it is still what was read.
func removeFile(fsys *repofs.FS, f File) (undo []func() error, err error) {
	if err := unchanged(fsys, f); err != nil {
		return nil, err
	}
	if err := fsys.Remove(f.Path); err != nil {
		return nil, err
	}
	return []func() error{func() error { return fsys.Create(f.Path, f.Old, f.Mode) }}, nil
}

// unchanged fails for a file that is not what was read.
func unchanged(fsys *repofs.FS, f File) error {
	have, err := fsys.ReadFile(f.Path)
	if err == nil && !bytes.Equal(have, f.Old) {
		err = fmt.Errorf("%s was changed by somebody else", f.Path)
	}
	return err
}

// WritePatch shows what would be written in the form that git apply takes.
func WritePatch(w io.Writer, files []File) error {
	var out bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&out, "diff --git a/%s b/%s\n", f.Path, f.Path)
		if f.Old == nil {
			fmt.Fprintf(&out, "new file mode 100%o\n", f.Mode.Perm())
			newLines(&out, f)
			continue
		}
		if f.OldMode != 0 && gitMode(f.OldMode) != gitMode(f.Mode) {
			fmt.Fprintf(&out, "old mode %s\nnew mode %s\n", gitMode(f.OldMode), gitMode(f.Mode))
		}
		after := "b/" + f.Path
		if f.Remove {
			fmt.Fprintf(&out, "deleted file mode %s\n", gitMode(f.Mode))
			after = "/dev/null"
		}
		changed := diff.Diff("a/"+f.Path, f.Old, after, f.Content)
		_, hunks, _ := bytes.Cut(changed, []byte("\n")) // its own headline
		out.Write(hunks)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// gitMode is what git keeps of a mode.
func gitMode(mode fs.FileMode) string {
	if mode&0o100 != 0 {
		return "100755"
	}
	return "100644"
}

// newLines writes a whole file as lines that are added.
func newLines(out *bytes.Buffer, f File) {
	if len(f.Content) == 0 {
		return
	}
	if bytes.IndexByte(f.Content, 0) >= 0 {
		fmt.Fprintf(out, "Binary files /dev/null and b/%s differ\n", f.Path)
		return
	}
	text := string(f.Content)
	lines := strings.Count(text, "\n")
	end := ""
	if !strings.HasSuffix(text, "\n") {
		lines++
		end = "\n\\ No newline at end of file\n"
	}
	fmt.Fprintf(out, "--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n", f.Path, lines)
	for line := range strings.Lines(text) {
		out.WriteString("+" + line)
	}
	out.WriteString(end)
}
