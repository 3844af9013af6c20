package definition

import (
	"fmt"
	"io/fs"
	"math/big"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/diag"
)

// decoder turns the syntax of one file into our types and collects what is
// wrong with it.
type decoder struct {
	dir    string
	broken bool // the file has syntax errors
	diags  hcl.Diagnostics
}

func (d *decoder) report(at *hcl.Range, summary, detail string) {
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at})
}

// content reads what the schema allows and reports everything else, with the
// nearest name that is allowed or, for names in elsewhere, the place where
// they belong. HCL's own check is not used because it knows no elsewhere and
// stops at the first label of a block that has too few.
func (d *decoder) content(body hcl.Body, schema *hcl.BodySchema, elsewhere map[string]string) *hcl.BodyContent {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		panic(fmt.Sprintf("definition: body of type %T", body)) // only native syntax is ever parsed
	}
	content := &hcl.BodyContent{Attributes: hcl.Attributes{}, MissingItemRange: native.MissingItemRange()}
	d.attributes(native, schema, elsewhere, content)
	d.blocks(native, schema, elsewhere, content)
	return content
}

func (d *decoder) attributes(body *hclsyntax.Body, schema *hcl.BodySchema, elsewhere map[string]string, content *hcl.BodyContent) {
	allowed := make([]string, 0, len(schema.Attributes))
	for _, a := range schema.Attributes {
		allowed = append(allowed, a.Name)
	}
	for name, attr := range body.Attributes {
		if slices.Contains(allowed, name) {
			content.Attributes[name] = attr.AsHCLAttribute()
			continue
		}
		isBlock := slices.ContainsFunc(schema.Blocks, func(b hcl.BlockHeaderSchema) bool { return b.Type == name })
		switch place := elsewhere[name]; {
		case isBlock:
			d.report(&attr.NameRange, fmt.Sprintf("%q is a block", name),
				fmt.Sprintf("Write it without the equals sign: %s { … }.", name))
		case place != "":
			d.report(&attr.NameRange, fmt.Sprintf("Attribute %q does not belong here", name), fmt.Sprintf("It belongs in %s.", place))
		default:
			d.report(&attr.NameRange, fmt.Sprintf("Unknown attribute %q", name), choices(name, allowed, "attributes"))
		}
	}
}

func (d *decoder) blocks(body *hclsyntax.Body, schema *hcl.BodySchema, elsewhere map[string]string, content *hcl.BodyContent) {
	headers := map[string]hcl.BlockHeaderSchema{}
	allowed := make([]string, 0, len(schema.Blocks))
	for _, b := range schema.Blocks {
		headers[b.Type] = b
		allowed = append(allowed, b.Type)
	}
	for _, block := range body.Blocks {
		header, known := headers[block.Type]
		isAttribute := slices.ContainsFunc(schema.Attributes, func(a hcl.AttributeSchema) bool { return a.Name == block.Type })
		switch place := elsewhere[block.Type]; {
		case known && len(header.LabelNames) != len(block.Labels):
			d.labels(block, header)
		case known:
			content.Blocks = append(content.Blocks, block.AsHCLBlock())
		case isAttribute:
			d.report(&block.TypeRange, fmt.Sprintf("%q is an attribute", block.Type),
				fmt.Sprintf("Write it with an equals sign: %s = …", block.Type))
		case place != "":
			d.report(&block.TypeRange, fmt.Sprintf("Block %q does not belong here", block.Type), fmt.Sprintf("It belongs in %s.", place))
		default:
			d.report(&block.TypeRange, fmt.Sprintf("Unknown block %q", block.Type), choices(block.Type, allowed, "blocks"))
		}
	}
}

func (d *decoder) labels(block *hclsyntax.Block, header hcl.BlockHeaderSchema) {
	var want strings.Builder
	want.WriteString(header.Type)
	for _, l := range header.LabelNames {
		fmt.Fprintf(&want, " \"<%s>\"", l)
	}
	at := block.DefRange()
	if len(block.Labels) > len(header.LabelNames) {
		at = block.LabelRanges[len(header.LabelNames)]
	}
	d.report(&at, fmt.Sprintf("Wrong number of labels for %q", block.Type), fmt.Sprintf("Write %s { … }.", want.String()))
}

// choices says what may stand in a place where name may not.
func choices(name string, allowed []string, what string) string {
	if near := diag.Suggest(name, allowed); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	if len(allowed) == 0 {
		return fmt.Sprintf("No %s are expected here. Remove it.", what)
	}
	return fmt.Sprintf("The %s known here are %s.", what, strings.Join(allowed, ", "))
}

func expression(attr *hcl.Attribute) hcl.Expression {
	if attr == nil {
		return nil
	}
	return attr.Expr
}

func (d *decoder) string(attr *hcl.Attribute) *String {
	if attr == nil {
		return nil
	}
	v, ok := d.literal(attr, cty.String, `a string, for example "`+examples[attr.Name]+`"`)
	if !ok {
		return nil
	}
	return &String{v.AsString(), attr.Expr.Range()}
}

func (d *decoder) bool(attr *hcl.Attribute) *Bool {
	if attr == nil {
		return nil
	}
	v, ok := d.literal(attr, cty.Bool, "true or false")
	if !ok {
		return nil
	}
	return &Bool{v.True(), attr.Expr.Range()}
}

func (d *decoder) int(attr *hcl.Attribute) *Int {
	if attr == nil {
		return nil
	}
	v, ok := d.literal(attr, cty.Number, "a whole number")
	if !ok {
		return nil
	}
	at := attr.Expr.Range()
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact || n != int64(int32(n)) { //nolint:gosec // what is cut off is compared
		d.report(&at, fmt.Sprintf("Wrong number for %q", attr.Name), "It takes a whole number of a usual size.")
		return nil
	}
	return &Int{int(n), at}
}

