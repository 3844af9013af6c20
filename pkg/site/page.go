package site

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/sink"
)

//go:embed assets
var assets embed.FS

// head is how each page begins, by which [Written] knows it again.
const head = "<!doctype html>\n<!-- Written by runbake site. DO NOT EDIT. -->\n"

// ImageDir is the folder of the pages of images.
const ImageDir = "images"

// Written reports whether a file is a page that this package made.
func Written(have []byte) bool { return bytes.HasPrefix(have, []byte(head)) }

// File is a page.
type File struct {
	Path    string // from the folder of the site, slash-separated
	Content []byte
}

// page is what templates are given. Style and Script are files of this package,
// and Graph is written by package graph: all else is text, which html/template
// escapes.
type page struct {
	*Site
	Heading string
	Up      string // what leads to the folder of the site
	Policy  string
	Style   template.HTML
	Script  template.HTML
	Graph   template.HTML
	Image   *Image
	Others  []*Image // versions of the same runtime, itself included
	Line    *timeline
	byID    map[string]*Image
}

// Files are the pages, those of images first: what a page links to is there
// before it.
func (s *Site) Files() ([]File, error) {
	style, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, err
	}
	script, err := assets.ReadFile("assets/site.js")
	if err != nil {
		return nil, err
	}
	templates, err := template.New("").Funcs(template.FuncMap{"size": size}).ParseFS(assets, "assets/*.html")
	if err != nil {
		return nil, err
	}
	common := page{
		Site: s, byID: map[string]*Image{},
		Style:  template.HTML("<style>" + string(style) + "</style>"),    //nolint:gosec // a file of this package
		Script: template.HTML("<script>" + string(script) + "</script>"), //nolint:gosec // a file of this package
	}
	byKey := map[string][]*Image{}
	for i := range s.Images {
		image := &s.Images[i]
		common.byID[image.ID] = image
		byKey[image.Key] = append(byKey[image.Key], image)
	}
	files := make([]File, 0, len(s.Images)+1)
	for i := range s.Images {
		p := common
		p.Image, p.Up = &s.Images[i], "../"
		p.Heading, p.Others = p.Image.Title(), byKey[p.Image.Key]
		p.Line = newTimeline(p.Others)
		var picture strings.Builder
		if err := p.Image.Graph.WriteSVG(&picture); err != nil {
			return nil, err
		}
		p.Graph = template.HTML(picture.String()) //nolint:gosec // package graph escapes what it writes
		content, err := p.render(templates, "image.html")
		if err != nil {
			return nil, err
		}
		files = append(files, File{p.Image.file(), content})
	}
	common.Heading = s.Title
	content, err := common.render(templates, "index.html")
	if err != nil {
		return nil, err
	}
	return append(files, File{"index.html", content}), nil
}

func (i *Image) file() string { return ImageDir + "/" + i.ID + ".html" }

func (p *page) render(templates *template.Template, name string) ([]byte, error) {
	p.Policy = policy(p.Script, p.Style, p.Graph)
	out := bytes.NewBufferString(head)
	if err := templates.ExecuteTemplate(out, name, p); err != nil {
		return nil, fmt.Errorf("making the page of %s: %w", p.Heading, err)
	}
	return plain(out.Bytes()), nil
}

// plain has a sign for characters that are no text: those that control something, or
// make text look like what it is not.
func plain(page []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && sink.Control(r) {
			return utf8.RuneError
		}
		return r
	}, page)
}

// inline finds what a policy has to allow.
var inline = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)

// policy allows the scripts and styles of this package by their hashes, and
// nothing else: no request, no form, no frame, no attribute with code.
// https://www.w3.org/TR/CSP3/
func policy(parts ...template.HTML) string {
	var all strings.Builder
	for _, part := range parts {
		all.WriteString(string(part))
	}
	allowed := map[string][]string{}
	for _, m := range inline.FindAllStringSubmatch(all.String(), -1) {
		sum := sha256.Sum256([]byte(m[2]))
		allowed[m[1]] = append(allowed[m[1]], "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return "default-src 'none'; script-src " + strings.Join(allowed["script"], " ") + "; style-src " + strings.Join(allowed["style"], " ") +
		"; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
}

// size writes bytes for people.
func size(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// Link is another page of the site.
type Link struct{ Title, Href string }

// Link is the page of an image, from that of another one.
func (p *page) Link(id string) Link {
	image := p.byID[id]
	return Link{image.Title(), image.ID + ".html"}
}

// choice is an option of a filter.
type choice struct{ Value, Text string }

// Runtimes are what can be filtered by.
func (p *page) Runtimes() []choice {
	var all []choice
	for _, image := range p.Images {
		if c := (choice{image.Key, image.Runtime}); !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b choice) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)), cmp.Compare(a.Value, b.Value))
	})
	return all
}

// Targets are the platforms of all images.
func (p *page) Targets() []string {
	var all []string
	for _, image := range p.Images {
		all = append(all, image.Platforms...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Functions says whether the image has the contract of functions.
func (i *Image) Functions() bool {
	return i.Contract == catalogue.FunctionContract && i.Kind != catalogue.Base
}

// HasSBOM says whether the registry has an SBOM for a platform.
func (p *Published) HasSBOM() bool {
	return slices.ContainsFunc(p.Platforms, func(p Platform) bool { return p.SBOM })
}
