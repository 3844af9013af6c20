package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// EnvTools names a folder with programs that [BuildTools] has built.
const EnvTools = "RUNBAKE_BENCH_TOOLS"

// programs run on this machine: BuildKit and buildx of the versions that go.mod
// pins, runbake, and what stands for cosign. Their packages are compiled as those
// of the tests are, so that Go's cache has each of them once.
var programs = map[string]string{
	"buildkitd": "github.com/moby/buildkit/cmd/buildkitd",
	"buildx":    "github.com/docker/buildx/cmd/buildx",
	"runbake":   "github.com/runbake/runbake/cmd/runbake",
	"signer":    "github.com/runbake/runbake/tests/e2e/signer",
}

// Packages are those of the programs that are of other modules.
func Packages() []string { return []string{programs["buildkitd"], programs["buildx"]} }

// mounted are the programs that run in images of both platforms.
var mounted = map[string]string{
	"probe":   "github.com/runbake/runbake/cmd/probe",
	"load":    "github.com/runbake/runbake/tests/load",
	"ask":     "github.com/runbake/runbake/tests/e2e/ask",
	"scanner": "github.com/runbake/runbake/tests/bench/scanner",
}

// BuildTools builds what the bench and the tests run into a folder: all of it,
// or what is named. What is there and as it should be costs no more than looking.
func BuildTools(ctx context.Context, dir string, names ...string) error {
	wanted := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	var here []string
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		if wanted(name) {
			here = append(here, programs[name])
		}
	}
	if len(here) > 0 {
		if _, err := run(ctx, nil, slices.Concat([]string{"go", "build", "-ldflags=-w", "-o", dir + "/"}, here)...); err != nil {
			return err
		}
	}
	for _, arch := range archs {
		env := []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0"}
		for name, pkg := range mounted {
			if !wanted(name) {
				continue
			}
			// A path of this checkout in them would make them other ones in each.
			out := filepath.Join(dir, name, "linux", arch, name)
			if _, err := run(ctx, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, pkg); err != nil {
				return err
			}
		}
	}
	return nil
}

// tools finds the programs, or builds them for this bench.
func (b *Bench) tools(ctx context.Context, names []string) (string, error) {
	if dir := os.Getenv(EnvTools); dir != "" {
		return dir, nil
	}
	dir := filepath.Join(b.dir, "tools")
	what := "building " + strings.Join(names, ", ")
	if len(names) == 0 {
		what = "building the programs of the bench"
	}
	return dir, b.step(ctx, what, func(ctx context.Context) error { return BuildTools(ctx, dir, names...) })
}

// Tool is the path of buildkitd, buildx, runbake or signer.
func (b *Bench) Tool(name string) string { return filepath.Join(b.bin, name) }

// Mounted is the folder of probe, load or ask, with
// linux/<architecture>/<name> in it.
func (b *Bench) Mounted(name string) string { return filepath.Join(b.bin, name) }

// OldBuildx builds another version of buildx, and keeps it.
func (b *Bench) OldBuildx(ctx context.Context, version string) (string, error) {
	return b.cache.file("buildx-"+version, func(path string) error {
		return b.step(ctx, "building buildx "+version, func(ctx context.Context) error {
			dir, err := b.Dir("buildx")
			if err != nil {
				return err
			}
			// Its go.mod has exclude directives, which go install refuses: a
			// module that needs it is built instead.
			for _, command := range [][]string{
				{"go", "-C", dir, "mod", "init", "buildx"},
				{"go", "-C", dir, "get", "-tool", "github.com/docker/buildx/cmd/buildx@" + version},
				{"go", "-C", dir, "build", "-ldflags=-w", "-o", path, "github.com/docker/buildx/cmd/buildx"},
			} {
				if _, err := run(ctx, []string{"GOFLAGS=-mod=mod"}, command...); err != nil {
					return fmt.Errorf("building buildx %s: %w", version, err)
				}
			}
			return nil
		})
	})
}
