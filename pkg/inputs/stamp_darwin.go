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
		size: s.Size, modified: s.Mtimespec.Nano(), changed: s.Ctimespec.Nano(), device: uint64(uint32(s.Dev)), inode: s.Ino,
	}, true
}
