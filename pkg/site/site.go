// Package site makes a static site of the images of a repository: a page of all,
// and one for each. It needs no server, no network and no build; what it says of
// an image comes from the definitions and the lock, and from what a registry was
// asked.
package site

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/graph"
	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/sbom"
)

// Site is what the pages say.
type Site struct {
	Title    string
	Registry string  // of the project
	Day      string  // of the data, as YYYY-MM-DD; "" when it is not said
	Images   []Image // in the order of the catalogue
}

// Image is what the pages say of one image.
type Image struct {
	ID         string
	Key        string // of its runtime
	Runtime    string // its name
	Version    string
	Kind       catalogue.Kind
	Contract   string // function or none
	Entrypoint string // file that a function has when it says nothing; "" for bases
	Repository string // registry, path and name
	Tags       []string
	Platforms  []string
	Start      []string // what a container runs
	File       string   // that defines it, from the root
	Deprecated string   // since when; "" if it is not
	EndOfLife  string   // "" when it is not known
	Ended      bool     // on the day of the site
	Bases      []Base   // images of others, the one that it is built on first
	Parents    []string // ids of images of the repository that it takes, the one that it is built on first
	Run        string   // id of the image that runs what this one makes; "" for itself
	Users      []string // ids of what takes this image, or is run by it
	Graph      graph.Graph
	Attest     catalogue.Attest
	Identity   Identity
	Published  *Published // nil when no registry was asked
}

// Base is an image of others.
type Base struct {
	Ref    string
	Name   string // in full, without digest
	Digest string // "" when it is not known
	Source string // who says so: lock, definition or registry
	Root   bool   // the image is built on it
}

// Published is what a registry has of an image.
type Published struct {
	Problem   string // why it could not be asked; the rest is empty then
	Digest    string
	Signed    bool
	Platforms []Platform
}

// Platform is what a registry has for one platform.
type Platform struct {
	Name       string
	Digest     string
	Size       int64 // bytes to pull
	SBOM       bool
	Provenance bool
	Packages   []sbom.Package
}

// Options are what definitions do not say.
type Options struct {
	Title string    // "" for that of the registry
	Now   time.Time // zero when pages do not depend on the day
}

// New is the site that definitions and the lock make; l is nil when there is none.
func New(c *catalogue.Catalogue, l *lock.File, o Options) *Site {
	s := &Site{Registry: c.Project.Registry, Title: cmp.Or(o.Title, "Images of "+c.Project.Registry)}
	if !o.Now.IsZero() {
		s.Day = o.Now.UTC().Format(time.DateOnly)
	}
	versions := c.Versions()
	users := map[string][]string{}
	for _, v := range versions {
		image := newImage(c, l, v)
		image.Ended = !o.Now.IsZero() && v.Ended(o.Now)
		for _, id := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(image.Parents), v.RunImage().ID)))) {
			if id != v.ID {
				users[id] = append(users[id], v.ID)
			}
		}
		s.Images = append(s.Images, image)
	}
	for i := range s.Images {
		s.Images[i].Users = users[s.Images[i].ID]
	}
	return s
}

func newImage(c *catalogue.Catalogue, l *lock.File, v *catalogue.Version) Image {
	image := Image{
		ID: v.ID, Key: v.Runtime.Key, Runtime: v.Runtime.Name, Version: v.Name, Kind: v.Runtime.Kind, Contract: v.Runtime.Contract,
		Entrypoint: v.Runtime.Entrypoint, Repository: strings.TrimSuffix(c.Ref(v), ":"+v.Tags[0]), Tags: v.Tags,
		Platforms: v.Platforms, Start: v.Start(), File: v.Range.Filename, Deprecated: v.Deprecated, EndOfLife: v.EndOfLife,
		Graph: graph.Of([]*catalogue.Version{v}), Attest: c.Project.Attest, Identity: identity(c.Project.Workflows, v.Labels),
	}
	if v.Run != nil {
		image.Run = v.Run.ID
	}
	for _, b := range v.Bases {
		if !b.Syntax { // that is in no image
			image.Bases = append(image.Bases, newBase(l, b))
		}
	}
	slices.SortStableFunc(image.Bases, func(a, b Base) int { return rootFirst(a.Root, b.Root) })
	image.Bases = slices.CompactFunc(image.Bases, func(a, b Base) bool { return a.Ref == b.Ref })
	needs := slices.Clone(v.Needs)
	slices.SortStableFunc(needs, func(a, b catalogue.Need) int { return rootFirst(a.Root, b.Root) })
	for _, n := range needs {
		if !slices.Contains(image.Parents, n.Version.ID) {
			image.Parents = append(image.Parents, n.Version.ID)
		}
	}
	return image
}

func rootFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func newBase(l *lock.File, image catalogue.Image) Base {
	b := Base{Ref: image.Ref, Root: image.Root}
	if b.Name, b.Digest = lock.Name(image.Ref); b.Digest != "" {
		b.Source = "definition"
		return b
	}
	if l == nil {
		return b
	}
	if locked, found := l.Find(b.Name); found {
		b.Digest, b.Source = locked.Digest, "lock"
	}
	return b
}

// Title is the name of an image for people.
func (i *Image) Title() string { return i.Runtime + " " + i.Version }

// Ref is the full name with the first tag.
func (i *Image) Ref() string { return i.Repository + ":" + i.Tags[0] }

// Built is what the image is built on, for the list of all: an image of others, or
// the name of one of the repository; "" when it is built on nothing.
func (i *Image) Built() string {
	switch {
	case len(i.Bases) > 0 && i.Bases[0].Root:
		return i.Bases[0].Ref
	case len(i.Parents) > 0:
		return i.Parents[0]
	}
	return ""
}
