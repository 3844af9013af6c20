package site_test

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/html"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/sbom"
	"github.com/runbake/runbake/pkg/sink"
	"github.com/runbake/runbake/pkg/site"
)

const lockedDigest = "sha256:51e273620b8d3a493a12083d8de3c39d0e837ef6655902be5888896906d213d8"

// resolve is a catalogue of a runtime that is compiled, one that is not, and a
// base.
func resolve(t *testing.T) *catalogue.Catalogue {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"runbake.hcl": `project {
  registry = "ghcr.io/acme"
  workflows = ["github"]
  labels = { "org.opencontainers.image.source" = "https://github.com/acme/runtimes" }
}`,
		"runtimes/node/runtime.hcl": `runtime "node" {
  name = "Node.js"
  kind = "interpreted"
  entrypoint = "index.js"
  version "20" {
    from = { BASE_IMAGE = "node:20-slim" }
    deprecated = "2026-04-30"
  }
  version "22" {
    from = { BASE_IMAGE = "node:22-slim" }
    end_of_life = "2027-04-30"
    tags = ["22", "latest"]
  }
}`,
		"runtimes/node/Dockerfile": "ARG BASE_IMAGE\nFROM busybox:1 AS tools\nFROM ${BASE_IMAGE}\nCOPY --from=tools /a /a\nCMD [\"node\"]\n",
		"runtimes/go/runtime.hcl": `runtime "go" {
  name = "Go"
  kind = "compiled"
  run  = base.debian["12"]
  version "1.26" { platforms = ["linux/amd64"] }
}`,
		"runtimes/go/Dockerfile":      "FROM golang:1.26 AS build\nFROM ghcr.io/acme/debian-base:12\nCOPY --from=build /a /a\n",
		"runtimes/debian/runtime.hcl": "base \"debian\" {\n  name = \"Debian\"\n  version \"12\" {}\n}",
		"runtimes/debian/Dockerfile":  "FROM debian:bookworm-slim\n",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, diags := definition.Load(fsys)
	c, more := catalogue.Resolve(set, fsys)
	if diags = append(diags, more...); diags.HasErrors() {
		t.Fatal(diags)
	}
	return c
}

func find(t *testing.T, s *site.Site, id string) *site.Image {
	t.Helper()
	i := slices.IndexFunc(s.Images, func(i site.Image) bool { return i.ID == id })
	if i < 0 {
		t.Fatalf("there is no %s", id)
	}
	return &s.Images[i]
}

func TestNew(t *testing.T) {
	l := &lock.File{Images: []lock.Image{{Name: "docker.io/library/node:22-slim", Digest: lockedDigest}}}
	s := site.New(resolve(t), l, site.Options{Now: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC)})
	if s.Title != "Images of ghcr.io/acme" || s.Day != "2027-05-01" || len(s.Images) != 4 {
		t.Errorf("%q, %q, %d images", s.Title, s.Day, len(s.Images))
	}
	node := find(t, s, "node-22")
	if node.Ref() != "ghcr.io/acme/node-runtime:22" || !slices.Equal(node.Tags, []string{"22", "latest"}) || !node.Ended || node.Built() != "node:22-slim" {
		t.Errorf("%+v", node)
	}
	want := []site.Base{
		{Ref: "node:22-slim", Name: "docker.io/library/node:22-slim", Digest: lockedDigest, Source: "lock", Root: true},
		{Ref: "busybox:1", Name: "docker.io/library/busybox:1"},
	}
	if !slices.Equal(node.Bases, want) {
		t.Errorf("bases %+v", node.Bases)
	}
	if old := find(t, s, "node-20"); old.Ended || old.Deprecated != "2026-04-30" {
		t.Errorf("%+v", old)
	}
	golang, debian := find(t, s, "go-1.26"), find(t, s, "debian-12")
	if golang.Run != "debian-12" || !slices.Equal(golang.Parents, []string{"debian-12"}) || golang.Built() != "debian-12" {
		t.Errorf("%+v", golang)
	}
	if !slices.Equal(debian.Users, []string{"go-1.26"}) {
		t.Errorf("users %q", debian.Users)
	}
	if got := node.Verify(); !strings.Contains(got, `cosign verify ghcr.io/acme/node-runtime:22 \`) ||
		!strings.Contains(got, `'^https://github\.com/acme/runtimes/\.github/workflows/release\.yml@'`) {
		t.Errorf("%s", got)
	}
}

// TestIdentity: no label comes into a command but the address of a repository.
func TestIdentity(t *testing.T) {
	for source, want := range map[string]string{
		"https://github.com/acme/runtimes":         `^https://github\.com/acme/runtimes/\.github/workflows/release\.yml@`,
		"https://github.com/acme/runtimes.git":     `^https://github\.com/acme/runtimes/\.github/workflows/release\.yml@`,
		"https://gitlab.com/acme/group/runtimes":   `^https://gitlab\.com/acme/group/runtimes//\.gitlab-ci\.yml@`,
		"https://github.com/acme/a' $(reboot) '":   "",
		"https://github.com/acme":                  "",
		"https://example.com/acme/runtimes":        "",
		"https://github.com/acme/runtimes\nreboot": "",
		"": "",
	} {
		c := resolve(t)
		c.Project.Workflows = nil
		for _, v := range c.Versions() {
			v.Labels = map[string]string{"org.opencontainers.image.source": source}
		}
		if got := site.New(c, nil, site.Options{}).Images[0].Identity.Pattern; got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
	}
}

