package scaffold

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/runbake/runbake/pkg/catalogue"
)

// insertVersion puts a version block into a definition, beside another version
// of the same block, where the order of versions wants it. Nothing else
// changes by a byte: HCL's own writer can only append, so that it writes the
// block, and the place is found in the source.
func insertVersion(src []byte, file, key, beside, name string, block []byte) ([]byte, error) {
	versions, err := versionsWith(src, file, key, beside)
	if err != nil {
		return nil, err
	}
	tokens, diags := hclsyntax.LexConfig(src, file, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	l := layout{src: src, tokens: tokens}
	var at int
	var text []byte
	block = l.indented(block, versions[0])
	if i := placeOf(name, versions); i == 0 {
		at = l.before(versions[0])
		text = slices.Concat(block, l.newline())
	} else {
		at = l.after(versions[i-1])
		text = slices.Concat(l.newline(), block)
		if !l.blankOrEnd(at) {
			text = append(text, l.newline()...)
		}
	}
	out := slices.Concat(src[:at], text, src[at:])
	if _, err := versionsWith(out, file, key, name); err != nil {
		return nil, fmt.Errorf("%s cannot be changed without harm: %w", file, err)
	}
	return out, nil
}

// versionsWith parses a definition and returns the version blocks of the block
// that has a certain one.
func versionsWith(src []byte, file, key, name string) ([]*hclsyntax.Block, error) {
	parsed, diags := hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return nil, fmt.Errorf("%s has a body of type %T", file, parsed.Body)
	}
	for _, outer := range body.Blocks {
		if len(outer.Labels) != 1 || outer.Labels[0] != key {
			continue
		}
		var versions []*hclsyntax.Block
		found := false
		for _, b := range outer.Body.Blocks {
			if b.Type == "version" && len(b.Labels) == 1 {
				versions = append(versions, b)
				found = found || b.Labels[0] == name
			}
		}
		if found {
			return versions, nil
		}
	}
	return nil, fmt.Errorf("%s has no version %q of %q", file, name, key)
}

// placeOf is the index that a version gets among others: in their order, which
// may be the newest first.
func placeOf(name string, versions []*hclsyntax.Block) int {
	order := func(i int) int { return catalogue.CompareVersions(versions[i].Labels[0], name) }
	falling := len(versions) > 1
	for i := 1; i < len(versions); i++ {
		falling = falling && catalogue.CompareVersions(versions[i-1].Labels[0], versions[i].Labels[0]) > 0
	}
	if falling {
		for i := range versions {
			if order(i) < 0 {
				return i
			}
		}
		return len(versions)
	}
	for i := range slices.Backward(versions) {
		if order(i) < 0 {
			return i + 1
		}
	}
	return 0
}

// layout finds places in a source.
type layout struct {
	src    []byte
	tokens hclsyntax.Tokens
}

// after is the place behind the line that a block ends on.
func (l layout) after(b *hclsyntax.Block) int {
	for _, t := range l.tokens {
		if t.Range.Start.Byte >= b.CloseBraceRange.End.Byte && bytes.HasSuffix(t.Bytes, []byte("\n")) {
			return t.Range.End.Byte
		}
	}
	return len(l.src)
}

// before is the place in front of the line that a block starts on, and of the
// comments right above it.
func (l layout) before(b *hclsyntax.Block) int {
	at := b.TypeRange.Start.Byte
	for _, t := range slices.Backward(l.tokens) {
		if t.Type != hclsyntax.TokenComment || t.Range.End.Byte > at {
			continue
		}
		between := string(l.src[t.Range.End.Byte:at])
		lines := strings.Count(between, "\n")
		if bytes.HasSuffix(t.Bytes, []byte("\n")) {
			lines++
		}
		if strings.TrimSpace(between) != "" || lines > 1 || !l.first(t.Range.Start.Byte) {
			break
		}
		at = t.Range.Start.Byte
	}
	return l.line(at)
}

// line is the start of the line that a place is on.
func (l layout) line(at int) int { return bytes.LastIndexByte(l.src[:at], '\n') + 1 }

// first says whether only blanks are in front of a place on its line.
func (l layout) first(at int) bool {
	return len(bytes.Trim(l.src[l.line(at):at], " \t")) == 0
}

// blankOrEnd says whether a blank line, or the end of the block around it,
// follows a place.
func (l layout) blankOrEnd(at int) bool {
	line, _, _ := bytes.Cut(l.src[at:], []byte("\n"))
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '}'
}

// newline is what ends the lines of the file.
func (l layout) newline() []byte {
	if i := bytes.IndexByte(l.src, '\n'); i > 0 && l.src[i-1] == '\r' {
		return []byte("\r\n")
	}
	return []byte("\n")
}

// indented indents a block as its sibling is.
func (l layout) indented(block []byte, sibling *hclsyntax.Block) []byte {
	indent := l.src[l.line(sibling.TypeRange.Start.Byte):sibling.TypeRange.Start.Byte]
	if len(bytes.Trim(indent, " \t")) > 0 {
		indent = []byte("  ")
	}
	var out []byte
	for line := range bytes.Lines(block) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if bytes.HasPrefix(line, []byte("  ")) && bytes.HasPrefix(indent, []byte("\t")) {
			line = append([]byte("\t"), bytes.TrimPrefix(line, []byte("  "))...)
		}
		out = slices.Concat(out, indent, line, l.newline())
	}
	return out
}
