package site_test

import (
	"crypto/sha256"
	"fmt"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/graph"
	"github.com/runbake/runbake/pkg/sbom"
	"github.com/runbake/runbake/pkg/site"
)

var platforms = []string{"linux/amd64", "linux/arm64"}

// family is versions of a language, and of the base that some of them are run by.
func family(key, name, from string, versions ...string) []site.Image {
	images := make([]site.Image, 0, len(versions))
	for _, v := range versions {
		id, base := key+"-"+v, from+":"+v+"-bookworm-slim"
		images = append(images, site.Image{
			ID: id, Key: key, Runtime: name, Version: v, Kind: catalogue.Interpreted, Contract: catalogue.FunctionContract,
			Entrypoint: "index.js", Repository: "ghcr.io/acme/" + key + "-runtime", Tags: []string{v, v + "-bookworm"},
			Platforms: platforms, Start: []string{"/usr/local/src/launch.sh"}, File: "runtimes/" + key + "/runtime.hcl",
			Bases:  []site.Base{{Ref: base, Name: "docker.io/library/" + base, Digest: digest("b" + v), Source: "lock", Root: true}},
			Attest: catalogue.Attest{SBOM: true, Provenance: "max"},
			Identity: site.Identity{
				Issuer: "https://token.actions.githubusercontent.com", Pattern: `^https://github\.com/acme/runtimes/\.github/workflows/release\.yml@`,
			},
			Graph: graph.Graph{
				Nodes: []graph.Node{{ID: id, Label: id, Kind: graph.Runtime}, {ID: "image " + base, Label: base, Kind: graph.External}},
				Edges: []graph.Edge{{From: id, To: "image " + base}},
			},
		})
	}
	return images
}

func digest(seed string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(seed))) }

// example has everything that pages can show.
func example() *site.Site {
	node := family("node", "Node.js", "node", "18", "20", "22", "24")
	node[0].Deprecated, node[0].EndOfLife = "2025-04-30", "2025-04-30"
	node[1].EndOfLife, node[2].EndOfLife, node[3].EndOfLife = "2026-04-30", "2027-04-30", "2028-04-30"
	node[3].Tags = append(node[3].Tags, "latest")
	node[3].Published = &site.Published{Digest: digest("i"), Signed: true, Platforms: []site.Platform{
		{Name: "linux/amd64", Digest: digest("amd"), Size: 98_412_331, SBOM: true, Provenance: true, Packages: packages(300, "amd64")},
		{Name: "linux/arm64", Digest: digest("arm"), Size: 95_120_004, SBOM: true, Provenance: true, Packages: packages(290, "arm64")},
	}}
	golang := family("go", "Go", "golang", "1.25", "1.26")
	for i := range golang {
		g := &golang[i]
		g.Kind, g.Run, g.Parents, g.Entrypoint = catalogue.Compiled, "debian-12", []string{"debian-12"}, "main.go"
		g.Graph.Nodes = append(g.Graph.Nodes, graph.Node{ID: "debian-12", Label: "debian-12", Kind: graph.Base},
			graph.Node{ID: "image debian:bookworm-slim", Label: "debian:bookworm-slim", Kind: graph.External})
		g.Graph.Edges = append(g.Graph.Edges, graph.Edge{From: g.ID, To: "debian-12"}, graph.Edge{From: g.ID, To: "debian-12", Run: true},
			graph.Edge{From: "debian-12", To: "image debian:bookworm-slim"})
	}
	golang[1].Published = &site.Published{Problem: "ghcr.io/acme/go-runtime:1.26: ghcr.io cannot be reached: no such host; check its name and the network"}
	debian := family("debian", "Debian", "debian", "12")
	debian[0].Kind, debian[0].Entrypoint, debian[0].Users, debian[0].Platforms = catalogue.Base, "", []string{"go-1.25", "go-1.26"}, platforms[:1]
	python := family("python", "Python", "python", "3.12", "3.13", "3.14")
	python[0].EndOfLife, python[1].EndOfLife, python[2].EndOfLife = "2028-10-31", "2029-10-31", "2030-10-31"
	hostile := family("evil", hostileText, "evil", "1")
	hostile[0].Start, hostile[0].File = []string{hostileText}, hostileText
	hostile[0].Published = &site.Published{Problem: hostileText}
	hostile[0].Graph.Nodes[0].Label = hostileText
	s := &site.Site{Title: "Images of ghcr.io/acme", Registry: "ghcr.io/acme"}
	for _, images := range [][]site.Image{debian, golang, node, python, hostile} {
		s.Images = append(s.Images, images...)
	}
	return s
}

// hostileText is markup in every place where a page has text.
const hostileText = `</title></script></style><img src=x onerror="document.title='broken'"><script>document.title='broken'</script>"'` + "`{{"

func packages(n int, arch string) []sbom.Package {
	all := make([]sbom.Package, 0, n)
	for i := range n {
		p := sbom.Package{Name: fmt.Sprintf("lib%c%d", 'a'+i%26, i), Version: fmt.Sprintf("%d.%d-%d", i%9, i%17, i%3), Type: "deb", License: "GPL-2.0-or-later AND LGPL-2.1-or-later"}
		if i%50 == 0 {
			p.Version += "+" + arch
		}
		all = append(all, p)
	}
	return all
}

// large has n images.
func large(n int) *site.Site {
	s := &site.Site{Title: "Images of ghcr.io/acme", Registry: "ghcr.io/acme"}
	for i := range n / 10 {
		key := fmt.Sprintf("lang%02d", i)
		var versions []string
		for v := range 10 {
			versions = append(versions, fmt.Sprintf("%d.%d", v/3, v))
		}
		images := family(key, fmt.Sprintf("Language %02d", i), key, versions...)
		images[0].Deprecated, images[1].EndOfLife = "2025-01-01", "2026-01-01"
		s.Images = append(s.Images, images...)
	}
	return s
}
