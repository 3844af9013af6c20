//go:build unix

package cli

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedAlone says whether a file is the user's, and nobody else can write it.
func ownedAlone(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(s.Uid) == int64(os.Geteuid()) && info.Mode().Perm()&0o022 == 0
}
