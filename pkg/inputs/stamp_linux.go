package inputs

import (
	"io/fs"
	"syscall"
)

// stampOf is false for a file that is not on a file system of the machine.
func stampOf(info fs.FileInfo) (stamp, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}, false
	}
	return stamp{
		size: s.Size, modified: s.Mtim.Nano(), changed: s.Ctim.Nano(), device: s.Dev, inode: s.Ino,
	}, true
}
