package embedded

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/runbake/runbake/pkg/gomodule"
)

// Space on the disk: below the first, builds fail soon; below the second, they
// fail some day.
const (
	tooLittleSpace = 1 << 30
	littleSpace    = 10 << 30
)

// Check says what is there of what it needs.
func Check(o Options) []Finding {
	found := []Finding{{Name: "root", Have: "yes"}}
	if rootless() {
		found = append(here().check(), o.checkRootlessKit())
	}
	return append(found, o.checkRuntime(), o.checkDaemon(), o.checkSpace())
}

func (o *Options) checkRootlessKit() Finding {
	f := Finding{Name: rootlessKit}
	var err error
	if f.Have, err = findRootlessKit(); err != nil {
		if f.Have = o.fromImage(); f.Have == "" {
			f.Problem, f.Fix = "there is none", err.Error()
		}
	}
	return f
}

func (o *Options) checkRuntime() Finding {
	f := Finding{Name: "runc"}
	var err error
	if f.Have, err = containerRuntime(); err != nil {
		if f.Have = o.fromImage(); f.Have == "" {
			f.Problem, f.Fix = "there is neither runc nor crun", err.Error()
		}
	}
	return f
}

func (o *Options) checkDaemon() Finding {
	f := Finding{Name: "buildkitd"}
	var err error
	if f.Have, err = o.find(); err == nil {
		return f
	}
	if f.Have = o.fromImage(); f.Have != "" {
		return f
	}
	if gomodule.Possible() && o.Version != "" {
		f.Have = "Go compiles " + module + " " + o.Version + " for the first build"
		return f
	}
	f.Problem, f.Fix = "there is none", err.Error()
	return f
}

// fromImage says that programs come from the image; "" if there is none.
func (o *Options) fromImage() string {
	switch {
	case o.Files == nil:
		return ""
	case o.kept():
		return o.fetched() + ", from " + o.Image
	}
	return "taken from " + o.Image + " for the first build"
}

// checkSpace looks at the file system of the state folder, which need not be
// there yet.
func (o *Options) checkSpace() Finding {
	f := Finding{Name: "disk"}
	dir := o.State
	var stat unix.Statfs_t
	err := unix.Statfs(dir, &stat)
	for errors.Is(err, unix.ENOENT) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		err = unix.Statfs(dir, &stat)
	}
	if err != nil {
		f.Problem, f.Fix = fmt.Sprintf("%s: %v", dir, err), "set XDG_STATE_HOME to another folder"
		return f
	}
	free := stat.Bavail * uint64(stat.Bsize) //nolint:gosec // sizes of blocks are positive
	f.Have = fmt.Sprintf("%.1f GB free for %s", float64(free)/1e9, o.State)
	if free < littleSpace {
		f.Problem, f.Works = "there is little space: "+f.Have, free >= tooLittleSpace
		f.Fix = "set XDG_STATE_HOME to a folder on another disk, free some space, or limit the cache in a buildkitd.toml (maxUsedSpace)"
	}
	return f
}
