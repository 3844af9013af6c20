package bake

import (
	_ "embed" // the preamble
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// preamble declares the variables and functions of every emitted file. Values
// that differ are put in by Encode.
//
//go:embed preamble.hcl
var preamble []byte

const header = `# Written by runbake generate from runbake.hcl and runtimes/*/runtime.hcl. DO NOT EDIT.
#
#   docker buildx bake --push                    build and push all images
#   docker buildx bake --push %s
#   LOCAL=1 docker buildx bake %s
#   docker buildx bake --list targets            what there is
#   docker buildx bake --list variables          what can be set, in the environment

`

// common is the target that all others inherit from.
const common = "_image"

// Encode writes the file: sorted, in canonical format, the same bytes for the
// same model.
func (f *File) Encode() []byte {
	var b strings.Builder
	example := "<name>"
	if len(f.Targets) > 0 {
		example = f.Targets[len(f.Targets)-1].Name
	}
	fmt.Fprintf(&b, header, pad(example, "one of them"), pad(example, "one for this machine, into Docker"))
	b.Write(f.preamble())
	platforms := f.platformSets()
	for _, g := range f.Groups {
		encodeGroup(&b, g, platforms, f.Platforms())
	}
	f.encodeCommon(&b)
	common := f.commonLabels()
	for i := range f.Targets {
		encodeTarget(&b, &f.Targets[i], common)
	}
	return hclwrite.Format([]byte(b.String()))
}

// pad puts a comment behind an example command of the header.
func pad(name, comment string) string {
	return fmt.Sprintf("%-21s %s", name, comment)
}

// preamble is the embedded text with the defaults of this file.
func (f *File) preamble() []byte {
	file, diags := hclwrite.ParseConfig(preamble, "preamble.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		panic(diags) // the embedded text is broken
	}
	body := file.Body()
	variable := func(name string) *hclwrite.Body {
		return body.FirstMatchingBlock("variable", []string{name}).Body()
	}
	variable("REGISTRY").SetAttributeValue("default", cty.StringVal(f.Registry))
	variable("CACHE").SetAttributeValue("default", cty.StringVal(f.Cache.Type))
	if f.Cache.Ref != "" {
		variable("CACHE_REF").SetAttributeValue("default", cty.StringVal(f.Cache.Ref))
	}
	labels := body.FirstMatchingBlock("function", []string{"labels"}).Body()
	labels.SetAttributeRaw("result", rawTokens(fmt.Sprintf(
		"merge(%s, own, REVISION == \"\" ? {} : { %s = REVISION })", object(f.commonLabels()), quote(keyRevision))))
	known := f.Platforms()
	validation := variable("PLATFORM").FirstMatchingBlock("validation", nil).Body()
	validation.SetAttributeRaw("condition", hclwrite.TokensForFunctionCall("contains",
		hclwrite.TokensForValue(tuple(append([]string{""}, known...))), hclwrite.TokensForIdentifier("PLATFORM")))
	validation.SetAttributeValue("error_message", cty.StringVal(
		fmt.Sprintf("PLATFORM is empty or one of %s. LOCAL sets it to the platform of this machine.", strings.Join(known, ", "))))
	return file.Bytes()
}

// rawTokens makes tokens of an expression that is written already.
func rawTokens(expr string) hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenIdent, Bytes: []byte(expr)}}
}

// commonLabels are the labels that all targets have, with the same value.
func (f *File) commonLabels() map[string]string {
	common := map[string]string{}
	for i, t := range f.Targets {
		if i == 0 {
			maps.Copy(common, t.Labels)
		}
		maps.DeleteFunc(common, func(key, value string) bool { return t.Labels[key] != value })
	}
	if len(f.Targets) < 2 {
		return nil
	}
	return common
}

func tuple(items []string) cty.Value {
	values := make([]cty.Value, len(items))
	for i, s := range items {
		values[i] = cty.StringVal(s)
	}
	return cty.TupleVal(values)
}