// literal evaluates an attribute that may not refer to anything. There is no
// conversion: 3.10 is not "3.10".
func (d *decoder) literal(attr *hcl.Attribute, want cty.Type, wanted string) (cty.Value, bool) {
	v, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		at := attr.Expr.Range()
		if len(attr.Expr.Variables()) > 0 {
			d.report(&at, fmt.Sprintf("%q takes a literal", attr.Name), fmt.Sprintf("References cannot be used here. Write %s.", wanted))
			return cty.NilVal, false
		}
		d.diags = append(d.diags, diags...)
		return cty.NilVal, false
	}
	if !v.IsKnown() {
		return cty.NilVal, false // a syntax error, which the parser has reported
	}
	if v.IsNull() || !v.Type().Equals(want) {
		at := attr.Expr.Range()
		d.report(&at, fmt.Sprintf("Wrong type for %q", attr.Name), fmt.Sprintf("It takes %s; this is %s.", wanted, describe(v)))
		return cty.NilVal, false
	}
	return v, true
}

func describe(v cty.Value) string {
	if v.IsNull() {
		return "null"
	}
	return "a " + v.Type().FriendlyName()
}

// examples are values for messages about wrong ones.
var examples = map[string]string{
	"registry": "docker.io/appwrite", "name": "Node.js", "contract": "none", "kind": "interpreted", "entrypoint": "index.js",
	"fixture": "tests/fixtures/node", "deprecated": "2026-04-30", "end_of_life": "2027-04-30", "context": "runtimes/node",
	"dockerfile": "Dockerfile", "target": "final", "type": "registry", "ref": "ghcr.io/acme/cache", "provenance": "max",
	"network": "none", "shm_size": "256m", "level": "guide", "severity": "off", "reason": "The vendor has no other tag.",
	"mode": "0755", "owner": "root", "within": "30s", "default": "stable", "description": "What is released", "pattern": "stable|edge",
	"compressed": "120 MB", "start": "500 ms",
}

func (d *decoder) list(attr *hcl.Attribute) *List {
	if attr == nil {
		return nil
	}
	at := attr.Expr.Range()
	items, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		d.report(&at, fmt.Sprintf("Wrong type for %q", attr.Name), `It takes a list of strings in square brackets, for example ["a", "b"].`)
		return nil
	}
	return &List{Items: items, Range: at}
}

func (d *decoder) object(attr *hcl.Attribute) *Map {
	if attr == nil {
		return nil
	}
	at := attr.Expr.Range()
	pairs, diags := hcl.ExprMap(attr.Expr)
	if diags.HasErrors() {
		d.report(&at, fmt.Sprintf("Wrong type for %q", attr.Name), `It takes an object in braces, for example { KEY = "value" }.`)
		return nil
	}
	m := &Map{Range: at}
	seen := map[string]hcl.Range{}
	for _, pair := range pairs {
		at := pair.Key.Range()
		key, diags := pair.Key.Value(nil)
		if diags.HasErrors() || key.IsNull() || key.Type() != cty.String {
			d.report(&at, fmt.Sprintf("Key in %q is not a string", attr.Name), `Write the key as a word or in quotes, for example KEY or "a.key".`)
			continue
		}
		name := key.AsString()
		if first, dup := seen[name]; dup {
			d.report(&at, fmt.Sprintf("Duplicate key %q in %q", name, attr.Name), fmt.Sprintf("It was given at %s already. Remove one of the two.", diag.Place(first)))
			continue
		}
		seen[name] = at
		m.Items = append(m.Items, Item{Key: String{name, at}, Value: pair.Value})
	}
	return m
}

// names decodes a list of names of versions.
func (d *decoder) names(attr *hcl.Attribute) []String {
	list := d.list(attr)
	if list == nil {
		return nil
	}
	all := []String{}
	for _, item := range list.Items {
		at := item.Range()
		v, diags := item.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
			d.report(&at, "The name of a version is a string", `Write for example "22"; variables cannot be used here.`)
			continue
		}
		all = append(all, String{v.AsString(), at})
	}
	return all
}

// patterns decodes a list of patterns of folders, which must be known before
// anything else is read.
func (d *decoder) patterns(attr *hcl.Attribute) []String {
	list := d.list(attr)
	if list == nil {
		return nil
	}
	all := []String{}
	for _, item := range list.Items {
		at := item.Range()
		v, diags := item.Value(nil)
		switch {
		case diags.HasErrors() || v.IsNull() || v.Type() != cty.String:
			d.report(&at, "A pattern is a string", `Write for example "images/*"; variables cannot be used here.`)
			continue
		case !fs.ValidPath(path.Clean(v.AsString())) || strings.ContainsAny(v.AsString(), "\\:\x00\n\r"):
			d.report(&at, fmt.Sprintf("Path %q is not inside the repository", v.AsString()),
				"Write a relative path with forward slashes that stays below the root of the repository.")
			continue
		}
		if _, err := path.Match(v.AsString(), ""); err != nil {
			d.report(&at, fmt.Sprintf("%q is no pattern", v.AsString()),
				"A pattern has *, ? and [a-z], which match within one name: images/*, images/*/*.")
			continue
		}
		all = append(all, String{v.AsString(), at})
	}
	if len(list.Items) == 0 {
		d.report(&list.Range, "No folders", `List at least one, for example ["images/*"].`)
	}
	return all
}
