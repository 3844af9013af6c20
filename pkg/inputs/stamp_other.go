//go:build !linux && !darwin

package inputs

import "io/fs"

// stampOf is false: the system does not say when a file changed.
func stampOf(fs.FileInfo) (stamp, bool) {
	return stamp{}, false
}
