package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// merged are the folders of Debian that are links into /usr.
var merged = []string{"bin", "lib", "lib64", "sbin"}

// packages are layers with a suite's packages on its root file system, for a
// language that Debian ships in the version of the image.
//
// They are unpacked by this machine, for whatever architecture: emulating their
// installation takes minutes. Their maintainer scripts are not run, so that
// what those would link (alternatives, mostly) is up to finish; nil if nothing.
func (s suite) packages(name string, wanted []string, finish func(ctx context.Context, b *Bench, dir string) error) func(context.Context, *Bench, string) ([]string, error) {
	return func(ctx context.Context, b *Bench, arch string) ([]string, error) {
		root, err := s.root(ctx, b, arch)
		if err != nil {
			return nil, err
		}
		layer, err := b.layer(ctx, name+"-"+arch, func(dir string) error {
			return b.step(ctx, "unpacking "+strings.Join(wanted, ", ")+" for "+arch, func(ctx context.Context) error {
				if err := b.unpackDebian(ctx, root[0], arch, dir, wanted); err != nil || finish == nil {
					return err
				}
				return finish(ctx, b, dir)
			})
		})
		return append(root, layer), err
	}
}

// unpackDebian puts packages, and what they depend on but the root file system
// has not, into a folder.
func (b *Bench) unpackDebian(ctx context.Context, root, arch, dir string, wanted []string) error {
	b.apting.Lock()
	defer b.apting.Unlock()
	status, err := run(ctx, nil, "tar", "--extract", "--to-stdout", "--file="+root, "./var/lib/dpkg/status")
	if err != nil {
		return err
	}
	apt, env, err := b.apt(ctx, root, status, arch)
	if err != nil {
		return err
	}
	archives := filepath.Join(apt, "archives")
	if err := errors.Join(os.RemoveAll(archives), os.MkdirAll(filepath.Join(archives, "partial"), 0o755)); err != nil {
		return err
	}
	if _, err := run(ctx, env, append([]string{"apt-get", "install", "--yes", "--no-install-recommends", "--download-only"}, wanted...)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(archives, "*.deb"))
	if err != nil || len(debs) == 0 {
		return errors.Join(err, fmt.Errorf("no packages came for %v", wanted))
	}
	for _, link := range merged {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "usr", link), 0o755), os.Symlink("usr/"+link, filepath.Join(dir, link))); err != nil {
			return err
		}
	}
	exclude := "--exclude=./" + strings.Join(needless, " --exclude=./")
	for _, deb := range debs {
		unpack := fmt.Sprintf("dpkg-deb --fsys-tarfile %q | tar -C %q -x --keep-directory-symlink --no-same-owner %s", deb, dir, exclude)
		if _, err := run(ctx, nil, "sh", "-c", unpack); err != nil {
			return err
		}
	}
	for _, link := range merged { // the root has them
		if err := os.Remove(filepath.Join(dir, link)); err != nil {
			return err
		}
	}
	return nil
}

// apt is a folder of apt's for the packages of an architecture, and the
// environment in which apt uses it. Packages are from where the root file system has
// its own; what is installed is what dpkg's list says.
func (b *Bench) apt(ctx context.Context, root, status, arch string) (dir string, env []string, err error) {
	sources, err := run(ctx, nil, "tar", "--extract", "--to-stdout", "--file="+root, "./etc/apt/sources.list")
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(b.dir, fmt.Sprintf("apt-%x", sha256.Sum256([]byte(sources+status+arch)))[:16])
	config := filepath.Join(dir, "apt.conf")
	env = []string{"DEBIAN_FRONTEND=noninteractive", "APT_CONFIG=" + config}
	if _, err := os.Stat(config); err == nil {
		return dir, env, nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "lists/partial"), 0o755); err != nil {
		return dir, env, err
	}
	text := fmt.Sprintf("APT::Architecture %q;\nAPT::Architectures { %q; };\nDir::State %q;\nDir::State::status %q;\n"+
		"Dir::Cache %q;\nDir::Etc::SourceList %q;\nDir::Etc::SourceParts \"-\";\nAPT::Sandbox::User \"root\";\n",
		arch, arch, dir, filepath.Join(dir, "status"), dir, filepath.Join(dir, "sources.list"))
	if err := os.WriteFile(filepath.Join(dir, "sources.list"), []byte(sources), 0o600); err != nil {
		return dir, env, err
	}
	if err := os.WriteFile(filepath.Join(dir, "status"), []byte(status), 0o600); err != nil {
		return dir, env, err
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return dir, env, err
	}
	_, err = run(ctx, env, "apt-get", "update")
	return dir, env, err
}

// link makes links to what is elsewhere in the image: name in, and target as
// the image sees it.
func link(dir string, links ...[2]string) error {
	for _, l := range links {
		name := filepath.Join(dir, l[0])
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(l[1], name)); err != nil {
			return err
		}
	}
	return nil
}
