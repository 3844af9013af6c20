// Package library has the runtimes that come with runbake: definitions, servers,
// scripts, Dockerfiles, and the functions that prove them. They are those of runbake's
// own repository, where they are built and asked; library.txtar is made of it by
//
//	go test ./pkg/library -update
//
// since files cannot be embedded that belong to other Go modules, as those of Go's
// runtime do.
package library

import (
	_ "embed" // the files
	"fmt"
	"io/fs"

	"golang.org/x/tools/txtar"
)

//go:embed library.txtar
var archive []byte

// FS is the library as a repository of runtimes: runbake.hcl, runtimes, and functions in
// tests/fixtures.
func FS() (fs.FS, error) {
	fsys, err := txtar.FS(txtar.Parse(archive))
	if err != nil {
		return nil, fmt.Errorf("the library of this program is damaged: %w", err)
	}
	return fsys, nil
}
