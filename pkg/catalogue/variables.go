package catalogue

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

// Variable is one of the emitted file that users may set.
type Variable struct {
	Name        string
	Default     string
	Description string
	Pattern     string // of the whole value; "" for any
}

// Text is a template in which variables stand, piece by piece.
type Text []Piece

// Piece is some of a text: a literal, or the value of a variable.
type Piece struct {
	Literal  string
	Variable string // its name; "" for a literal
}

// With is the text for values of its variables.
func (t Text) With(value func(name string) string) string {
	var b strings.Builder
	for _, p := range t {
		if p.Variable != "" {
			b.WriteString(value(p.Variable))
		} else {
			b.WriteString(p.Literal)
		}
	}
	return b.String()
}

// followed is the text with a literal behind it; nil stays nil.
func (t Text) followed(literal string) Text {
	if t == nil {
		return nil
	}
	if last := len(t) - 1; t[last].Variable == "" {
		return append(slices.Clone(t[:last]), Piece{Literal: t[last].Literal + literal})
	}
	return append(slices.Clone(t), Piece{Literal: literal})
}

// Has says whether a variable stands in the text.
func (t Text) Has(name string) bool {
	return slices.ContainsFunc(t, func(p Piece) bool { return p.Variable == name })
}

// Texts are what of a version depends on variables. What has no variable in it is
// not here; what has, stands in the version with the defaults.
type Texts struct {
	Args, Labels, Annotations map[string]Text // by name
	Tags                      map[string]Text // by the tag that it is with the defaults
}

// Any says whether anything depends on a variable.
func (t Texts) Any() bool { return len(t.Args)+len(t.Labels)+len(t.Annotations)+len(t.Tags) > 0 }

// Values that the emitted file's own variables have.
var ownVariables = []string{"REGISTRY", "TAG_SUFFIX", "REVISION", "LOCAL", "BY_DIGEST", "PLATFORM", "CACHE", "CACHE_REF", "PROBE"}

// everywhere are variables that environments have for other purposes: bake would
// take what they are on the machine.
var everywhere = []string{"HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER"}

var variablePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// declare checks the variables of a project.
func (r *resolver) declare(given []*definition.Variable) []Variable {
	var all []Variable
	first := map[string]hcl.Range{}
	r.vars = map[string]cty.Value{}
	for _, g := range given {
		v := Variable{Name: g.Name.Value}
		if before, twice := first[v.Name]; twice {
			r.report(g.Name.Range, fmt.Sprintf("Duplicate variable %q", v.Name),
				fmt.Sprintf("It was declared at %s already. Remove one of the two.", diag.Place(before)))
			continue
		}
		first[v.Name] = g.Name.Range
		r.variableName(g.Name)
		if g.Default != nil {
			v.Default = g.Default.Value
		}
		if g.Description != nil {
			v.Description = g.Description.Value
		}
		if g.Pattern != nil {
			v.Pattern = r.variablePattern(g, v)
		}
		r.vars[v.Name] = cty.StringVal(v.Default)
		all = append(all, v)
	}
	return all
}

func (r *resolver) variableName(name definition.String) {
	if problem, mend := checkVariable(name.Value); problem != "" {
		r.report(name.Range, problem, mend)
	}
}

// VariableProblem says why a variable of a project cannot have a name; "" if it can.
func VariableProblem(name string) string {
	problem, _ := checkVariable(name)
	return problem
}

func checkVariable(name string) (problem, mend string) {
	same := func(other string) bool { return strings.EqualFold(other, name) } // environments of Windows know no case
	switch {
	case slices.ContainsFunc(ownVariables, same):
		return fmt.Sprintf("%q is a variable of every emitted file", name), "Choose another name."
	case strings.HasPrefix(strings.ToUpper(name), "BAKE_"),
		strings.HasPrefix(strings.ToUpper(name), "BUILDX_"),
		slices.ContainsFunc(everywhere, same):
		return fmt.Sprintf("%q has another meaning", name),
			"Bake takes variables from the environment, which has this one for another purpose. Choose another name."
	case !variablePattern.MatchString(name), name == "target", name == "group":
		return fmt.Sprintf("Invalid name %q of a variable", name),
			"It has letters, digits and underscores, starts with a letter, and is not what blocks of the emitted file are called, " +
				`for example "CHANNEL".`
	}
	return "", ""
}

