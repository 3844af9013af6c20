package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// tools builds the programs that the bench runs: BuildKit and buildx from the
// modules that go.mod pins, which Go keeps in its build cache, and runbake.
func (b *Bench) tools(ctx context.Context) (map[string]string, error) {
	bin := map[string]string{}
	err := b.step("building buildkitd, buildctl and buildx", func() error {
		for _, name := range []string{"buildkitd", "buildctl", "buildx"} {
			path, err := run(ctx, nil, "go", "tool", "-n", name)
			if err != nil {
				return err
			}
			bin[name] = strings.TrimSpace(path)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	bin["runbake"] = filepath.Join(b.dir, "runbake")
	return bin, b.step("building runbake", func() error {
		_, err := run(ctx, nil, "go", "build", "-o", bin["runbake"], "github.com/runbake/runbake/cmd/runbake")
		return err
	})
}

// Tool is the path of buildkitd, buildctl, buildx or runbake.
func (b *Bench) Tool(name string) string { return b.bin[name] }

// OldBuildx builds another version of buildx, and keeps it.
func (b *Bench) OldBuildx(ctx context.Context, version string) (string, error) {
	return b.cache.file("buildx-"+version, func(path string) error {
		return b.step("building buildx "+version, func() error {
			dir, err := b.Dir("buildx")
			if err != nil {
				return err
			}
			// Its go.mod has exclude directives, which go install refuses: a
			// module that needs it is built instead.
			for _, command := range [][]string{
				{"go", "-C", dir, "mod", "init", "buildx"},
				{"go", "-C", dir, "get", "-tool", "github.com/docker/buildx/cmd/buildx@" + version},
				{"go", "-C", dir, "build", "-o", path, "github.com/docker/buildx/cmd/buildx"},
			} {
				if _, err := run(ctx, []string{"CGO_ENABLED=0", "GOFLAGS=-mod=mod"}, command...); err != nil {
					return fmt.Errorf("building buildx %s: %w", version, err)
				}
			}
			return nil
		})
	})
}