// encodeGroup writes a group. Targets that lack a platform which others of the
// group have are named apart, so that PLATFORM leaves them out.
func encodeGroup(b *strings.Builder, g Group, platforms map[string][]string, all []string) {
	var sets [][]string // distinct platform sets, in order of first use
	members := map[string][]string{}
	for _, name := range g.Targets {
		set := platforms[name]
		key := strings.Join(set, ",")
		if members[key] == nil {
			sets = append(sets, set)
		}
		members[key] = append(members[key], name)
	}
	fmt.Fprintf(b, "\ngroup %s {\ndescription = %s\n", quote(g.Name), quote(g.Description))
	parts := make([]string, 0, len(sets))
	for _, set := range sets {
		part := lines(members[strings.Join(set, ",")])
		if len(set) < len(all) {
			part = fmt.Sprintf("only(%s, %s)", list(set), part)
		}
		parts = append(parts, part)
	}
	switch len(parts) {
	case 0:
		b.WriteString("targets = []\n}\n")
	case 1:
		fmt.Fprintf(b, "targets = %s\n}\n", parts[0])
	default:
		fmt.Fprintf(b, "targets = concat(\n%s,\n)\n}\n", strings.Join(parts, ",\n"))
	}
}

// platformSets are the sorted platforms of each target.
func (f *File) platformSets() map[string][]string {
	sets := make(map[string][]string, len(f.Targets))
	for _, t := range f.Targets {
		sets[t.Name] = slices.Sorted(slices.Values(t.Platforms))
	}
	return sets
}

// encodeCommon writes the target that all others inherit from.
func (f *File) encodeCommon(b *strings.Builder) {
	b.WriteString("\n# What all images share: LOCAL loads into Docker, which takes no attestations.\n")
	fmt.Fprintf(b, "target %s {\n", quote(common))
	b.WriteString("output = LOCAL ? [{ type = \"docker\" }] : []\n")
	off := `{ type = "provenance", disabled = "true" }`
	var wanted []string
	if f.Attest.Provenance != "" {
		wanted = append(wanted, fmt.Sprintf("{ type = \"provenance\", mode = %s }", quote(f.Attest.Provenance)))
	} else {
		wanted = append(wanted, off)
	}
	if f.Attest.SBOM {
		wanted = append(wanted, `{ type = "sbom" }`)
	}
	fmt.Fprintf(b, "attest = LOCAL ? [%s] : [%s]\n}\n", off, strings.Join(wanted, ", "))
}

func encodeTarget(b *strings.Builder, t *Target, commonLabels map[string]string) {
	fmt.Fprintf(b, "\ntarget %s {\n", quote(t.Name))
	fmt.Fprintf(b, "inherits = [%s]\ndescription = %s\n", quote(common), quote(t.Description))
	fmt.Fprintf(b, "context = %s\n", quote(t.Context))
	if t.Dockerfile != "" {
		fmt.Fprintf(b, "dockerfile = %s\n", quote(t.Dockerfile))
	}
	if t.Stage != "" {
		fmt.Fprintf(b, "target = %s\n", quote(t.Stage))
	}
	encodeMap(b, "contexts", t.Contexts)
	encodeMap(b, "args", t.Args)
	labels, platforms := fmt.Sprintf("labels(%s)", object(without(t.Labels, commonLabels))), fmt.Sprintf("platforms(%s)", list(t.Platforms))
	fmt.Fprintf(b, "platforms = %s\n", platforms)
	fmt.Fprintf(b, "tags = tags(%s, %s)\n", quote(t.Image), list(t.Tags))
	fmt.Fprintf(b, "labels = %s\n", labels)
	if hclsyntax.ValidIdentifier(t.Name) { // else HCL cannot refer to it
		labels, platforms = "target."+t.Name+".labels", "target."+t.Name+".platforms"
	}
	fmt.Fprintf(b, "annotations = annotations(%s, %s)\n", labels, platforms)
	fmt.Fprintf(b, "cache-from = cache_from(%s, %s)\n", quote(t.Name), list(t.Platforms))
	fmt.Fprintf(b, "cache-to = cache_to(%s)\n}\n", quote(t.Name))
}

// without are the entries of a map that are not in another.
func without(m, other map[string]string) map[string]string {
	rest := maps.Clone(m)
	maps.DeleteFunc(rest, func(key, _ string) bool {
		_, found := other[key]
		return found
	})
	return rest
}

func encodeMap(b *strings.Builder, name string, m map[string]string) {
	if len(m) > 0 {
		fmt.Fprintf(b, "%s = %s\n", name, object(m))
	}
}

// quote writes a literal as HCL does: templates and control characters escaped.
func quote(s string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
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
		b.WriteString(quote(s) + ",\n")
	}
	b.WriteString("]")
	return b.String()
}

// object writes a map, sorted, one entry a line.
func object(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, key := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%s = %s\n", objectKey(key), quote(m[key]))
	}
	b.WriteString("}")
	return b.String()
}

// objectKey leaves the quotes off where HCL needs none.
func objectKey(key string) string {
	if hclsyntax.ValidIdentifier(key) {
		return key
	}
	return quote(key)
}
