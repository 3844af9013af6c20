package bakecheck

import (
	"maps"
	"slices"

	"github.com/docker/buildx/bake/hclparser"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// builtin are the variables that bake sets.
func builtin() map[string]string {
	return map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": localPlatform}
}

// scope is what bake makes of variables, values and functions under a setting:
// that in which it evaluates targets and groups.
//
// Bake evaluates the result of a function twice for each call, once for its type.
// Here it is evaluated once, with the same outcome: expressions have no effects.
func scope(head *hclsyntax.Body, vars map[string]string) (*hcl.EvalContext, error) {
	body := &hclsyntax.Body{Attributes: head.Attributes, SrcRange: head.SrcRange, EndRange: head.EndRange}
	var functions []*hclsyntax.Block
	for _, b := range head.Blocks {
		switch b.Type {
		case "function":
			functions = append(functions, b)
			fallthrough
		case "variable":
			body.Blocks = append(body.Blocks, b)
		}
	}
	body.Blocks = append(body.Blocks, &hclsyntax.Block{
		Type: "target", Labels: []string{"scope"}, Body: &hclsyntax.Body{}, LabelRanges: []hcl.Range{head.EndRange},
		TypeRange: head.EndRange, OpenBraceRange: head.EndRange, CloseBraceRange: head.EndRange,
	})
	var found scopes
	opt := hclparser.Opt{Vars: builtin(), LookupVar: func(name string) (string, bool) {
		value, set := vars[name]
		return value, set
	}}
	if _, diags := hclparser.Parse(body, opt, &found); diags.HasErrors() {
		return nil, diags
	}
	return once(found.Targets[0].context, functions), nil
}

// scopes stand in the place of bake's own configuration.
type scopes struct {
	Groups  []*target `hcl:"group,block"`
	Targets []*target `hcl:"target,block"`
}

// target is a target that keeps what it is evaluated in.
type target struct {
	Name    string `cty:"name" hcl:"name,label"`
	context *hcl.EvalContext
}

// GetName is how bake hands over what a block is evaluated in.
func (t *target) GetName(
	context *hcl.EvalContext, block *hcl.Block, _ func(hcl.Expression) hcl.Diagnostics,
) (string, error) {
	t.context = context
	return block.Labels[0], nil
}

// once is a scope in which functions are evaluated once for each call.
func once(from *hcl.EvalContext, functions []*hclsyntax.Block) *hcl.EvalContext {
	scope := &hcl.EvalContext{Variables: from.Variables, Functions: maps.Clone(from.Functions)}
	library := hclparser.Stdlib() // which bake lets no file replace
	for _, b := range functions {
		name := b.Labels[0]
		_, known := from.Functions[name]
		if _, standard := library[name]; known && !standard {
			scope.Functions[name] = evaluatedOnce(b.Body, scope)
		}
	}
	return scope
}

// evaluatedOnce is a function as [github.com/docker/buildx/util/userfunc] makes it,
// but for its type, which nobody asks for. The attributes have been checked.
func evaluatedOnce(body *hclsyntax.Body, scope *hcl.EvalContext) function.Function {
	names := parameters(body)
	variadic := ""
	if attr, has := body.Attributes["variadic_params"]; has {
		variadic = hcl.ExprAsKeyword(attr.Expr)
	}
	spec := &function.Spec{Type: function.StaticReturnType(cty.DynamicPseudoType)}
	for _, name := range names {
		spec.Params = append(spec.Params, function.Parameter{Name: name, Type: cty.DynamicPseudoType})
	}
	if variadic != "" {
		spec.VarParam = &function.Parameter{Name: variadic, Type: cty.DynamicPseudoType}
	}
	result := body.Attributes["result"].Expr
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		inner := scope.NewChild()
		inner.Variables = make(map[string]cty.Value, len(args))
		for i, name := range names {
			inner.Variables[name] = args[i]
		}
		if variadic != "" {
			inner.Variables[variadic] = cty.TupleVal(slices.Clone(args[len(names):]))
		}
		value, diags := result.Value(inner)
		if diags.HasErrors() {
			return cty.DynamicVal, diags
		}
		return value, nil
	}
	return function.New(spec)
}
