// The scanner stands for the one that BuildKit runs to make an SBOM. It follows
// BuildKit's protocol and lists the Debian packages of an image:
// https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

type pkg struct {
	ID       string `json:"SPDXID"`
	Name     string `json:"name"`
	Version  string `json:"versionInfo"`
	Download string `json:"downloadLocation"`
	Analyzed bool   `json:"filesAnalyzed"`
}

type document struct {
	ID        string       `json:"SPDXID"`
	Version   string       `json:"spdxVersion"`
	License   string       `json:"dataLicense"`
	Name      string       `json:"name"`
	Namespace string       `json:"documentNamespace"`
	Creation  creationInfo `json:"creationInfo"`
	Packages  []pkg        `json:"packages"`
}

type creationInfo struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

func main() {
	log.SetFlags(0)
	source, destination := os.Getenv("BUILDKIT_SCAN_SOURCE"), os.Getenv("BUILDKIT_SCAN_DESTINATION")
	packages, err := installed(filepath.Join(source, "var/lib/dpkg/status"))
	if err != nil {
		log.Fatal(err)
	}
	name := filepath.Base(source)
	statement := map[string]any{
		"_type":         "https://in-toto.io/Statement/v0.1",
		"predicateType": "https://spdx.dev/Document",
		"predicate": document{
			ID: "SPDXRef-DOCUMENT", Version: "SPDX-2.3", License: "CC0-1.0", Name: name, Namespace: "https://runbake.test/" + name,
			Creation: creationInfo{Created: "1970-01-01T00:00:00Z", Creators: []string{"Tool: bench-scanner"}},
			Packages: packages,
		},
	}
	text, err := json.Marshal(statement)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(destination, name+".spdx.json"), text, 0o600); err != nil {
		log.Fatal(err)
	}
}

// installed reads dpkg's list; an image without one has no packages.
func installed(status string) ([]pkg, error) {
	packages := []pkg{}
	f, err := os.Open(status)
	if os.IsNotExist(err) {
		return packages, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	var p pkg
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if name, found := strings.CutPrefix(lines.Text(), "Package: "); found {
			p = pkg{ID: fmt.Sprintf("SPDXRef-%d", len(packages)), Name: name, Download: "NOASSERTION"}
		}
		if status, found := strings.CutPrefix(lines.Text(), "Status: "); found && status != "install ok installed" {
			p.Name = "" // removed, its configuration is left
		}
		if version, found := strings.CutPrefix(lines.Text(), "Version: "); found && p.Name != "" {
			p.Version = version
			packages = append(packages, p)
		}
	}
	return packages, lines.Err()
}
