// Package changes compares what is in two images: packages, base, size, and how
// they are run. It reads what images carry (SBOMs, provenance, package databases)
// from bytes, and asks nobody: package describe does.
package changes

import (
	"maps"
	"slices"
)

// Image describes the image of one platform.
type Image struct {
	Platform string
	Digest   string
	Size     int64 // bytes to pull: the sum of its compressed layers
	Layers   int
	Base     Base
	Config   Config
	Packages []Package // sorted; none where Source is ""
	Source   Source    // where Packages are from
}

// Base is the image that another one is built on. What is not known is "".
type Base struct {
	Name   string `json:"name,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// Config is how an image is run: https://github.com/opencontainers/image-spec/blob/main/config.md.
type Config struct {
	User       string
	WorkingDir string
	StopSignal string
	Entrypoint []string
	Cmd        []string
	Ports      []string // 3000/tcp
	Volumes    []string
	Env        map[string]string
	Labels     map[string]string
}

// Source is where the packages of an image are known from.
type Source string

// Sources of packages.
const (
	SBOM   Source = "sbom"   // the SPDX document that is attested
	Layers Source = "layers" // the databases of dpkg and apk in the image
)

// State is what became of the image of one platform.
type State string

// States of a platform.
const (
	Same    State = "same"    // the digest is the same
	Rebuilt State = "rebuilt" // another digest, and nothing that is compared differs
	Changed State = "changed"
	Added   State = "added"   // only the later image has the platform
	Removed State = "removed" // only the earlier one has
)

// Platform is how the images of one platform differ.
type Platform struct {
	Platform     string    `json:"platform"`
	State        State     `json:"state"`
	Digest       Pair      `json:"digest"`
	Size         Count     `json:"size"` // bytes to pull
	Layers       Count     `json:"layers"`
	Base         *Move     `json:"base,omitempty"`
	Settings     []Setting `json:"settings,omitempty"`
	PackagesFrom Source    `json:"packagesFrom,omitempty"` // "" where packages were not compared
	Packages     []Update  `json:"packages,omitempty"`
}

// Pair is a text before and after; "" where there is none.
type Pair struct {
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Count is a number before and after; 0 where there is no image.
type Count struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// Move is a base that is another one.
type Move struct {
	Before Base `json:"before"`
	After  Base `json:"after"`
}

// Compare compares the images of all platforms, sorted by platform.
func Compare(before, after []Image) []Platform {
	olds, news := byPlatform(before), byPlatform(after)
	names := maps.Clone(olds)
	maps.Copy(names, news)
	all := make([]Platform, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old, had := olds[name]
		now, has := news[name]
		all = append(all, comparePlatform(name, old, now, had, has))
	}
	return all
}

func byPlatform(images []Image) map[string]Image {
	all := map[string]Image{}
	for _, i := range images {
		all[i.Platform] = i
	}
	return all
}

func comparePlatform(name string, old, now Image, had, has bool) Platform {
	p := Platform{
		Platform: name, State: Same, Digest: Pair{old.Digest, now.Digest},
		Size: Count{old.Size, now.Size}, Layers: Count{int64(old.Layers), int64(now.Layers)},
	}
	switch {
	case !had:
		p.State = Added
		return p
	case !has:
		p.State = Removed
		return p
	case old.Source == now.Source:
		p.PackagesFrom = old.Source
	}
	if old.Digest == now.Digest {
		return p
	}
	p.Settings = compareConfigs(old.Config, now.Config)
	if moved(old.Base, now.Base) {
		p.Base = &Move{old.Base, now.Base}
	}
	if p.PackagesFrom != "" {
		p.Packages = comparePackages(old.Packages, now.Packages)
	}
	p.State = Rebuilt
	if p.Base != nil || len(p.Settings)+len(p.Packages) > 0 || p.Size.Before != p.Size.After || p.Layers.Before != p.Layers.After {
		p.State = Changed
	}
	return p
}

// moved reports whether a base is another one: a digest that only one side knows
// tells nothing.
func moved(a, b Base) bool {
	return a.Name != b.Name || a.Digest != "" && b.Digest != "" && a.Digest != b.Digest
}