const hostile = `</title></script></style>--><img src=x onerror=alert(1)><script>alert(1)</script>"' onfocus='alert(1)' {{.}}` + "`\x00\xff\x1b[31m\u202egnp.\u2066"

// full has text of somebody else in all places, and every part of a page.
func full(t *testing.T, text string) *site.Site {
	t.Helper()
	s := site.New(resolve(t), nil, site.Options{Title: text})
	s.Registry = text
	for i := range s.Images {
		m := &s.Images[i]
		m.Runtime, m.Version, m.Entrypoint, m.Repository, m.File = m.Runtime+text, m.Version+text, text, text, text
		m.Tags, m.Platforms, m.Start = append(m.Tags, text), append(slices.Clone(m.Platforms), text), []string{text}
		m.Bases = append(m.Bases, site.Base{Ref: text, Name: text, Digest: text, Source: text})
		for n := range m.Graph.Nodes {
			m.Graph.Nodes[n].Label += text
		}
		m.Published = &site.Published{Digest: text, Signed: true, Platforms: []site.Platform{
			{Name: text, Digest: text, Size: 1, SBOM: true, Packages: []sbom.Package{{Name: text, Version: text, Type: text, License: text}}}, {Name: "linux/amd64"},
		}}
		if i == 0 {
			m.Published = &site.Published{Problem: text}
		}
	}
	return s
}

