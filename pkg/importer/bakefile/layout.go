package bakefile

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// source is a file with the places of what it defines.
type source struct {
	*fact.File
	yaml    *yaml.Node // of a compose file, once it was asked for
	blocks  []*block
	defines []string // targets and variables, which other files may define as well
}

// block is a target, a group or a variable, with the places of its attributes,
// of the names in objects, and of the elements of lists.
type block struct {
	kind, label string
	compose     bool
	image       string // of a service
	tagged      bool   // its build has tags
	extends     string // the service that it is made of; "" for none
	imageAt     hcl.Range
	at          hcl.Range
	attrs       map[string]hcl.Range
	items       map[string]map[string]hcl.Range
	lists       map[string][]hcl.Range
}

func newBlock(kind, label string, at hcl.Range) *block {
	return &block{
		kind: kind, label: label, at: at, attrs: map[string]hcl.Range{},
		items: map[string]map[string]hcl.Range{}, lists: map[string][]hcl.Range{},
	}
}

func isCompose(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

// parse finds places. What cannot be parsed has none, and bake says why.
func parse(f *fact.File) *source {
	s := &source{File: f}
	if isCompose(f.Name) {
		s.compose()
	} else if file, _, _ := buildxbake.ParseHCLFile(f.Text, f.Name); file != nil {
		s.hcl(file.Body)
	}
	for _, b := range s.blocks {
		if b.kind != "group" {
			s.defines = append(s.defines, b.kind+" "+b.label)
		}
	}
	return s
}

var blocks = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "target", LabelNames: []string{"name"}},
	{Type: "group", LabelNames: []string{"name"}},
	{Type: "variable", LabelNames: []string{"name"}},
}}

// hcl reads a file of HCL or JSON.
func (s *source) hcl(body hcl.Body) {
	content, _, _ := body.PartialContent(blocks)
	if content == nil {
		return
	}
	for _, found := range content.Blocks {
		b := newBlock(found.Type, found.Labels[0], found.DefRange)
		attrs, _ := found.Body.JustAttributes()
		for name, attr := range attrs {
			b.attrs[name] = attr.Range
			if pairs, diags := hcl.ExprMap(attr.Expr); !diags.HasErrors() {
				b.items[name] = keys(pairs)
			} else if list, diags := hcl.ExprList(attr.Expr); !diags.HasErrors() {
				for _, e := range list {
					b.lists[name] = append(b.lists[name], e.Range())
				}
			}
		}
		s.blocks = append(s.blocks, b)
	}
}

func keys(pairs []hcl.KeyValuePair) map[string]hcl.Range {
	places := map[string]hcl.Range{}
	for _, p := range pairs {
		if v, diags := p.Key.Value(nil); !diags.HasErrors() && !v.IsNull() && v.IsKnown() && v.Type() == cty.String {
			places[v.AsString()] = p.Key.Range()
		}
	}
	return places
}

// composeNames are what bake calls the attributes of a service's build.
var composeNames = map[string]string{
	"additional_contexts": "contexts", "dockerfile_inline": "dockerfile-inline", "cache_from": "cache-from",
	"cache_to": "cache-to", "no_cache": "no-cache", "extra_hosts": "extra-hosts", "shm_size": "shm-size",
	"secrets": "secret",
}

// compose reads a compose file: services are targets.
func (s *source) compose() {
	var doc yaml.Node
	if yaml.Unmarshal(s.Text, &doc) != nil || len(doc.Content) == 0 {
		return
	}
	for name, service := range s.entries(value(doc.Content[0], "services")) {
		b := newBlock("target", strings.ReplaceAll(name.Value, ".", "_"), s.at(name))
		b.compose = true
		for key := range s.entries(service) {
			if key.Value == "image" {
				b.attrs["tags"] = s.at(key)
			}
		}
		build := value(service, "build")
		if image := value(service, "image"); image != nil {
			b.image, b.imageAt = image.Value, s.at(image)
		}
		tags := value(build, "tags")
		b.tagged = tags != nil && len(tags.Content) > 0
		if from := value(service, "extends"); from != nil {
			if of := value(from, "service"); of != nil {
				from = of
			}
			b.extends = strings.ReplaceAll(from.Value, ".", "_")
		}
		s.attributes(b, build)
		s.attributes(b, value(build, "x-bake"))
		s.blocks = append(s.blocks, b)
	}
}

