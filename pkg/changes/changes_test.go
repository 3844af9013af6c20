package changes_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/pkg/changes"
	"github.com/runbake/runbake/pkg/sink"
)

var update = flag.Bool("update", false, "write the golden files")

// earlier and later are an image of two platforms, and what became of it.
func earlier() []changes.Image {
	image := changes.Image{
		Platform: "linux/amd64", Digest: "sha256:aaaaaaaaaaaaaaaaaaaa", Size: 100_000_000, Layers: 5, Source: changes.SBOM,
		Base: changes.Base{Name: "node:22-slim", Digest: "sha256:1111111111111111"},
		Config: changes.Config{
			User: "appwrite", WorkingDir: "/usr/local/src", Cmd: []string{"launch.sh", "<a>"}, Ports: []string{"3000/tcp"},
			Env:    map[string]string{"PATH": "/bin", "API_TOKEN": "s3cret", "OLD": ""},
			Labels: map[string]string{"org.opencontainers.image.title": "Node.js", "org.opencontainers.image.created": "2026-01-01"},
		},
		Packages: []changes.Package{
			{Type: "deb", Name: "curl", Version: "7.88.1-10"},
			{Type: "deb", Name: "gone", Version: "1"},
			{Type: "deb", Name: "libc6", Version: "2.36-9+deb12u9"},
			{Type: "deb", Name: "down", Version: "2-1"},
			{Type: "npm", Name: "ms", Version: "2.0.0"},
			{Type: "npm", Name: "ms", Version: "2.1.3"},
			{Type: "pypi", Name: "pytz", Version: "2024a"},
		},
	}
	arm := image
	arm.Platform = "linux/arm64"
	return []changes.Image{image, arm, {Platform: "linux/s390x", Digest: "sha256:cc"}, {Platform: "linux/riscv64", Digest: "sha256:dd", Source: changes.Layers}}
}

func later() []changes.Image {
	all := earlier()
	for i := range 2 {
		image := &all[i]
		image.Digest, image.Size, image.Layers = "sha256:bbbbbbbbbbbbbbbbbbbb", 90_000_000, 6
		image.Base.Digest = "sha256:2222222222222222"
		image.Config = changes.Config{
			User: "root", WorkingDir: "/usr/local/src", Entrypoint: []string{"tini", "--"}, Cmd: []string{"launch.sh", "<b>"},
			Ports: []string{"3000/tcp", "3001/tcp"}, Volumes: []string{"/data"}, StopSignal: "SIGINT",
			Env:    map[string]string{"PATH": "/bin:/sbin", "API_TOKEN": "other s3cret"},
			Labels: map[string]string{"org.opencontainers.image.title": "Node", "org.opencontainers.image.created": "2026-02-02"},
		}
		image.Packages = []changes.Package{
			{Type: "deb", Name: "curl", Version: "7.88.1-10"},
			{Type: "deb", Name: "libc6", Version: "2.36-9+deb12u10"},
			{Type: "deb", Name: "new", Version: "3"},
			{Type: "deb", Name: "down", Version: "1-1"},
			{Type: "npm", Name: "ms", Version: "2.1.3"},
			{Type: "npm", Name: "ms", Version: "2.1.2"},
			{Type: "pypi", Name: "pytz", Version: "2025b"},
		}
	}
	return append(all[:2], changes.Image{Platform: "linux/ppc64le", Digest: "sha256:ee", Size: 5_000_000}, changes.Image{Platform: "linux/riscv64", Digest: "sha256:ff"})
}

func item(id string, before, after []changes.Image) changes.Item {
	i := changes.Item{
		ID: id, Before: changes.Named{Image: "acme/" + id + ":1", Digest: "sha256:01"}, After: changes.Named{Image: "acme/" + id + ":2", Digest: "sha256:02"},
		Platforms: changes.Compare(before, after),
	}
	i.Done()
	return i
}

// TestReports: everything that can differ, in all forms.
func TestReports(t *testing.T) {
	rebuilt := earlier()
	for i := range rebuilt {
		rebuilt[i].Digest += "b"
	}
	same := item("same", earlier(), earlier())
	same.After.Digest = same.Before.Digest
	items := []changes.Item{
		item("node-22", earlier(), later()), same, item("rebuilt", earlier()[:1], rebuilt[:1]),
		{ID: "lost", Error: "the registry has no <such> | image"},
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"report.txt":  func(b *bytes.Buffer) error { return changes.WriteText(b, items) },
		"report.md":   func(b *bytes.Buffer) error { return changes.WriteMarkdown(b, items) },
		"report.json": func(b *bytes.Buffer) error { return changes.WriteJSON(b, items) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil { //nolint:gosec // a golden file
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s", diff.Diff(golden, want, "got", got.Bytes()))
			}
			if strings.Contains(got.String(), "s3cret") {
				t.Error("a secret is shown")
			}
		})
	}
}

// TestCompareStates: each platform has the state that its images give it.
func TestCompareStates(t *testing.T) {
	got := map[string]changes.State{}
	for _, p := range changes.Compare(earlier(), later()) {
		got[p.Platform] = p.State
	}
	want := map[string]changes.State{
		"linux/amd64": changes.Changed, "linux/arm64": changes.Changed, "linux/s390x": changes.Removed,
		"linux/ppc64le": changes.Added, "linux/riscv64": changes.Rebuilt,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	same := changes.Item{Platforms: changes.Compare(earlier(), earlier())}
	if same.Done(); !same.Same {
		t.Errorf("%+v", same)
	}
}

// TestHostileNames: names and values of images are text in reports: no line, no row and
// no markup of their own.
func TestHostileNames(t *testing.T) {
	const evil = "a\n::error::b\x1b[2J\u202e|<img src=x>`\t*"
	before := []changes.Image{{Platform: "linux/amd64", Digest: "sha256:a", Source: changes.Layers}}
	after := []changes.Image{{
		Platform: "linux/amd64", Digest: "sha256:b", Source: changes.Layers,
		Packages: []changes.Package{{Type: "deb", Name: evil, Version: evil}}, Base: changes.Base{Name: evil, Digest: evil},
		Config: changes.Config{User: evil, Env: map[string]string{evil: evil}, Labels: map[string]string{evil: evil}, Cmd: []string{evil}},
	}}
	items := []changes.Item{item(evil, before, after)}
	items[0].Error = ""
	var text, markdown bytes.Buffer
	if err := changes.WriteText(&text, items); err != nil {
		t.Fatal(err)
	}
	if err := changes.WriteMarkdown(&markdown, items); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text.String(), "\n"); n != 8 {
		t.Errorf("%d lines:\n%s", n, &text)
	}
	for _, r := range text.String() + markdown.String() {
		if sink.Control(r) && r != '\n' {
			t.Errorf("%q is in a report", r)
		}
	}
	for _, markup := range []string{"<img", "\n::", "|<"} {
		if strings.Contains(markdown.String(), markup) {
			t.Errorf("%q is in\n%s", markup, &markdown)
		}
	}
}

func TestSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"API_TOKEN": true, "api_key": true, "APIKEY": true, "DB_PASSWORD": true, "DBPASSWORD": true, "MYSQL_PWD": true, "AWS_SECRET_ACCESS_KEY": true,
		"NPM_AUTH": true, "CREDENTIALS": true, "tokens": true, "key": true,
		"PATH": false, "PWD": false, "MONKEY": false, "AUTHOR": false, "PUBLIC_KEY": false, "NODE_VERSION": false, "": false,
	} {
		if got := changes.Secret(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
