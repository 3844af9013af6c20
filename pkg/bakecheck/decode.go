package bakecheck

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	buildxbake "github.com/docker/buildx/bake"
	"github.com/docker/buildx/bake/hclparser"
	"github.com/docker/buildx/bake/hclparser/gohcl"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// decoder makes bake's own targets and groups of blocks: as bake does, but for
// the object of all blocks so far, of which no block takes anything here.
type decoder struct {
	types  map[reflect.Type]cty.Type
	target map[string]int // fields by the names of their attributes
	group  map[string]int
}

func newDecoder() (*decoder, error) {
	d := &decoder{
		types:  map[reflect.Type]cty.Type{},
		target: fields(reflect.TypeFor[buildxbake.Target]()), group: fields(reflect.TypeFor[buildxbake.Group]()),
	}
	for _, v := range []any{&buildxbake.Target{}, &buildxbake.Group{}} {
		for field := range reflect.TypeOf(v).Elem().Fields() {
			if !field.IsExported() {
				continue
			}
			to := reflect.New(field.Type).Interface()
			known, err := hclparser.ImpliedType(to)
			if err != nil {
				return nil, err
			}
			d.types[reflect.TypeOf(to)] = known
		}
	}
	return d, nil
}

// fields are those of a type that attributes are decoded into.
func fields(t reflect.Type) map[string]int {
	all := map[string]int{}
	for i := range t.NumField() {
		name, kind, _ := strings.Cut(t.Field(i).Tag.Get("hcl"), ",")
		if name != "" && kind != "label" {
			all[name] = i
		}
	}
	return all
}

// Target is what a block says to bake, before what it inherits.
func (d *decoder) Target(b *hclsyntax.Block, scope *hcl.EvalContext) (*buildxbake.Target, error) {
	t := &buildxbake.Target{}
	if err := d.decode(b, scope, reflect.ValueOf(t).Elem(), d.target); err != nil {
		return nil, err
	}
	t.Name = b.Labels[0]
	return t, nil
}

// Group is what a block says to bake.
func (d *decoder) Group(b *hclsyntax.Block, scope *hcl.EvalContext) (*buildxbake.Group, error) {
	g := &buildxbake.Group{}
	if err := d.decode(b, scope, reflect.ValueOf(g).Elem(), d.group); err != nil {
		return nil, err
	}
	g.Name = b.Labels[0]
	seen := map[string]bool{}
	var members []string
	for _, name := range g.Targets { // each once, as bake has it
		if !seen[name] {
			seen[name], members = true, append(members, name)
		}
	}
	g.Targets = members
	return g, nil
}

// targetNames are what bake takes for the name of a target or group.
var targetNames = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// decode decodes the attributes of a block whose schema has been checked.
func (d *decoder) decode(b *hclsyntax.Block, scope *hcl.EvalContext, into reflect.Value, fields map[string]int) error {
	if !targetNames.MatchString(b.Labels[0]) {
		return fmt.Errorf("%s: bake takes no name like %q", b.LabelRanges[0], b.Labels[0])
	}
	options := gohcl.DecodeOptions{ImpliedType: func(v any) (cty.Type, error) {
		if known, is := d.types[reflect.TypeOf(v)]; is {
			return known, nil
		}
		return hclparser.ImpliedType(v)
	}}
	var diags hcl.Diagnostics
	for name, attr := range b.Body.Attributes {
		at, known := fields[name]
		if !known {
			continue // the check of the schema says so
		}
		diags = append(diags, options.DecodeExpression(attr.Expr, scope, into.Field(at).Addr().Interface())...)
	}
	if diags.HasErrors() {
		return joined(diags)
	}
	return nil
}
