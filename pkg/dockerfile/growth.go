package dockerfile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/runbake/runbake/pkg/budget"
)

// Bounds of what variables may expand to, in bytes. Each line can double what
// the one before it has: 60 lines are an exabyte.
const (
	maxValue    = 1 << 20  // of one variable
	maxExpanded = 16 << 20 // of all lines
	usual       = 64       // what a variable is taken to have that is given from elsewhere
)

// growth estimates from above what the variables of a Dockerfile expand to,
// without expanding them. Stages count as one, in the order of the file: none
// has variables of a later one.
type growth struct {
	sizes map[string]int
	total int
}

// checkGrowth refuses a Dockerfile whose variables grow beyond all bounds: to
// expand them would take all memory.
func (f *File) checkGrowth(ast *parser.Node) *hcl.Diagnostic {
	g := &growth{sizes: map[string]int{}}
	for _, node := range ast.Children {
		if detail := g.line(node); detail != "" {
			return f.problem(node.Location(), "Variables grow beyond all bounds", detail)
		}
	}
	return nil
}

// line adds an instruction. The result says why it is refused.
func (g *growth) line(node *parser.Node) string {
	for strings.EqualFold(node.Value, "onbuild") && node.Next != nil && len(node.Next.Children) > 0 {
		node = node.Next.Children[0]
	}
	text := expandable(node)
	if _, deep := budget.Brackets([]byte(text)); deep {
		return fmt.Sprintf("Brackets are in one another more than %d times.", budget.MaxDepth)
	}
	if g.total = min(g.total+g.expanded(text), 2*maxExpanded); g.total > maxExpanded {
		return fmt.Sprintf("Up to here the lines would have more than %d MiB.", maxExpanded>>20)
	}
	sizes := map[string]int{}
	switch strings.ToLower(node.Value) {
	case "env": // a name, a value and the sign between them, one after another
		for n := node.Next; n != nil && n.Next != nil && n.Next.Next != nil; n = n.Next.Next.Next {
			sizes[n.Value] = g.expanded(n.Next.Value)
		}
	case "arg":
		for n := node.Next; n != nil; n = n.Next {
			name, value, _ := strings.Cut(n.Value, "=")
			sizes[name] = max(usual, g.expanded(value))
		}
	}
	for name, size := range sizes {
		if size > maxValue {
			return fmt.Sprintf("%s would have more than %d MiB.", name, maxValue>>20)
		}
		g.sizes[name] = size
	}
	return ""
}

// expandable is the text of an instruction in which BuildKit replaces variables.
// Those of commands are the shell's.
func expandable(node *parser.Node) string {
	switch strings.ToLower(node.Value) {
	case "run", "cmd", "entrypoint", "shell", "healthcheck", "maintainer":
		return strings.Join(node.Flags, " ")
	}
	var text bytes.Buffer
	text.WriteString(node.Original)
	for _, doc := range node.Heredocs {
		if doc.Expand {
			text.WriteString(doc.Content)
		}
	}
	return text.String()
}

// expanded is how long a text can become. Where a part of a value is replaced,
// each of its characters can become what stands there.
func (g *growth) expanded(text string) int {
	size, replaced := len(text), 1
	for _, part := range strings.Split(text, "$")[1:] {
		part = strings.TrimPrefix(part, "{")
		name := part[:len(part)-len(strings.TrimLeftFunc(part, inName))]
		value, known := g.sizes[name]
		if !known {
			value = usual
		}
		if strings.HasPrefix(part[len(name):], "/") {
			replaced = max(replaced, value)
		}
		size = min(size+value, 2*maxExpanded)
	}
	return min(size*replaced, 2*maxExpanded)
}

func inName(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
