// Package release_test does what a release and whoever installs it do, from a
// server on this machine.
package release_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"
)

const (
	root    = "../.."
	script  = root + "/pkg/workflow/install.sh"
	release = "v1.2.3"
)

// archiveName is the name that the configuration of releases gives an archive.
func archiveName(t *testing.T, system, arch string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".github/goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Archives []struct {
			Name      string `yaml:"name_template"`
			Formats   []string
			Overrides []struct {
				System  string `yaml:"goos"`
				Formats []string
			} `yaml:"format_overrides"`
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	a := config.Archives[0]
	name, err := template.New("").Parse(a.Name)
	if err != nil {
		t.Fatal(err)
	}
	format := a.Formats[0]
	for _, o := range a.Overrides {
		if o.System == system {
			format = o.Formats[0]
		}
	}
	var out strings.Builder
	if err := name.Execute(&out, map[string]string{"Version": strings.TrimPrefix(release, "v"), "Os": system, "Arch": arch}); err != nil {
		t.Fatal(err)
	}
	return out.String() + "." + format
}

// releases is a server that has one release, by the addresses that GitHub has.
type releases struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string][]byte // by name
	asked []string          // names, in order
}

func newReleases(t *testing.T) *releases {
	t.Helper()
	r := &releases{files: map[string][]byte{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	archive := archiveName(t, runtime.GOOS, runtime.GOARCH)
	r.files[archive] = packed(t, "#!/bin/sh\necho runbake "+release+"\n")
	r.sum(archive)
	return r
}

func (r *releases) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, found := strings.CutPrefix(q.URL.Path, "/releases/download/"+release+"/")
	text, has := r.files[name]
	switch {
	case q.URL.Path == "/releases/latest":
		http.Redirect(w, q, "/releases/tag/"+release, http.StatusFound)
	case q.URL.Path == "/releases/tag/"+release:
	case found && has:
		r.asked = append(r.asked, name)
		_, _ = w.Write(text)
	default:
		http.NotFound(w, q)
	}
}

// sum makes the checksums those of one file.
func (r *releases) sum(name string) {
	r.files["checksums.txt"] = fmt.Appendf(nil, "%064x  %s.cdx.json\n%x  %s\n", 0, name, sha256.Sum256(r.files[name]), name)
}

// packed is an archive as releases have it, with a program.
func packed(t *testing.T, program string) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	for name, text := range map[string]string{"LICENSE": "Apache-2.0", "man/runbake.1": ".TH", "runbake": program} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// machine is one that installs.
type machine struct {
	home string
	bin  string // first in PATH
	env  []string
}

func newMachine(t *testing.T, r *releases) *machine {
	t.Helper()
	m := &machine{home: t.TempDir(), bin: t.TempDir()}
	m.env = []string{"HOME=" + m.home, "PATH=" + m.bin + ":/usr/bin:/bin", "RUNBAKE_RELEASES=" + r.URL + "/releases", "TMPDIR=" + t.TempDir()}
	return m
}

// program puts a script where it is found first.
func (m *machine) program(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.bin, name), []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
}

// install runs the script as people do, through a pipe.
func (m *machine) install(t *testing.T, args ...string) (string, error) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-s", "--"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = m.home, m.env, bytes.NewReader(text)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// installed is what the installed program prints; "" if there is none.
func (m *machine) installed(t *testing.T, folder string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(m.home, folder, "runbake")).Output()
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the test's archives are those of Linux")
	}
}

