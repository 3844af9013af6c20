package catalogue

import "io/fs"

// fileInfo is the answer to a question that was asked of the file system.
type fileInfo struct {
	info fs.FileInfo
	err  error
}

// stat asks once about each file; many versions share theirs.
func (r *resolver) stat(name string) (fs.FileInfo, error) {
	f, done := r.files[name]
	if !done {
		f.info, f.err = fs.Stat(r.fsys, name)
		r.files[name] = f
	}
	return f.info, f.err
}