// TestHostile: whatever is said, the pages have the same elements and attributes.
func TestHostile(t *testing.T) {
	plain, strange := pages(t, full(t, "text")), pages(t, full(t, hostile))
	for name, page := range plain {
		if got, want := outline(page), outline(strange[name]); got != want {
			t.Errorf("%s has other elements:\n%s\nwant\n%s", name, got, want)
		}
		for n := range strange[name].Descendants() {
			if at := strings.IndexFunc(n.Data, func(r rune) bool { return r != '\n' && r != '\t' && sink.Control(r) }); n.Type == html.TextNode && at >= 0 {
				t.Errorf("%s: %q", name, n.Data[at:])
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "href" && strings.Contains(a.Val, "javascript:") {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// outline are the elements of a page with the names of their attributes.
func outline(page *html.Node) string {
	var b strings.Builder
	for n := range page.Descendants() {
		if n.Type == html.ElementNode {
			b.WriteString(n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// pages are the parsed pages of a site.
func pages(t *testing.T, s *site.Site) map[string]*html.Node {
	t.Helper()
	files, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*html.Node{}
	for _, f := range files {
		if !site.Written(f.Content) {
			t.Errorf("%s is not known as written by this package", f.Path)
		}
		page, err := html.Parse(bytes.NewReader(f.Content))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Path] = page
	}
	return all
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestHTML: ids are there once, what refers to one finds it, controls have names,
// links lead to pages that there are, and nothing is loaded.
func TestHTML(t *testing.T) {
	all := pages(t, full(t, "text"))
	for name, page := range all {
		ids := map[string]int{}
		for n := range page.Descendants() {
			if id := attribute(n, "id"); id != "" {
				ids[id]++
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s has %d times the id %q", name, n, id)
			}
		}
		for n := range page.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if of := attribute(n, "aria-labelledby"); of != "" && ids[of] != 1 {
				t.Errorf("%s: nothing has the id %q", name, of)
			}
			switch n.Data {
			case "input", "select":
				if n.Parent.Data != "label" {
					t.Errorf("%s: %s has no label", name, attribute(n, "id"))
				}
			case "button":
				if attribute(n, "type") == "" || n.FirstChild == nil {
					t.Errorf("%s: a button has no type or name", name)
				}
			case "a":
				link(t, all, name, attribute(n, "href"), ids)
			case "img", "iframe", "object", "embed", "base":
				t.Errorf("%s has <%s>", name, n.Data)
			case "script":
				if attribute(n, "src") != "" {
					t.Errorf("%s loads a script", name)
				}
			case "link":
				if href := attribute(n, "href"); href != "data:," {
					t.Errorf("%s loads %s", name, href)
				}
			}
		}
	}
	if len(all) != 5 {
		t.Errorf("pages %q", slices.Sorted(maps.Keys(all)))
	}
}

func link(t *testing.T, all map[string]*html.Node, from, href string, ids map[string]int) {
	t.Helper()
	if id, found := strings.CutPrefix(href, "#"); found {
		if ids[id] != 1 {
			t.Errorf("%s: nothing has the id %q", from, id)
		}
		return
	}
	if !strings.HasPrefix(href, "https://") && all[path.Join(path.Dir(from), href)] == nil {
		t.Errorf("%s: a link leads to %q", from, href)
	}
}

// TestPolicy: scripts and styles are allowed by their hashes, and by nothing else.
func TestPolicy(t *testing.T) {
	files, err := full(t, "text").Files()
	if err != nil {
		t.Fatal(err)
	}
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[^ ;]*'; style-src( 'sha256-[^ ;]*')+; ` +
		`img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"`)
	for _, f := range files {
		if !policy.MatchString(html.UnescapeString(string(f.Content))) || bytes.Contains(f.Content, []byte("unsafe")) {
			t.Errorf("%s has another policy", f.Path)
		}
	}
}

// TestSame: the same input makes the same bytes.
func TestSame(t *testing.T) {
	first, err := full(t, "text").Files()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := full(t, "text").Files()
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range first {
			if again[i].Path != f.Path || !bytes.Equal(again[i].Content, f.Content) {
				t.Fatalf("%s is another one", f.Path)
			}
		}
	}
}

func TestPackages(t *testing.T) {
	zlib, pad := sbom.Package{Name: "zlib", Version: "1"}, sbom.Package{Name: "left-pad"}
	p := site.Published{Platforms: []site.Platform{
		{Name: "linux/amd64", Packages: []sbom.Package{zlib, zlib}}, {Name: "linux/arm64", Packages: []sbom.Package{pad, zlib}},
	}}
	want := []site.Package{{Package: pad, Platforms: "linux/arm64"}, {Package: zlib}}
	if got := p.Packages(); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

// TestDays: days far apart, and one alone, make a time line that can be drawn.
func TestDays(t *testing.T) {
	for _, days := range [][2]string{{"2027-04-30", ""}, {"2027-04-30", "2027-04-30"}, {"0001-01-01", "9999-12-31"}} {
		s := site.New(resolve(t), nil, site.Options{})
		find(t, s, "node-20").Deprecated, find(t, s, "node-20").EndOfLife = "", days[0]
		find(t, s, "node-22").EndOfLife = days[1]
		bars := 0
		for n := range pages(t, s)["images/node-22.html"].Descendants() {
			if n.Data == "rect" && attribute(n, "data-ends") != "" {
				bars++
				if width := attribute(n, "width"); len(width) == 0 || len(width) > 3 || width[0] == '-' {
					t.Errorf("%q: a bar of %q", days, width)
				}
			}
			if text := n.Data; n.Type == html.TextNode && strings.Contains(text, "%!") {
				t.Errorf("%q", text)
			}
		}
		if want := len(slices.DeleteFunc(days[:], func(day string) bool { return day == "" })); bars != want {
			t.Errorf("%q: %d bars", days, bars)
		}
	}
}
