package bench

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// quickGzip makes tar compress, the same way each time.
const quickGzip = "--use-compress-program=gzip -1 --no-name"

// layer is a cached tar of a folder that fill writes, owned by root.
func (b *Bench) layer(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	return b.cache.file("layer-"+name+".tar.gz", func(path string) (err error) {
		dir, err := b.Dir("layer")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		if err := fill(dir); err != nil {
			return err
		}
		_, err = run(ctx, nil, "tar", "--create", quickGzip, "--file="+path, "--sort=name", "--owner=0", "--group=0",
			"--numeric-owner", "--mtime=@0", "--mode=u+rwX,go+rX", "--directory="+dir, ".")
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

// copyGo puts the release of Go for an architecture into a folder, as the proxy
// for modules has it and go.sum's database knows it.
func (b *Bench) copyGo(ctx context.Context, to, arch string) error {
	outside, err := b.Dir("go") // of this module, whose go.sum need not know it
	if err != nil {
		return err
	}
	module := "golang.org/toolchain@v0.0.1-go" + goVersion + ".linux-" + arch
	out, err := run(ctx, []string{"GO111MODULE=on", "GOWORK=off", "GOFLAGS="}, "go", "-C", outside, "mod", "download", "-json", module)
	if err != nil {
		return err
	}
	var release struct{ Zip string }
	if err := json.Unmarshal([]byte(out), &release); err != nil {
		return err
	}
	return unzip(release.Zip, to, module)
}

// unzip unpacks what is below a folder of a zip archive of a module. Such
// archives say nothing of permissions: programs stand where those of Go do.
func unzip(archive, to, folder string) (err error) {
	files, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	for _, f := range files.File {
		name, below := strings.CutPrefix(f.Name, folder+"/")
		if !below || strings.HasSuffix(name, "/") || strings.HasPrefix(name, "test/") {
			continue
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "pkg/tool/") || strings.HasSuffix(name, ".bash") {
			mode = 0o755
		}
		if err := unzipFile(f, filepath.Join(to, filepath.FromSlash(name)), mode); err != nil {
			return err
		}
	}
	return nil
}

func unzipFile(f *zip.File, to string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	from, err := f.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	return errors.Join(err, file.Close())
}
