// Package budget bounds what text of somebody else may cost to read. Parsers go
// down for each bracket, and evaluators do what they are told: a file of some
// kilobytes can take the stack, the memory or the time of all. What is refused
// here is far from what people write.
package budget

import (
	"fmt"
	"math/big"
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

const (
	// MaxDepth is how deep brackets, templates and operators may be nested.
	MaxDepth = 500

	maxLoops    = 3       // for expressions in one another: in each, text can double
	maxCost     = 100_000 // expressions that the loops of a file evaluate, counted each time
	maxTargets  = 10_000  // targets that the matrix of one may make
	maxExponent = 4096    // bits of a number: written out, it has a third as many digits
)

// ParseHCL is [hclsyntax.ParseConfig] for text that may be hostile. The file is
// nil when it cannot be read within the budget: it is nested too deep to be
// parsed, or would take too long to evaluate.
func ParseHCL(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos) // its problems are the parser's, too
	if at, deep := nested(tokens); deep {
		return nil, hcl.Diagnostics{problem(at, "The text is nested too deep",
			fmt.Sprintf("Brackets, templates and operators are in one another more than %d times. Write it flat.", MaxDepth))}
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		m := &meter{}
		_ = hclsyntax.Walk(body, m) // it returns what Enter and Exit do, which is nothing
		if len(m.diags) > 0 {
			return nil, append(diags, m.diags...)
		}
	}
	return file, diags
}

func problem(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}

// nested finds the first token that is too deep. The operators of an expression
// count as brackets do: the parser goes down for many of them.
func nested(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	levels := []int{0} // operators since the last comma or line, by bracket
	depth := 0
	for _, t := range tokens {
		top := len(levels) - 1
		switch t.Type {
		case hclsyntax.TokenTemplateControl: // what is between it and its end has no bracket
			levels[top]++
			depth++
			fallthrough
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			levels = append(levels, 0)
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if top > 0 {
				depth -= levels[top] + 1
				levels = levels[:top]
			}
		case hclsyntax.TokenComma, hclsyntax.TokenNewline:
			depth -= levels[top]
			levels[top] = 0
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
			hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
			hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq,
			hclsyntax.TokenQuestion:
			levels[top]++
			depth++
		}
		if depth > MaxDepth {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}

// meter adds up what evaluating expressions costs, from the leaves.
type meter struct {
	stack []frame
	loops int // for expressions around
	total int // of all loops
	diags hcl.Diagnostics
}

// frame is a node that is being walked.
type frame struct {
	cost  int // of what is in it
	loop  bool
	items int // of a loop: the most that it goes through; 0 while that is walked
}

var _ hclsyntax.Walker = (*meter)(nil)

// Enter implements [hclsyntax.Walker].
func (m *meter) Enter(node hclsyntax.Node) hcl.Diagnostics {
	_, loop := node.(*hclsyntax.ForExpr)
	m.stack = append(m.stack, frame{cost: 1, loop: loop})
	switch node := node.(type) {
	case *hclsyntax.ForExpr:
		if m.loops++; m.loops == maxLoops+1 {
			m.diags = append(m.diags, problem(node.Range(), "Too many loops in one another", fmt.Sprintf("At most %d may be. Write out what they make.", maxLoops)))
		}
	case *hclsyntax.Attribute:
		if node.Name == "matrix" && combinations(node.Expr) > maxTargets {
			m.diags = append(m.diags, problem(node.Range(), "The matrix makes too many targets",
				fmt.Sprintf("At most %d may come of one. Write fewer values, or several targets.", maxTargets)))
		}
	case *hclsyntax.LiteralValueExpr:
		if node.Val.Type() == cty.Number && node.Val.IsKnown() && !node.Val.IsNull() && huge(node.Val.AsBigFloat()) {
			m.diags = append(m.diags, problem(node.Range(), "Number is out of all proportion", "It would be written out. Put it in quotes if it is a text."))
		}
	}
	return nil
}

func huge(f *big.Float) bool {
	exponent := f.MantExp(nil)
	return exponent > maxExponent || exponent < -maxExponent
}

// combinations is how many targets a matrix makes of the lists that stand in it; no
// more than one above the limit.
func combinations(matrix hclsyntax.Expression) int {
	object, is := matrix.(*hclsyntax.ObjectConsExpr)
	if !is {
		return 0
	}
	n := 1
	for _, item := range object.Items {
		if list, is := item.ValueExpr.(*hclsyntax.TupleConsExpr); is {
			n = min(n*len(list.Exprs), maxTargets+1)
		}
	}
	return n
}

// Exit implements [hclsyntax.Walker].
func (m *meter) Exit(node hclsyntax.Node) hcl.Diagnostics {
	top := len(m.stack) - 1
	own := m.stack[top]
	m.stack = m.stack[:top]
	if own.loop {
		m.loops--
		own.cost = min(own.items*own.cost, 2*maxCost)
		if m.loops == 0 {
			m.charge(node, own.cost)
		}
	}
	if top == 0 {
		return nil
	}
	around := &m.stack[top-1]
	if around.loop && around.items == 0 { // what a loop goes through comes first
		around.items = own.cost + m.inherited()
	}
	around.cost = min(around.cost+own.cost, 2*maxCost)
	return nil
}

// charge adds a loop to what the file costs.
func (m *meter) charge(loop hclsyntax.Node, cost int) {
	if m.total > maxCost {
		return // which was reported
	}
	if m.total += cost; m.total > maxCost {
		m.diags = append(m.diags, problem(loop.Range(), "The loops take too long",
			fmt.Sprintf("Those of the file would evaluate more than %d expressions. Write out what they make.", maxCost)))
	}
}

// inherited is how many items a variable of the loops around may have.
func (m *meter) inherited() int {
	most := 0
	for _, f := range m.stack {
		most = max(most, f.items)
	}
	return most
}

// Brackets finds the first byte of a text at which more than [MaxDepth] brackets
// are open. It knows no grammar: brackets in strings and comments count, and a
// closing one that nothing has opened does not.
func Brackets(src []byte) (offset int, deep bool) {
	depth := 0
	for i, c := range src {
		switch c {
		case '(', '[', '{':
			if depth++; depth > MaxDepth {
				return i, true
			}
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return 0, false
}

// words are those that open and close compound commands of a shell.
var words = regexp.MustCompile(`\b(?:if|case|do|fi|esac|done)\b`)

// Script is [Brackets] for shell scripts, whose compound commands count, too: what
// closes a pattern of case hides a bracket, but each case has its own word.
func Script(src []byte) (offset int, deep bool) {
	if at, deep := Brackets(src); deep {
		return at, true
	}
	depth := 0
	for _, at := range words.FindAllIndex(src, -1) {
		switch string(src[at[0]:at[1]]) {
		case "if", "case", "do":
			depth++
		default:
			depth = max(0, depth-1)
		}
		if depth > MaxDepth {
			return at[0], true
		}
	}
	return 0, false
}