// Services are the names of the services of a compose file, as bake calls their targets.
func Services(f *fact.File) []string {
	s := &source{File: f}
	var all []string
	for name := range s.entries(value(s.root(), "services")) {
		all = append(all, strings.ReplaceAll(name.Value, ".", "_"))
	}
	return all
}

// attributes takes the places of a service's build.
func (s *source) attributes(b *block, build *yaml.Node) {
	for key, v := range s.entries(build) {
		name := key.Value
		if bakes, other := composeNames[name]; other {
			name = bakes
		}
		b.attrs[name] = s.at(key)
		b.items[name] = map[string]hcl.Range{}
		for item := range s.entries(v) {
			b.items[name][item.Value] = s.at(item)
		}
		if v.Kind == yaml.SequenceNode {
			b.lists[name] = nil
			for _, item := range v.Content {
				b.lists[name] = append(b.lists[name], s.at(item))
				if word, _, given := strings.Cut(item.Value, "="); given {
					b.items[name][word] = s.at(item)
				}
			}
		}
	}
}

// entries are the keys and values of a mapping, in their order.
func (s *source) entries(n *yaml.Node) func(func(k, v *yaml.Node) bool) {
	return func(yield func(k, v *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for pair := range slices.Chunk(n.Content, 2) {
			if len(pair) == 2 && !yield(pair[0], resolved(pair[1])) {
				return
			}
		}
	}
}

// resolved is what an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for pair := range slices.Chunk(n.Content, 2) {
		if len(pair) == 2 && pair[0].Value == key {
			return resolved(pair[1])
		}
	}
	return nil
}

// at is the place of a node, whose columns count code points.
func (s *source) at(n *yaml.Node) hcl.Range {
	offset := 0
	for range n.Line - 1 {
		next := bytes.IndexByte(s.Text[offset:], '\n')
		if next < 0 {
			break
		}
		offset += next + 1
	}
	line, _, _ := bytes.Cut(s.Text[offset:], []byte("\n"))
	before := string(line)
	if runes := []rune(before); n.Column-1 < len(runes) {
		before = string(runes[:max(n.Column-1, 0)])
	}
	return s.Span(offset+len(before), offset+len(before)+len(n.Value))
}

// Other says what a file is that is none of bake's, by what it holds; "" if it
// may be one. A file that cannot be parsed may: bake says what is wrong with it.
func Other(f *fact.File) string {
	switch strings.ToLower(path.Ext(f.Name)) {
	case ".hcl":
		return otherHCL(f)
	case ".json":
		var all map[string]json.RawMessage
		if err := json.Unmarshal(f.Text, &all); err != nil {
			if json.Valid(f.Text) {
				return "a file of JSON, without targets"
			}
			return ""
		}
		for _, name := range []string{"target", "group", "variable", "function"} {
			if _, given := all[name]; given {
				return ""
			}
		}
		return "a file of JSON, without targets"
	}
	var doc yaml.Node
	if yaml.Unmarshal(f.Text, &doc) != nil {
		return ""
	}
	if len(doc.Content) == 0 || value(doc.Content[0], "services") == nil {
		return "a file of YAML, without services"
	}
	return ""
}

func otherHCL(f *fact.File) string {
	file, _, err := buildxbake.ParseHCLFile(f.Text, f.Name)
	if err != nil || file == nil {
		return ""
	}
	content, _, _ := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "project"},
		{Type: "runtime", LabelNames: []string{"key"}},
		{Type: "base", LabelNames: []string{"key"}},
	}})
	if content != nil && len(content.Blocks) > 0 {
		return "a definition already"
	}
	content, _, _ = file.Body.PartialContent(&hcl.BodySchema{Blocks: append(slices.Clone(blocks.Blocks),
		hcl.BlockHeaderSchema{Type: "function", LabelNames: []string{"name"}})})
	if content == nil || len(content.Blocks) == 0 {
		return "a file of HCL, without targets"
	}
	return ""
}
