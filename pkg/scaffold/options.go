package scaffold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/diag"
)

// Bases lists what can run compiled functions, as ids.
func Bases(c *catalogue.Catalogue) []string {
	var ids []string
	for _, v := range c.Versions() {
		if v.Runtime.Kind == catalogue.Base && v.Deprecated == "" {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// findBase reads base.debian["12"] or debian-12. When there is one base only,
// nothing need be said.
func findBase(given string, c *catalogue.Catalogue) (*reference, error) {
	ids := Bases(c)
	if given == "" && len(ids) == 1 {
		given = ids[0]
	}
	key, name, written := parseReference(given)
	for _, v := range c.Versions() {
		if v.Runtime.Kind == catalogue.Base && (v.ID == given || written && v.Runtime.Key == key && v.Name == name) {
			return &reference{v.Runtime.Key, v.Name}, nil
		}
	}
	switch near := diag.Suggest(given, ids); {
	case len(ids) == 0:
		return nil, errors.New("a compiled runtime needs a base that runs its result, and there is none; write a base block first")
	case given == "":
		return nil, fmt.Errorf("give --run, the base that runs the result: one of %s", strings.Join(ids, ", "))
	case near != "":
		return nil, fmt.Errorf("--run=%s: there is no such base; did you mean %s?", given, near)
	}
	return nil, fmt.Errorf("--run=%s: there is no such base; it is one of %s", given, strings.Join(ids, ", "))
}

// parseReference reads base.debian["12"].
func parseReference(text string) (key, version string, ok bool) {
	t, diags := hclsyntax.ParseTraversalAbs([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() || len(t) != 3 || t.RootName() != "base" {
		return "", "", false
	}
	attr, isAttr := t[1].(hcl.TraverseAttr)
	index, isIndex := t[2].(hcl.TraverseIndex)
	if !isAttr || !isIndex || index.Key.Type() != cty.String {
		return "", "", false
	}
	return attr.Name, index.Key.AsString(), true
}

// normalised checks platforms.
func normalised(given []string) (names []string, problems []error) {
	for _, p := range given {
		name, diags := catalogue.CheckPlatform(p)
		problems = append(problems, texts("--platforms: ", diags)...)
		if len(diags) > 0 {
			continue
		}
		if slices.Contains(names, name) {
			problems = append(problems, fmt.Errorf("--platforms=%s is given twice", name))
			continue
		}
		names = append(names, name)
	}
	return names, problems
}
