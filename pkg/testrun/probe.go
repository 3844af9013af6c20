package testrun

import (
	"context"
	"os"
	"path/filepath"

	"golang.org/x/mod/semver"

	"github.com/runbake/runbake/pkg/bundled"
	"github.com/runbake/runbake/pkg/gomodule"
)

// Probe brings the probe that is of one make with this program into dir, for
// projects that name none: the one that a release carries, else the one that Go
// compiles from the module in a version. It reports whether there is one; where
// there is none, it is taken from an image.
func Probe(ctx context.Context, dir, version string, log func(line string)) (has bool, err error) {
	if has, err := bundled.Probe(dir); has || err != nil {
		return has, err
	}
	if !gomodule.Possible() || !semver.IsValid(version) || semver.Build(version) != "" {
		return false, nil // nothing to compile, or nothing to compile it with
	}
	log("compiling the probe of runbake " + version)
	for _, arch := range []string{"amd64", "arm64"} {
		folder := filepath.Join(dir, "linux", arch)
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // images read it as another user
			return false, err
		}
		program := gomodule.Program{Module: "github.com/runbake/runbake", Version: version, Package: "./cmd/probe"}
		if err := program.Build(ctx, filepath.Join(folder, "probe"), arch); err != nil {
			log("the probe is taken from its image: " + err.Error()) // the version of a clone is nowhere else
			return false, ctx.Err()
		}
	}
	return true, nil
}
