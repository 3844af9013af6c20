package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// needless are folders that slim images have not.
var needless = []string{"usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"}

// linked are folders to the packages that have them, and links once Debian is
// set up.
var linked = append([]string{"var/lock", "var/run"}, merged...)

// suite is a release of Debian.
type suite string

const (
	bookworm suite = "bookworm" // 12
	trixie   suite = "trixie"   // 13
)

// root is a Debian root file system, as slim as the official image but for
// ca-certificates. That of this machine's architecture is bootstrapped, and
// others are made of it.
func (s suite) root(ctx context.Context, b *Bench, arch string) ([]string, error) {
	file, err := b.cache.file("rootfs-"+string(s)+"-"+arch+".tar.gz", func(path string) error {
		if arch != runtime.GOARCH {
			native, err := s.root(ctx, b, runtime.GOARCH)
			if err != nil {
				return err
			}
			return b.step(ctx, fmt.Sprintf("translating Debian %s for %s", s, arch), func(ctx context.Context) error {
				return b.translate(ctx, native[0], arch, path)
			})
		}
		return b.step(ctx, fmt.Sprintf("bootstrapping Debian %s for %s", s, arch),
			func(ctx context.Context) error { return b.bootstrap(ctx, s, path) })
	})
	return []string{file}, err
}

func (b *Bench) bootstrap(ctx context.Context, s suite, path string) error {
	if err := b.install(ctx, "mmdebstrap"); err != nil {
		return err
	}
	command := []string{"mmdebstrap", "--variant=minbase", "--include=ca-certificates", "--dpkgopt=force-unsafe-io"}
	for _, folder := range needless {
		command = append(command, "--dpkgopt=path-exclude=/"+folder+"/*")
	}
	plain := path + ".tar"
	if _, err := run(ctx, nil, append(command, "--format=tar", string(s), plain)...); err != nil {
		return err
	}
	if _, err := run(ctx, nil, "gzip", "-1", "--no-name", plain); err != nil {
		return err
	}
	return os.Rename(plain+".gz", path)
}

// translate makes the root file system of an architecture from that of another,
// in which Debian was set up: what scripts have written there is the same
// for all, and what packages hold for one architecture is replaced. To set it up
// under emulation takes minutes.
func (b *Bench) translate(ctx context.Context, native, arch, path string) error {
	dir, err := b.Dir("root")
	if err != nil {
		return err
	}
	if _, err := run(ctx, nil, "tar", "--extract", "--same-permissions", "--file="+native, "--directory="+dir); err != nil {
		return err
	}
	status, err := os.ReadFile(filepath.Join(dir, "var/lib/dpkg/status"))
	if err != nil {
		return err
	}
	packages := packagesFor(string(status), runtime.GOARCH)
	debs, err := b.download(ctx, native, arch, packages)
	if err != nil {
		return err
	}
	for _, name := range packages {
		if err := removePackage(dir, name); err != nil {
			return err
		}
	}
	if _, err := run(ctx, nil, append([]string{"sh", "-euc", addPackages, "sh", dir, arch}, debs...)...); err != nil {
		return err
	}
	if err := b.translateStatus(ctx, dir, string(status), debs); err != nil {
		return err
	}
	_, err = run(ctx, nil, "tar", "--create", quickGzip, "--file="+path, "--sort=name", "--numeric-owner", "--directory="+dir, ".")
	return errors.Join(err, os.RemoveAll(dir))
}

