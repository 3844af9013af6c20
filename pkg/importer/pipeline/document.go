package pipeline

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/runbake/runbake/pkg/importer/fact"
)

// Bounds of what is evaluated.
const (
	maxNodes     = 100_000 // nodes that are looked at, aliases each time
	maxLevels    = 64      // of lists and objects in one another, and of merged ones
	maxCells     = 256     // combinations of a matrix, as GitHub has them
	maxValue     = 1 << 16 // bytes of an evaluated text
	maxReadings  = 2_000   // steps, for each combination
	maxNesting   = 64      // brackets and operators of an expression
	maxMapKeys   = 10_000
	maxReadBytes = 1 << 22 // of all scripts
	maxExpanded  = 1 << 25 // bytes of texts with expressions, and of what those read
	maxWhys      = 1_000   // reasons why something is not known
)

// document is a file of YAML, whose nodes know their places.
type document struct {
	*fact.File
	root *yaml.Node
}

// parse reads a file; the error is for what is no YAML.
func parse(f *fact.File) (*document, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(f.Text, &doc); err != nil {
		return nil, err
	}
	d := &document{File: f}
	if len(doc.Content) > 0 {
		d.root = doc.Content[0]
	}
	return d, nil
}

// target follows aliases.
func target(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode; i++ {
		if i > maxLevels {
			return nil
		}
		n = n.Alias
	}
	return n
}

// get is what an object has under a key, its own or merged; nil if nothing.
func get(n *yaml.Node, key string) *yaml.Node { return getIn(n, key, 0) }

func getIn(n *yaml.Node, key string, depth int) *yaml.Node {
	if n = target(n); n == nil || n.Kind != yaml.MappingNode || depth > maxLevels {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case key:
			return target(n.Content[i+1])
		case "<<":
			merged = n.Content[i+1]
		}
	}
	if merged = target(merged); merged == nil {
		return nil
	}
	if merged.Kind != yaml.SequenceNode {
		return getIn(merged, key, depth+1)
	}
	for _, one := range merged.Content {
		if found := getIn(one, key, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// entry is a key of an object, and what it has there.
type entry struct {
	key   string
	at    *yaml.Node
	value *yaml.Node
}

// entries are those of an object in their order; those that are merged come first.
func entries(n *yaml.Node) []entry { return entriesIn(n, 0) }

func entriesIn(n *yaml.Node, depth int) []entry {
	if n = target(n); n == nil || n.Kind != yaml.MappingNode || depth > maxLevels || len(n.Content) > 2*maxMapKeys {
		return nil
	}
	var all []entry
	add := func(e entry) {
		for i := range all {
			if all[i].key == e.key {
				all[i] = e
				return
			}
		}
		if len(all) < maxMapKeys {
			all = append(all, e)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			continue
		}
		merged := target(n.Content[i+1])
		if merged != nil && merged.Kind == yaml.MappingNode {
			merged = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{merged}}
		}
		if merged != nil && len(merged.Content) <= maxLevels {
			for _, one := range merged.Content {
				for _, e := range entriesIn(one, depth+1) {
					add(e)
				}
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			add(entry{n.Content[i].Value, n.Content[i], target(n.Content[i+1])})
		}
	}
	return all
}

// items are those of a list; a single value is a list of one.
func items(n *yaml.Node) []*yaml.Node {
	if n = target(n); n == nil || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	all := make([]*yaml.Node, 0, len(n.Content))
	for _, item := range n.Content {
		if item = target(item); item != nil {
			all = append(all, item)
		}
	}
	return all
}

// offset is where a node starts.
func (d *document) offset(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	at, _ := d.LineStart(n.Line)
	for range n.Column - 1 {
		if at >= len(d.Text) || d.Text[at] == '\n' {
			break
		}
		_, size := utf8.DecodeRune(d.Text[at:])
		at += size
	}
	return at
}

// place is where a node stands: the rest of its first line.
func (d *document) place(n *yaml.Node) hcl.Range {
	from := d.offset(n)
	return d.Span(from, d.LineEnd(from))
}

// scalar is the text of a node, each part with its place.
func (d *document) scalar(n *yaml.Node) *mapped {
	m := d.made()
	if n = target(n); n == nil || n.Kind != yaml.ScalarNode {
		return m
	}
	start := d.offset(n)
	if n.Style&yaml.LiteralStyle != 0 {
		line := n.Line // the one below the mark
		for text := range strings.Lines(n.Value) {
			from, exact := start, false
			if begin, is := d.LineStart(line + 1); is {
				if at := d.LineEnd(begin) - len(strings.TrimRight(text, "\n")); at >= begin {
					from, exact = at, true
				}
			}
			m.put(text, from, exact)
			line++
		}
		return m
	}
	for skip := range 2 { // a quotation mark
		if from := start + skip; bytes.HasPrefix(d.Text[min(from, len(d.Text)):], []byte(n.Value)) {
			m.put(n.Value, from, true)
			return m
		}
	}
	m.put(n.Value, start, false)
	return m
}

// mapped is a text of a document with its places.
type mapped struct{ *fact.Made }

func (d *document) made() *mapped { return &mapped{fact.NewMade(d.File)} }

// put appends what stands at a place, byte for byte or not.
func (m *mapped) put(text string, from int, exact bool) {
	m.Add(text, fact.Mark{From: from, Exact: exact})
}

// listed are the entries of a text that is a list without quotation marks: one a line, or
// with commas between them.
func (m *mapped) listed(commas bool) []fact.Text {
	var all []fact.Text
	text := m.String()
	at := 0
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || commas && r == ',' }) {
		begin := at + strings.Index(text[at:], part)
		at = begin + len(part)
		trimmed := strings.TrimSpace(part)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		begin += strings.Index(part, trimmed)
		all = append(all, fact.Text{Value: trimmed, Range: m.Range(begin, begin+len(trimmed))})
	}
	return all
}

// plain is a value of YAML as expressions have it. budget is what may be looked at
// still.
func plain(n *yaml.Node, budget *int, depth int) any {
	if *budget--; *budget < 0 || depth > maxLevels {
		return unknown{"it is too large"}
	}
	if n = target(n); n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.SequenceNode:
		all := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			all = append(all, plain(item, budget, depth+1))
		}
		return all
	case yaml.MappingNode:
		all := map[string]any{}
		for _, e := range entries(n) {
			all[e.key] = plain(e.value, budget, depth+1)
		}
		return all
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64); err == nil {
			return f
		}
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return float64(i)
		}
	}
	return n.Value
}

// text is a value as it stands in a text; false if it is not known.
func text(v any) (string, string) {
	switch v := v.(type) {
	case nil:
		return "", ""
	case unknown:
		return "", v.why
	case string:
		return v, ""
	case bool:
		return strconv.FormatBool(v), ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), ""
	case []any:
		return "Array", ""
	}
	return "Object", ""
}

// unknown is a value that nothing in the repository says.
type unknown struct{ why string }

func unknownf(format string, args ...any) unknown { return unknown{fmt.Sprintf(format, args...)} }
