package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// layer is a cached tar of a folder that fill writes, owned by root.
func (b *Bench) layer(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	return b.cache.file("layer-"+name+".tar", func(path string) (err error) {
		dir, err := b.Dir("layer")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		if err := fill(dir); err != nil {
			return err
		}
		_, err = run(ctx, nil, "tar", "--create", "--file="+path, "--sort=name", "--owner=0", "--group=0", "--numeric-owner",
			"--mtime=@0", "--mode=u+rwX,go+rX", "--directory="+dir, ".")
		return err
	})
}

// unpackNPM puts a part of an npm package into a folder.
func (b *Bench) unpackNPM(ctx context.Context, spec, to, part string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		if err := b.install(ctx, "npm"); err != nil {
			return err
		}
	}
	tmp, err := b.Dir("npm")
	if err != nil {
		return err
	}
	out, err := run(ctx, nil, "npm", "pack", "--silent", "--pack-destination", tmp, spec)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	archive := filepath.Join(tmp, lines[len(lines)-1])
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	_, err = run(ctx, nil, "tar", "--extract", "--gzip", "--file="+archive, "--directory="+to, "--strip-components=1", part)
	return err
}

// copyGo copies the toolchain of this machine, with programs for another
// architecture where that is asked for.
func (b *Bench) copyGo(ctx context.Context, to, arch string) error {
	root, err := run(ctx, nil, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	root = strings.TrimSpace(root)
	version, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return err
	}
	if first, _, _ := strings.Cut(string(version), "\n"); first != "go"+goVersion {
		return fmt.Errorf("this machine has %s; the image needs go%s", first, goVersion)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	copyTree := fmt.Sprintf("tar -C %q --exclude=./test --exclude=./pkg/tool --exclude=./bin -c . | tar -C %q -x", root, to)
	if _, err := run(ctx, nil, "sh", "-c", copyTree); err != nil {
		return err
	}
	env := []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOROOT=" + root}
	tools := filepath.Join(to, "pkg/tool/linux_"+arch)
	if err := os.MkdirAll(tools, 0o755); err != nil {
		return err
	}
	build := []string{"go", "build", "-o", tools + "/"}
	for _, tool := range []string{"asm", "cgo", "compile", "cover", "link", "preprofile", "vet"} {
		build = append(build, "cmd/"+tool)
	}
	if _, err := run(ctx, env, build...); err != nil {
		return err
	}
	_, err = run(ctx, env, "go", "build", "-o", filepath.Join(to, "bin")+"/", "cmd/go", "cmd/gofmt")
	return err
}
