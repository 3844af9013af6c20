package bakefile

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/budget"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// refused says why bake is not asked to read a file: it would take too long, or
// bake would read other files of the disk for it, which may be anything.
func refused(f *fact.File) hcl.Diagnostics {
	if strings.EqualFold(path.Ext(f.Name), ".hcl") {
		if file, diags := budget.ParseHCL(f.Text, f.Name); file == nil {
			return diags
		}
	}
	if !isCompose(f.Name) {
		return nil
	}
	s := &source{File: f}
	var diags hcl.Diagnostics
	for _, n := range s.mappings() {
		for key, v := range s.entries(n) {
			other := key.Value == "include" && n == s.root() || key.Value == "extends" && value(v, "file") != nil
			if other {
				diags = append(diags, &hcl.Diagnostic{
					Severity: hcl.DiagError, Summary: fmt.Sprintf("%s takes services from another file", key.Value),
					Detail:  "Import opens the files that it is given, and no others: write here what that file says.",
					Subject: s.at(key).Ptr(),
				})
			}
		}
	}
	return diags
}

// environmentFiles are keys of services that name files of variables for
// containers, which say nothing of images.
var environmentFiles = []string{"env_file", "label_file"}

// withoutFiles is the text of a compose file in which keys that name files for
// containers are extensions, which compose passes over. Nothing moves.
func (s *source) withoutFiles() []byte {
	text := slices.Clone(s.Text)
	for _, n := range s.mappings() {
		for key := range s.entries(n) {
			if !slices.Contains(environmentFiles, key.Value) {
				continue
			}
			at := s.at(key).Start.Byte
			if at < len(text) && (text[at] == '"' || text[at] == '\'') {
				at++
			}
			if bytes.HasPrefix(text[min(at, len(text)):], []byte(key.Value)) {
				copy(text[at:], "x-")
			}
		}
	}
	return text
}

// root is the mapping of a compose file; nil if it is none.
func (s *source) root() *yaml.Node {
	var document yaml.Node
	if s.yaml == nil && yaml.Unmarshal(s.Text, &document) == nil && len(document.Content) > 0 {
		s.yaml = document.Content[0]
	}
	return s.yaml
}

// mappings are those of a compose file that services are made of, the root first.
func (s *source) mappings() []*yaml.Node {
	var all []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		switch {
		case n == nil || n.Kind == yaml.AliasNode: // what it stands for is walked where it stands
			return
		case n.Kind != yaml.MappingNode:
			for _, c := range n.Content {
				walk(c)
			}
			return
		}
		all = append(all, n)
		for pair := range slices.Chunk(n.Content, 2) {
			if len(pair) == 2 && pair[0].Value != "build" && pair[0].Value != "environment" {
				walk(pair[1])
			}
		}
	}
	walk(s.root())
	return all
}