// variablePattern checks the pattern, and the default by it.
func (r *resolver) variablePattern(g *definition.Variable, v Variable) string {
	v.Pattern = g.Pattern.Value
	pattern, err := regexp.Compile(v.Whole())
	if err != nil {
		r.report(g.Pattern.Range, fmt.Sprintf("Invalid pattern of %q", v.Name),
			fmt.Sprintf("It is a regular expression of RE2, which the whole value has to match, for example \"stable|edge\" (%v).", err))
		return ""
	}
	if g.Default != nil && !pattern.MatchString(v.Default) {
		r.report(g.Default.Range, fmt.Sprintf("The default of %q does not match its pattern", v.Name),
			fmt.Sprintf("Values match %s as a whole. Correct one of the two.", g.Pattern.Value))
	}
	return g.Pattern.Value
}

// Whole is a pattern that has to match from the start to the end of a value.
func (v Variable) Whole() string { return "^(?:" + v.Pattern + ")$" }

// unusedVariables warns of what users may set without any effect.
func (r *resolver) unusedVariables(given []*definition.Variable) {
	for _, g := range given {
		if !r.usedVars[g.Name.Value] && !r.diags.HasErrors() {
			r.warn(g.Name.Range, fmt.Sprintf("Nothing uses the variable %q", g.Name.Value),
				fmt.Sprintf(`Put it where its value belongs, in from, args, tags, labels or annotations: "${var.%s}". Or remove it.`, g.Name.Value))
		}
	}
}

// template evaluates a template in which variables of the project may stand. The
// value is that of the defaults; the text is nil where there is no variable.
func (r *resolver) template(s *scope, expr hcl.Expression) (value string, text Text, ok bool) {
	if !r.checkVariables(expr) {
		return "", nil, false
	}
	v, diags := expr.Value(s.ctx)
	if diags.HasErrors() {
		r.diags = append(r.diags, diags...)
		return "", nil, false
	}
	if v.IsNull() || v.Type() != cty.String {
		kind := "null"
		if !v.IsNull() {
			kind = "a " + v.Type().FriendlyName()
		}
		r.report(expr.Range(), "A string is needed here", fmt.Sprintf("This is %s. Put it in quotes.", kind))
		return "", nil, false
	}
	if !slices.ContainsFunc(expr.Variables(), isVariable) {
		return v.AsString(), nil, true
	}
	text, ok = r.pieces(s, expr)
	return v.AsString(), text, ok
}

// variableRoot is what the variables of a project are attributes of.
const variableRoot = "var"

func isVariable(t hcl.Traversal) bool { return t.RootName() == variableRoot }

// pieces takes a template apart that has variables in it.
func (r *resolver) pieces(s *scope, expr hcl.Expression) (Text, bool) {
	parts := []hcl.Expression{expr}
	switch e := expr.(type) {
	case *hclsyntax.TemplateExpr:
		parts = nil
		for _, p := range e.Parts {
			parts = append(parts, p)
		}
	case *hclsyntax.TemplateWrapExpr:
		parts[0] = e.Wrapped
	}
	var text Text
	for _, part := range parts {
		used := part.Variables()
		if !slices.ContainsFunc(used, isVariable) {
			v, diags := part.Value(s.ctx)
			literal, err := convert.Convert(v, cty.String)
			if diags.HasErrors() || err != nil || literal.IsNull() {
				return nil, false // which the whole template has reported
			}
			text = append(text, Piece{Literal: literal.AsString()})
			continue
		}
		traversal, diags := hcl.AbsTraversalForExpr(part)
		if diags.HasErrors() || len(traversal) != 2 {
			r.report(part.Range(), "A variable is only put in",
				`Its value comes when somebody builds: "${var.NAME}" puts it into the text, and nothing can be decided by it.`)
			return nil, false
		}
		name := traversal[1].(hcl.TraverseAttr).Name // checkVariables has seen that it is one
		r.usedVars[name] = true
		text = append(text, Piece{Variable: name})
	}
	return text, true
}

// texts are the texts of entries that have one.
func texts(entries []entry) map[string]Text {
	m := map[string]Text{}
	for _, e := range entries {
		if e.text != nil {
			m[e.key.Value] = e.text
		}
	}
	return m
}

// checkVariable reports a reference to a variable that nobody has declared.
func (r *resolver) checkVariable(t hcl.Traversal) bool {
	name := ""
	if len(t) > 1 {
		if step, is := t[1].(hcl.TraverseAttr); is {
			name = step.Name
		}
	}
	if _, declared := r.vars[name]; declared {
		return true
	}
	detail := fmt.Sprintf("Declare it in the project: variable %q { default = \"…\" }.", name)
	if near := diag.Suggest(name, slices.Sorted(maps.Keys(r.vars))); near != "" {
		detail = fmt.Sprintf("Did you mean var.%s?", near)
	}
	r.report(t.SourceRange(), fmt.Sprintf("There is no variable %q", name), detail)
	return false
}