// TestInstall: the latest version, or the one that is named, is there and runs;
// an archive that was kept is not fetched again.
func TestInstall(t *testing.T) {
	onLinux(t)
	r := newReleases(t)
	m := newMachine(t, r)
	archive := archiveName(t, runtime.GOOS, runtime.GOARCH)
	out, err := m.install(t)
	if err != nil || !strings.Contains(out, "installed runbake "+release) || m.installed(t, ".local/bin") != "runbake "+release {
		t.Fatalf("%v\n%s", err, out)
	}
	for range 2 {
		if out, err = m.install(t, "--version", release, "--to", "tools/bin", "--archives", "kept"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if got := m.installed(t, "tools/bin"); got != "runbake "+release {
		t.Errorf("it prints %q", got)
	}
	if want := []string{"checksums.txt", archive, "checksums.txt", archive, "checksums.txt"}; !slices.Equal(r.asked, want) {
		t.Errorf("it asks for %v, want %v", r.asked, want)
	}
	// What was kept, and is not what was released, does not count.
	if err := os.WriteFile(filepath.Join(m.home, "kept", archive), packed(t, "#!/bin/sh\necho evil\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = m.install(t, "--version", release, "--to", "tools/bin", "--archives", "kept"); err != nil || m.installed(t, "tools/bin") != "runbake "+release {
		t.Errorf("%v\n%s", err, out)
	}
	if got, err := m.install(t, "--resolve"); err != nil || got != release+"\n" {
		t.Errorf("--resolve: %v, %q", err, got)
	}
	left, err := os.ReadDir(strings.TrimPrefix(m.env[3], "TMPDIR="))
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %v: %v", left, err)
	}
}

// TestRefused: nothing is installed that was not released, and what is installed
// already stays.
func TestRefused(t *testing.T) {
	onLinux(t)
	archive := archiveName(t, runtime.GOOS, runtime.GOARCH)
	for name, test := range map[string]struct {
		change func(t *testing.T, r *releases, m *machine)
		args   []string
		says   string
	}{
		"an archive of somebody else's": {change: func(t *testing.T, r *releases, _ *machine) {
			t.Helper()
			r.files[archive] = packed(t, "#!/bin/sh\necho evil\n")
		}, says: "nothing was installed"},
		"half an archive": {change: func(_ *testing.T, r *releases, _ *machine) {
			r.files[archive] = r.files[archive][:40]
		}, says: "nothing was installed"},
		"another checksum": {change: func(_ *testing.T, r *releases, _ *machine) {
			r.files["checksums.txt"] = fmt.Appendf(nil, "%064x  %s\n", 1, archive)
		}, says: "nothing was installed"},
		"no checksum": {change: func(_ *testing.T, r *releases, _ *machine) {
			r.files["checksums.txt"] = fmt.Appendf(nil, "%x  x%s\n", sha256.Sum256(r.files[archive]), archive)
		}, says: "checksums.txt of v1.2.3 has no " + archive},
		"no checksums": {change: func(_ *testing.T, r *releases, _ *machine) {
			delete(r.files, "checksums.txt")
		}, says: "cannot get "},
		"a signature of somebody else's": {change: func(t *testing.T, r *releases, m *machine) {
			t.Helper()
			r.files["checksums.txt.sigstore.json"] = []byte("{}")
			m.program(t, "cosign", "exit 1\n")
		}, says: "is not signed by the release: nothing was installed"},
		"no signature": {change: func(t *testing.T, _ *releases, m *machine) {
			t.Helper()
			m.program(t, "cosign", "exit 0\n")
		}, says: "cannot get "},
		"a version that is not there": {args: []string{"--version", "v9.9.9"}, says: "cannot get "},
		"a path for a version":        {args: []string{"--version", "v1.2.3/../../evil"}, says: "is no version"},
		"two lines for a version":     {args: []string{"--version", "v1.2.3\nv1.2.4"}, says: "is no version"},
		"no value":                    {args: []string{"--version"}, says: "--version needs a value"},
		"an unknown argument":         {args: []string{"--help"}, says: "unknown argument --help"},
		"another system": {change: func(t *testing.T, _ *releases, m *machine) {
			t.Helper()
			m.program(t, "uname", "echo Plan9\n")
		}, says: "there is no release for Plan9"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReleases(t)
			m := newMachine(t, r)
			folder := filepath.Join(m.home, ".local/bin")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "runbake"), []byte("#!/bin/sh\necho old\n"), 0o700); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
			if test.change != nil {
				test.change(t, r, m)
			}
			out, err := m.install(t, test.args...)
			if err == nil || !strings.Contains(out, "install.sh: ") || !strings.Contains(out, test.says) {
				t.Errorf("%v, without %q:\n%s", err, test.says, out)
			}
			if got := m.installed(t, ".local/bin"); got != "old" {
				t.Errorf("afterwards there is %q", got)
			}
		})
	}
}

// TestSigned: who has to have signed is the workflow that releases, at the tag.
func TestSigned(t *testing.T) {
	onLinux(t)
	r := newReleases(t)
	r.files["checksums.txt.sigstore.json"] = []byte("{}")
	m := newMachine(t, r)
	m.program(t, "cosign", "echo \"$@\" > "+filepath.Join(m.home, "asked")+"\n")
	if out, err := m.install(t); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(m.home, "asked"))
	if err != nil {
		t.Fatal(err)
	}
	workflow := ".github/workflows/tool-release.yml"
	for _, want := range []string{
		"verify-blob --bundle ", " --certificate-identity https://github.com/runbake/runbake/" + workflow + "@refs/tags/" + release + " ",
		" --certificate-oidc-issuer https://token.actions.githubusercontent.com ",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("cosign is asked %q, without %q", got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(root, workflow)); err != nil {
		t.Errorf("the workflow that signs is not there: %v", err)
	}
}

// TestSystems: each system and architecture has the archive that releases have.
func TestSystems(t *testing.T) {
	onLinux(t)
	for uname, of := range map[[2]string][2]string{
		{"Linux", "x86_64"}: {"linux", "amd64"}, {"Linux", "aarch64"}: {"linux", "arm64"},
		{"Darwin", "arm64"}: {"darwin", "arm64"}, {"Darwin", "x86_64"}: {"darwin", "amd64"},
		{"MINGW64_NT-10.0-26100", "x86_64"}: {"windows", "amd64"}, {"MSYS_NT-10.0", "aarch64"}: {"windows", "arm64"},
	} {
		t.Run(uname[0]+" "+uname[1], func(t *testing.T) {
			r := newReleases(t)
			r.files["checksums.txt"] = nil
			m := newMachine(t, r)
			m.program(t, "uname", "case $1 in -s) echo "+uname[0]+" ;; -m) echo "+uname[1]+" ;; esac\n")
			out, err := m.install(t)
			if want := "has no " + archiveName(t, of[0], of[1]) + "\n"; err == nil || !strings.Contains(out, want) {
				t.Errorf("%v, without %q:\n%s", err, want, out)
			}
		})
	}
}
