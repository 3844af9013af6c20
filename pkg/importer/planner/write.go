package planner

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// File is one definition that is to be written.
type File struct {
	Name string // from the root
	Text []byte
}

// defaultPlatforms are those of the language.
var defaultPlatforms = []string{"linux/amd64", "linux/arm64"}

const keyVariable, versionVariable = "${runtime.key}", "${version.name}"

// writer writes definitions.
type writer struct {
	registry  string
	further   []string // registries besides
	image     string   // template of the names of runtimes
	baseImage string   // of bases
	platforms []string
	tags      []string     // templates
	common    *fact.Common // nil for none
	groups    []ownGroup
	variables []*fact.Variable
	services  bool
}

// write is the text of all definitions, in the order of their names.
func (p *planner) write() []File {
	w := &writer{
		registry: p.given, further: p.registries, image: keyVariable + "-runtime", baseImage: keyVariable + "-base",
		platforms: defaultPlatforms, common: p.common, groups: p.own(), services: p.services,
		variables: p.used(),
	}
	var runtimes, bases, withPlatforms []*version
	byDir := map[string][]*version{}
	var dirs []string
	for _, v := range p.versions {
		if v.base {
			bases = append(bases, v)
		} else {
			runtimes = append(runtimes, v)
		}
		if len(v.platforms) > 0 {
			withPlatforms = append(withPlatforms, v)
		}
		if byDir[v.dir] == nil {
			dirs = append(dirs, v.dir)
		}
		byDir[v.dir] = append(byDir[v.dir], v)
	}
	template := func(v *version) string {
		if !hasWord(path.Base(v.label), v.key) {
			return v.label // the key stands in a word of another meaning
		}
		return strings.Replace(v.label, v.key, keyVariable, 1)
	}
	w.image = cmp.Or(common(runtimes, template), w.image)
	w.baseImage = cmp.Or(common(bases, template), w.baseImage)
	if len(withPlatforms) > 0 {
		w.platforms = strings.Split(common(withPlatforms,
			func(v *version) string { return strings.Join(v.platforms, ",") }), ",")
	}
	p.assumed = w.platforms
	w.tags = tagTemplates(p.versions)
	files := []File{{definition.ProjectFile, w.project()}}
	slices.Sort(dirs)
	for _, dir := range dirs {
		files = append(files, File{path.Join(dir, definition.RuntimeFile), w.runtimes(byDir[dir])})
	}
	return files
}

// tagTemplates are the tags that most versions have, around their own names.
func tagTemplates(versions []*version) []string {
	usual := []string{versionVariable}
	var own []*version
	templates := map[*version]string{}
	for _, v := range versions {
		var all []string
		for _, tag := range v.tags {
			if before, after, ok := affix(tag, v.name); ok {
				all = append(all, before+versionVariable+after)
			}
		}
		if len(all) == len(v.tags) {
			own = append(own, v)
			templates[v] = strings.Join(all, "\n")
		}
	}
	if len(own) == 0 {
		return usual
	}
	return strings.Split(common(own, func(v *version) string { return templates[v] }), "\n")
}

// tagged reports a version whose tags are those of the project.
func (w *writer) tagged(v *version) bool {
	tags := make([]string, 0, len(w.tags))
	for _, t := range w.tags {
		tags = append(tags, strings.ReplaceAll(t, versionVariable, v.name))
	}
	return slices.Equal(v.tags, tags)
}

// assumedPlatforms notes what images get whose platforms no source names.
func (p *planner) assumedPlatforms() {
	var ids []string
	var first *version
	for _, v := range p.versions {
		if len(v.platforms) == 0 {
			first = cmp.Or(first, v)
			ids = append(ids, v.id())
		}
	}
	if first == nil {
		return
	}
	p.note(fact.Note{Range: first.build.Range, Text: fmt.Sprintf("%s: platforms %s, as no source names others",
		strings.Join(ids, ", "), strings.Join(p.assumed, " and "))})
}

func (w *writer) project() []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("project", nil).Body()
	body.SetAttributeValue("registry", cty.StringVal(w.registry))
	if len(w.further) > 0 {
		body.SetAttributeValue("registries", list(w.further))
	}
	body.SetAttributeRaw("image", templateTokens(w.image))
	body.SetAttributeRaw("base_image", templateTokens(w.baseImage))
	body.SetAttributeRaw("tags", templatesTokens(w.tags))
	body.SetAttributeValue("platforms", list(w.platforms))
	if w.services {
		body.SetAttributeValue("contract", cty.StringVal(catalogue.NoContract))
	}
	w.all(body)
	writeVariables(body, w.variables)
	writeGroups(body, w.groups)
	body.AppendNewline()
	// What works today is not all that our own runtimes must be.
	body.AppendNewBlock("lint", nil).Body().SetAttributeValue("level", cty.StringVal(catalogue.Guide))
	return hclwrite.Format(f.Bytes())
}

// all is what all images have in common.
func (w *writer) all(body *hclwrite.Body) {
	if w.common == nil {
		return
	}
	block := func(name string) *hclwrite.Body {
		body.AppendNewline()
		return body.AppendNewBlock(name, nil).Body()
	}
	if w.common.Cache != "" {
		cache := block("cache")
		cache.SetAttributeValue("type", cty.StringVal(w.common.Cache))
		if w.common.CacheMode != "max" { // the default
			cache.SetAttributeRaw("options", objectTokens([]fact.Pair{{Name: "mode", Value: w.common.CacheMode}}))
		}
	}
	if len(w.common.Output) > 0 {
		block("output").SetAttributeRaw("options", objectTokens(w.common.Output))
	}
	if w.common.SBOM+w.common.Provenance != "" {
		attest := block("attest")
		attest.SetAttributeValue("sbom", cty.BoolVal(w.common.SBOM == "true"))
		attest.SetAttributeValue("provenance", cty.StringVal(cmp.Or(w.common.Provenance, "min"))) // as buildx adds
	}
}

