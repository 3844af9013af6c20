//go:build unix

package probe

import (
	"fmt"
	"io/fs"
	"syscall"
)

// ownerOf is the owner of a file, uid:gid.
func ownerOf(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d", stat.Uid, stat.Gid)
	}
	return "unknown"
}