// field is one of a stanza of dpkg's.
func field(stanza, name string) string {
	for line := range strings.Lines(stanza) {
		if value, found := strings.CutPrefix(line, name+": "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// packagesFor are the packages in dpkg's list that are of an architecture.
func packagesFor(status, arch string) []string {
	var names []string
	for stanza := range strings.SplitSeq(status, "\n\n") {
		if field(stanza, "Architecture") == arch {
			names = append(names, field(stanza, "Package"))
		}
	}
	return names
}

// download brings packages of an architecture, and nothing that they depend on, from
// where a root file system has its own.
func (b *Bench) download(ctx context.Context, root, arch string, names []string) ([]string, error) {
	b.apting.Lock()
	defer b.apting.Unlock()
	apt, env, err := b.apt(ctx, root, "", arch)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(apt, "downloads")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	command := append([]string{"env", "-C", dir, "apt-get", "download"}, names...)
	if _, err := run(ctx, env, command...); err != nil {
		return nil, err
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err == nil && len(debs) != len(names) {
		err = fmt.Errorf("%d packages came for %d: %v", len(debs), len(names), debs)
	}
	return debs, err
}

// removePackage takes away the files of a package, and what dpkg knows of it.
func removePackage(dir, name string) error {
	info := filepath.Join(dir, "var/lib/dpkg/info")
	known, err := filepath.Glob(filepath.Join(info, name+".*"))
	if err != nil {
		return err
	}
	multi, err := filepath.Glob(filepath.Join(info, name+":*"))
	if err != nil {
		return err
	}
	known = append(known, multi...)
	for _, file := range known {
		if !strings.HasSuffix(file, ".list") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for owned := range strings.Lines(string(text)) {
			name := strings.TrimSpace(owned)
			path := filepath.Join(dir, name)
			if slices.Contains(linked, strings.TrimPrefix(name, "/")) {
				continue
			}
			if entry, err := os.Lstat(path); err != nil || entry.IsDir() {
				continue // left out of a slim image, or a folder that others have too
			}
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for _, file := range known {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// addPackages unpacks packages into a folder, and notes for dpkg which files
// they have, as dpkg itself does.
const addPackages = `dir=$1 arch=$2
shift 2
info=$dir/var/lib/dpkg/info
find "$dir/usr" -depth -type d -path '*-linux-gnu*' -empty -delete
rmdir "$dir/usr/lib64" && rm "$dir/lib64"
for deb; do
    name=$(dpkg-deb --field "$deb" Package)
    case $(dpkg-deb --field "$deb" Multi-Arch) in same) name=$name:$arch ;; esac
    dpkg-deb --fsys-tarfile "$deb" >"$dir/data.tar"
    tar --extract --file="$dir/data.tar" --directory="$dir" --keep-directory-symlink --same-permissions ` +
	`--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/info/*'
    tar --list --file="$dir/data.tar" | sed 's|^\./$|/.|; s|^\.||; s|\(.\)/$|\1|' >"$info/$name.list"
    dpkg-deb --control "$deb" "$dir/control"
    rm "$dir/control/control"
    for file in "$dir/control"/*; do
        [ ! -e "$file" ] || mv "$file" "$info/$name.${file##*/}"
    done
    rm -r "$dir/control" "$dir/data.tar"
done
rm -f "$dir/etc/ld.so.cache"
`

// translateStatus writes dpkg's list for other packages.
func (b *Bench) translateStatus(ctx context.Context, dir, status string, debs []string) error {
	controls := map[string]string{}
	for _, deb := range debs {
		text, err := run(ctx, nil, "dpkg-deb", "--field", deb)
		if err != nil {
			return err
		}
		controls[field(text, "Package")] = strings.TrimSpace(text)
	}
	var stanzas []string
	for stanza := range strings.SplitSeq(strings.TrimSpace(status), "\n\n") {
		if control, found := controls[field(stanza, "Package")]; found {
			stanza = strings.Join(slices.DeleteFunc([]string{
				strings.Replace(control, "\n", "\nStatus: install ok installed\n", 1), conffiles.FindString(stanza),
			}, func(s string) bool { return s == "" }), "\n")
		}
		stanzas = append(stanzas, strings.TrimSpace(stanza))
	}
	name := filepath.Join(dir, "var/lib/dpkg/status")
	return os.WriteFile(name, []byte(strings.Join(stanzas, "\n\n")+"\n\n"), 0o644) //nolint:gosec // as dpkg writes it
}

// conffiles is the field of a stanza that a package itself has not.
var conffiles = regexp.MustCompile(`(?m)^Conffiles:\n(?: .*\n?)+`)