// runtimes is the definition of one folder.
func (w *writer) runtimes(versions []*version) []byte {
	f := hclwrite.NewEmptyFile()
	var keys []string
	for _, v := range versions {
		if !slices.Contains(keys, v.key) {
			keys = append(keys, v.key)
		}
	}
	for i, key := range keys {
		if i > 0 {
			f.Body().AppendNewline()
		}
		own := slices.DeleteFunc(slices.Clone(versions), func(v *version) bool { return v.key != key })
		w.block(f.Body(), own)
	}
	return bytes.ReplaceAll(hclwrite.Format(f.Bytes()), []byte(" {\n  }\n"), []byte(" {}\n"))
}

// block is one runtime or base. What its versions have in common stands once.
func (w *writer) block(file *hclwrite.Body, versions []*version) {
	first := versions[0]
	kind := "runtime"
	if first.base {
		kind = "base"
	}
	body := file.AppendNewBlock(kind, []string{first.key}).Body()
	body.SetAttributeValue("name", cty.StringVal(first.display))
	if !first.base {
		language := "interpreted"
		if first.compiled {
			language = "compiled"
		}
		if !w.services {
			body.SetAttributeValue("kind", cty.StringVal(language))
		}
		for _, a := range []fact.Pair{
			{Name: "entrypoint", Value: first.entrypoint}, {Name: "fixture", Value: first.fixture},
		} {
			if a.Value != "" {
				body.SetAttributeValue(a.Name, cty.StringVal(a.Value))
			}
		}
	}
	all := make([][]attribute, 0, len(versions))
	for _, v := range versions {
		all = append(all, w.attributes(v))
	}
	shared := func(a attribute) bool {
		for _, own := range all {
			if !slices.ContainsFunc(own, func(o attribute) bool {
				return o.name == a.name && bytes.Equal(o.tokens.Bytes(), a.tokens.Bytes())
			}) {
				return false
			}
		}
		return a.name != "from" && (len(versions) > 1 || a.name == "run") && a.name != "deprecated"
	}
	for _, a := range all[0] {
		if shared(a) {
			body.SetAttributeRaw(a.name, a.tokens)
		}
	}
	for i, v := range versions {
		body.AppendNewline()
		block := body.AppendNewBlock("version", []string{v.name}).Body()
		for _, a := range all[i] {
			if !shared(a) {
				block.SetAttributeRaw(a.name, a.tokens)
			}
		}
	}
}

// attribute is one attribute of a version.
type attribute struct {
	name   string
	tokens hclwrite.Tokens
}

// attributes are what a version says that the project does not.
func (w *writer) attributes(v *version) []attribute {
	var all []attribute
	add := func(name string, tokens hclwrite.Tokens) { all = append(all, attribute{name, tokens}) }
	object := func(name string, list []fact.Pair) {
		if len(list) > 0 {
			all = append(all, attribute{name, objectTokens(w.settled(list))})
		}
	}
	if v.deprecated != "" {
		add("deprecated", hclwrite.TokensForValue(cty.StringVal(v.deprecated)))
	}
	if v.run != nil {
		add("run", runTokens(v.run))
	}
	if v.registry != "" {
		add("registry", hclwrite.TokensForValue(cty.StringVal(v.registry)))
	}
	template := w.image
	if v.base {
		template = w.baseImage
	}
	if strings.ReplaceAll(template, keyVariable, v.key) != v.label {
		add("image", hclwrite.TokensForValue(cty.StringVal(v.label)))
	}
	if !w.tagged(v) {
		add("tags", hclwrite.TokensForValue(list(v.tags)))
	}
	if len(v.platforms) > 0 && !slices.Equal(v.platforms, w.platforms) {
		add("platforms", hclwrite.TokensForValue(list(v.platforms)))
	}
	b := v.build
	if b.Context.Value != v.dir {
		add("context", hclwrite.TokensForValue(cty.StringVal(b.Context.Value)))
	}
	if name := fromContext(b); name != "Dockerfile" {
		add("dockerfile", hclwrite.TokensForValue(cty.StringVal(name)))
	}
	if b.Target != nil {
		add("target", hclwrite.TokensForValue(cty.StringVal(b.Target.Value)))
	}
	object("from", v.from)
	object("args", v.args)
	object("contexts", named(b))
	object("labels", b.Labels)
	object("annotations", b.Extra())
	return append(all, w.requirements(b)...)
}

// requirements are what steps of a build need beside files.
func (w *writer) requirements(b *fact.Build) []attribute {
	var all []attribute
	object := func(name string, list []fact.Pair) {
		if len(list) > 0 {
			all = append(all, attribute{name, objectTokens(w.settled(list))})
		}
	}
	lists := func(name string, of []fact.Text) {
		if len(of) > 0 {
			all = append(all, attribute{name, hclwrite.TokensForValue(list(texts(of)))})
		}
	}
	text := func(name string, of *fact.Text) {
		if of != nil {
			all = append(all, attribute{name, hclwrite.TokensForValue(cty.StringVal(of.Value))})
		}
	}
	object("secrets", b.Secrets)
	lists("ssh", b.SSH)
	lists("entitlements", b.Entitlements)
	text("network", b.Network)
	object("extra_hosts", b.ExtraHosts)
	object("ulimits", b.Ulimits)
	text("shm_size", b.ShmSize)
	return all
}
