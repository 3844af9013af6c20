package e2e_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/crane"

	"github.com/runbake/runbake/tests/bench"
)

// released is what the rehearsed release is called.
const released = "1.2.3"

// TestRelease rehearses a release for this machine, and installs it on a Debian
// that has nothing: from its package and from its archive. The program that came
// out takes BuildKit from its image, and builds and tests what it brings along.
func TestRelease(t *testing.T) {
	if !full() {
		t.Skip("a release compiles GoReleaser and everything else once more: with " + bench.EnvFull + "=1 only")
	}
	b := bench.ForTest(t, bench.Options{StandIns: []string{"debian:bookworm-slim", "node:24.21.0-bookworm-slim"}})
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Fatal(err)
	}
	first, second := makeRelease(t), makeRelease(t)
	sums := func(dist string) string {
		text, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if sums(first) != sums(second) {
		t.Errorf("two releases of one commit are not the same:\n%s\n%s", sums(first), sums(second))
	}
	for _, name := range []string{".rpm", ".apk", ".cdx.json", "install.sh", "_linux_" + runtime.GOARCH + ".tar.gz"} {
		if !strings.Contains(sums(first), name+"\n") {
			t.Errorf("the release has no %s:\n%s", name, sums(first))
		}
	}
	info := strings.Fields(mustOutput(t, b.Tool("runbake"), "version"))
	buildkit := info[indexOf(t, info, "BuildKit")+1]
	pushPrograms(t, b.Mirror()+"/moby/buildkit:"+buildkit, map[string]string{"buildkitd": b.Tool("buildkitd"), "buildkit-runc": runc})

	for name, install := range map[string]string{
		"package": "dpkg -i /release/*.deb\ntest -s /usr/share/bash-completion/completions/runbake\n" +
			"dpkg --contents /release/*.deb | grep --quiet man1/runbake-build.1\n", // slim systems leave out manuals
		"archive": "tar -xzf /release/runbake_*.tar.gz -C /usr/local/bin runbake\n",
	} {
		t.Run(name, func(t *testing.T) {
			bare := t.TempDir()
			unpackImage(t, b.Mirror()+"/library/debian:bookworm-slim", bare)
			if err := os.CopyFS(filepath.Join(bare, "release"), os.DirFS(first)); err != nil {
				t.Fatal(err)
			}
			config := filepath.Join(bare, "etc/buildkit")
			if err := os.MkdirAll(config, 0o755); err != nil { //nolint:gosec // as systems have it
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(config, "buildkitd.toml"), []byte(b.RegistriesConfig()), 0o600); err != nil {
				t.Fatal(err)
			}
			out := onMachine(t, bare, install+`
runbake version
mkdir /work
cd /work
runbake init
runbake new node 24
runbake generate
time -p runbake build --platform linux/`+runtime.GOARCH+` --progress plain
runbake test --platform linux/`+runtime.GOARCH+` --progress plain
`)
			t.Log(out)
			for _, want := range []string{
				"v" + released, "BuildKit is that of docker.io/moby/buildkit:" + buildkit, "40 passed",
			} {
				if !strings.Contains(out, want) {
					t.Errorf("without %q", want)
				}
			}
		})
	}
}

// makeRelease makes the release of what is committed, for this machine, and returns
// the folder that has it.
func makeRelease(t *testing.T) (dist string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "runbake")
	mustOutput(t, "git", "clone", "--quiet", root, dir)
	git := func(args ...string) { mustOutput(t, append([]string{"git", "-C", dir}, args...)...) }
	git("remote", "set-url", "origin", "https://github.com/runbake/runbake.git")
	git("tag", "--force", "v"+released)
	config := filepath.Join(dir, ".github/goreleaser.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("goos: [linux, darwin, windows]"), []byte("goos: [linux]"), 1)
	text = bytes.Replace(text, []byte("goarch: [amd64, arm64]"), []byte("goarch: ["+runtime.GOARCH+"]"), 1)
	here := filepath.Join(t.TempDir(), "goreleaser.yaml") // the clone stays as it is committed
	if err := os.WriteFile(here, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=.github/tools/goreleaser/go.mod", "goreleaser",
		"release", "--config", here, "--clean", "--skip=publish,sign")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "dist")
}

func mustOutput(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return string(out)
}

func indexOf(t *testing.T, list []string, word string) int {
	t.Helper()
	for i, s := range list {
		if s == word {
			return i
		}
	}
	t.Fatalf("there is no %s in %v", word, list)
	return -1
}

// unpackImage makes the files of an image those of a folder.
func unpackImage(t *testing.T, image, dir string) {
	t.Helper()
	img, err := crane.Pull(image, crane.Insecure, crane.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	go func() { _ = write.CloseWithError(crane.Export(img, write)) }()
	untar := exec.CommandContext(t.Context(), "tar", "-x", "-C", dir)
	untar.Stdin = read
	if out, err := untar.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// onMachine runs a script on a machine of its own: its files, mounts and processes
// are those of a folder, its network is that of the test. Nothing of it is left.
func onMachine(t *testing.T, dir, script string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	const enter = `
mount --bind "$1" "$1"
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
mount -t proc proc "$1/proc"
mkdir "$1/old"
cd "$1"
pivot_root . old
umount -l /old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash -euc '. /script'`
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", enter, "sh", dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
