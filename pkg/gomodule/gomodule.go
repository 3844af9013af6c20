// Package gomodule compiles programs out of versions of modules, with the Go of
// this machine. Go compares each module with its checksum database.
package gomodule

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Program is one of a module.
type Program struct {
	Module  string // its path
	Version string
	Package string // below the module: "./cmd/name"
}

// Possible reports whether there is a Go to compile with.
func Possible() bool {
	_, err := exec.LookPath("go")
	return err == nil
}

// Build compiles it into a file, for Linux; arch is "" for the architecture of
// this machine. What is there stays as it is until the program is complete.
func (p Program) Build(ctx context.Context, file, arch string) (err error) {
	dir := filepath.Dir(file) // not in the module that somebody may stand in
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", p.Module+"@"+p.Version)
	download.Dir = dir
	download.Env = append(download.Environ(), "GOWORK=off")
	out, err := download.Output() // errors are in it too
	if err != nil {
		return fmt.Errorf("downloading %s %s: %w: %s", p.Module, p.Version, err, out)
	}
	var source struct{ Dir string }
	if err := json.Unmarshal(out, &source); err != nil {
		return fmt.Errorf("downloading %s %s: %w", p.Module, p.Version, err)
	}
	part := file + ".part"
	build := exec.CommandContext(ctx, "go", "-C", source.Dir, "build", "-trimpath", "-ldflags=-s -w", "-o", part, p.Package)
	build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly", "GOOS=linux")
	if arch != "" {
		build.Env = append(build.Env, "GOARCH="+arch)
	}
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling %s of %s %s: %w: %s", p.Package, p.Module, p.Version, err, out)
	}
	return os.Rename(part, file)
}
