package bake

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// attribute is one line of a block, or several when its value is.
type attribute struct{ name, value string }

// block writes a block in canonical format, which hclwrite.Format would give it
// too, at many times the cost: equals signs of neighbouring lines stand below
// one another; an attribute of several lines has no neighbours.
func block(b *bytes.Buffer, header string, attributes []attribute) {
	b.WriteString("\n" + header + " {\n")
	writeAttributes(b, attributes)
	b.WriteString("}\n")
}

func writeAttributes(b *bytes.Buffer, attributes []attribute) {
	for len(attributes) > 0 {
		n := 1
		if !multiline(attributes[0]) {
			for n < len(attributes) && !multiline(attributes[n]) {
				n++
			}
		}
		width := 0
		for _, a := range attributes[:n] {
			width = max(width, utf8.RuneCountInString(a.name))
		}
		for _, a := range attributes[:n] {
			b.WriteString("  ")
			b.WriteString(a.name)
			b.WriteString(strings.Repeat(" ", width-utf8.RuneCountInString(a.name)))
			b.WriteString(" = ")
			b.WriteString(strings.ReplaceAll(a.value, "\n", "\n  "))
			b.WriteString("\n")
		}
		attributes = attributes[n:]
	}
}

func multiline(a attribute) bool { return strings.Contains(a.value, "\n") }

// quote writes a literal as hclwrite does: templates and control characters
// escaped. Most text needs no escape, and is spared the way through tokens.
func quote(s string) string {
	if plain(s) {
		return `"` + s + `"`
	}
	return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '$' || c == '%' {
			return false
		}
	}
	return true
}

// list writes strings on one line.
func list(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// lines writes strings one a line, so that a diff shows which one changed.
func lines(items []string) string {
	var b strings.Builder
	b.WriteString("[\n")
	for _, s := range items {
		b.WriteString("  " + quote(s) + ",\n")
	}
	b.WriteString("]")
	return b.String()
}

// object writes a map, sorted, one entry a line.
func object(m map[string]string) string { return objectOf(writtenMap(m, nil)) }

// objectOf is object for values that are written already.
func objectOf(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	entries := make([]attribute, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, attribute{objectKey(key), m[key]})
	}
	var b bytes.Buffer
	b.WriteString("{\n")
	writeAttributes(&b, entries)
	b.WriteString("}")
	return b.String()
}

// inline writes a map, sorted, on one line.
func inline(m map[string]string) string {
	entries := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, quote(key)+" = "+quote(m[key]))
	}
	if len(entries) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(entries, ", ") + " }"
}

// objectKey leaves the quotes off where HCL needs none.
func objectKey(key string) string {
	if identifier(key) {
		return key
	}
	return quote(key)
}

// identifier reports whether HCL reads a name as one. Most are plain ASCII, and
// are spared the scanner.
func identifier(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '_' || c == '-'):
		case c > '~', c == '_':
			return hclsyntax.ValidIdentifier(name)
		default:
			return false
		}
	}
	return name != ""
}
