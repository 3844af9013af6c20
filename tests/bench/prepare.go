package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// usual are the stand-ins that tests need whatever they prove.
var usual = []string{
	"debian:bookworm-slim", "golang:" + goVersion + "-bookworm", "node:22.23.3-bookworm-slim", "node:24.21.0-bookworm-slim",
	"perl:5.36-slim-bookworm",
}

// Possible reports whether there can be a bench: on Linux, as root.
func Possible() bool { return runtime.GOOS == "linux" && os.Geteuid() == 0 }

// Prepare makes what benches need and keep, and builds the programs into a
// folder meanwhile, once their packages are compiled: two go commands that
// compile at the same time would each compile what they share.
func Prepare(ctx context.Context, tools string, compile func(context.Context) error, log io.Writer) (err error) {
	b, err := open(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	b.bin = tools
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := compile(ctx); err != nil {
			return err
		}
		err := b.step(ctx, "building the programs of the bench", func(ctx context.Context) error { return BuildTools(ctx, tools) })
		return errors.Join(err, b.MakeStandIns(ctx, []string{scannerImage}))
	})
	group.Go(func() error { return b.MakeStandIns(ctx, usual) })
	return group.Wait()
}

// CacheDir is the folder that outlives benches.
func CacheDir() (string, error) {
	cache, err := openCache()
	if err != nil {
		return "", err
	}
	return cache.dir, nil
}

// Clean takes away all that benches have kept.
func Clean() error {
	dir, err := CacheDir()
	if err != nil {
		return err
	}
	return errors.Join(unmountBelow(dir), os.RemoveAll(dir))
}

// needed is the room that compiling and the bench take at most, in bytes; see
// docs/benchmarks.md.
const needed = 12 << 30

// Room looks whether there is room for what tests make, less what is there.
func Room() error {
	dir, err := CacheDir()
	if err != nil {
		return err
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return err
	}
	free := int64(disk.Bavail) * disk.Bsize //nolint:gosec // not that large
	have, err := Disk(context.Background())
	if err != nil {
		return err
	}
	if free+have < needed {
		return fmt.Errorf("%s has %.1f GB free, and tests need %.1f GB more than the %.1f GB that they have kept",
			dir, float64(free)/1e9, float64(needed-have)/1e9, float64(have)/1e9)
	}
	return nil
}

// Disk is what the caches of Go and of the bench have, in bytes.
func Disk(ctx context.Context) (int64, error) {
	bench, err := CacheDir()
	if err != nil {
		return 0, err
	}
	builds, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return 0, fmt.Errorf("go env: %w", err)
	}
	var all int64
	for _, dir := range []string{bench, strings.TrimSpace(string(builds))} {
		size, err := diskUsage(dir)
		if err != nil {
			return 0, err
		}
		all += size
	}
	return all, nil
}

// diskUsage is what files of a folder take, links to one counted once.
func diskUsage(dir string) (size int64, err error) {
	seen := map[uint64]bool{}
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // somebody else's, and gone
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			return nil //nolint:nilerr // gone meanwhile
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && !seen[stat.Ino] {
			seen[stat.Ino] = true
			size += stat.Blocks * 512
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return size, err
}
