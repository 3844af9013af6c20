package definition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/diag"
)

// projectFile decodes runbake.hcl.
func (d *decoder) projectFile(body hcl.Body) *Project {
	content := d.content(body, &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "project"}}}, map[string]string{
		"runtime": RuntimesDir + "/<folder>/" + RuntimeFile,
		"base":    RuntimesDir + "/<folder>/" + RuntimeFile,
	})
	block := d.single(content, "project", "a repository has one project block")
	if block == nil {
		return nil
	}
	return d.project(block)
}

func (d *decoder) project(block *hcl.Block) *Project {
	before := len(d.diags)
	content := d.content(block.Body, &hcl.BodySchema{
		Attributes: attributes("required_version", "definitions", "registry", "registries", "image", "base_image", "tags", "aliases", "platforms", "labels",
			"default_labels", "annotations", "workflows", "contract"),
		Blocks: []hcl.BlockHeaderSchema{
			{Type: "cache"},
			{Type: "attest"},
			{Type: "output"},
			{Type: "test"},
			{Type: "lint"},
			{Type: "workflow"},
			checkBlock(),
			budgetBlock(),
			{Type: "variable", LabelNames: []string{"name"}},
			{Type: "group", LabelNames: []string{"name"}},
		},
	}, nil)
	a := content.Attributes
	p := &Project{
		Required:      d.string(a["required_version"]),
		Registry:      d.string(a["registry"]),
		Registries:    d.list(a["registries"]),
		Image:         expression(a["image"]),
		BaseImage:     expression(a["base_image"]),
		Tags:          d.list(a["tags"]),
		Aliases:       d.list(a["aliases"]),
		Platforms:     d.list(a["platforms"]),
		Labels:        d.object(a["labels"]),
		DefaultLabels: d.bool(a["default_labels"]),
		Annotations:   d.object(a["annotations"]),
		Workflows:     d.list(a["workflows"]),
		Contract:      d.string(a["contract"]),
		Range:         block.DefRange,
	}
	p.Definitions = d.patterns(a["definitions"])
	if b := d.single(content, "cache", "a project has one cache block"); b != nil {
		a := d.content(b.Body, &hcl.BodySchema{Attributes: attributes("type", "ref", "options")}, nil).Attributes
		p.Cache = &Cache{Type: d.string(a["type"]), Ref: d.string(a["ref"]), Options: d.object(a["options"]), Range: b.DefRange}
	}
	if b := d.single(content, "attest", "a project has one attest block"); b != nil {
		a := d.content(b.Body, &hcl.BodySchema{Attributes: attributes("sbom", "provenance")}, nil).Attributes
		p.Attest = &Attest{SBOM: d.bool(a["sbom"]), Provenance: d.string(a["provenance"]), Range: b.DefRange}
	}
	if b := d.single(content, "output", "a project has one output block"); b != nil {
		a := d.content(b.Body, &hcl.BodySchema{Attributes: attributes("options")}, nil).Attributes
		p.Output = &Output{Options: d.object(a["options"]), Range: b.DefRange}
	}
	if b := d.single(content, "test", "a project has one test block"); b != nil {
		a := d.content(b.Body, &hcl.BodySchema{Attributes: attributes("dockerfile", "probe")}, nil).Attributes
		p.Test = &Test{Probe: d.string(a["probe"]), Dockerfile: d.string(a["dockerfile"]), Range: b.DefRange}
	}
	p.Groups, p.Variables, p.Checks = d.groups(content), d.variables(content), d.checks(content)
	p.Lint, p.Budget, p.Workflow = d.lint(content, "project"), d.budget(content), d.workflow(content)
	p.Partial = d.broken || len(d.diags) > before
	return p
}

// groups decodes the group blocks of a project.
func (d *decoder) groups(content *hcl.BodyContent) []*Group {
	var all []*Group
	for _, b := range content.Blocks.OfType("group") {
		a := d.content(b.Body, &hcl.BodySchema{Attributes: attributes("description", "targets")}, nil).Attributes
		all = append(all, &Group{
			Name: String{b.Labels[0], b.LabelRanges[0]}, Description: d.string(a["description"]), Targets: d.list(a["targets"]), Range: b.DefRange,
		})
		if a["targets"] == nil {
			d.report(&b.DefRange, fmt.Sprintf("Group %q has no targets", b.Labels[0]),
				`Name images by patterns of their ids, for example targets = ["node-*", "php"].`)
		}
	}
	return all
}

// variables decodes the variable blocks of a project.
func (d *decoder) variables(content *hcl.BodyContent) []*Variable {
	var all []*Variable
	for _, b := range content.Blocks.OfType("variable") {
		a := d.content(b.Body, &hcl.BodySchema{Attributes: attributes("default", "description", "pattern")}, nil).Attributes
		all = append(all, &Variable{
			Name: String{b.Labels[0], b.LabelRanges[0]}, Default: d.string(a["default"]),
			Description: d.string(a["description"]), Pattern: d.string(a["pattern"]), Range: b.DefRange,
		})
		if a["default"] == nil {
			d.report(&b.DefRange, fmt.Sprintf("Variable %q has no default", b.Labels[0]),
				`Give what it is when nobody sets it, for example default = "latest"; it may be empty.`)
		}
	}
	return all
}

// runtimeFile decodes a runtime.hcl.
func (d *decoder) runtimeFile(body hcl.Body) []*Block {
	content := d.content(body, &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "runtime", LabelNames: []string{"key"}},
		{Type: "base", LabelNames: []string{"key"}},
	}}, map[string]string{"project": ProjectFile})
	blocks := make([]*Block, 0, len(content.Blocks))
	for _, b := range content.Blocks {
		blocks = append(blocks, d.block(b))
	}
	if len(blocks) == 0 && len(d.diags) == 0 && !d.broken {
		at := body.MissingItemRange()
		d.report(&at, "Empty definition",
			"This file defines nothing. Write a runtime \"<key>\" block or a base \"<key>\" block, or remove the file.")
	}
	return blocks
}

func (d *decoder) block(block *hcl.Block) *Block {
	before := len(d.diags)
	b := &Block{
		Key:   String{block.Labels[0], block.LabelRanges[0]},
		Base:  block.Type == "base",
		Dir:   d.dir,
		Range: block.DefRange,
	}
	names := []string{"name", "contract"}
	elsewhere := map[string]string{}
	own := append([]string{"run"}, languageNames...)
	if b.Base {
		for _, n := range own {
			elsewhere[n] = "a runtime block; a base has no language"
		}
	} else {
		names = append(names, own...)
	}
	content := d.content(block.Body, &hcl.BodySchema{
		Attributes: attributes(append(names, settingNames...)...),
		Blocks: []hcl.BlockHeaderSchema{
			{Type: "version", LabelNames: []string{"name"}}, variantBlock(), {Type: "lint"}, checkBlock(), budgetBlock(),
		},
	}, elsewhere)
	a := content.Attributes
	b.Name = d.string(a["name"])
	b.Contract = d.string(a["contract"])
	b.Kind = d.string(a["kind"])
	b.Entrypoint = d.string(a["entrypoint"])
	b.Fixture = d.string(a["fixture"])
	b.Behaviour = d.string(a["behaviour"])
	b.Broken = d.string(a["broken"])
	b.Settings = d.settings(a)
	b.Checks = d.checks(content)
	b.Lint, b.Budget = d.lint(content, block.Type), d.budget(content)
	for _, v := range content.Blocks.OfType("version") {
		b.Versions = append(b.Versions, d.version(v, b.Base))
	}
	b.Variants = d.variants(content, b.Base)
	b.Partial = d.broken || len(d.diags) > before
	return b
}

// versionSchema is what a version and its variants may have, and where else
// belongs what they may not.
func versionSchema(base bool) (schema *hcl.BodySchema, elsewhere map[string]string) {
	names := append([]string{"deprecated", "end_of_life"}, settingNames...)
	elsewhere = map[string]string{"lint": "the block around this version"}
	for _, n := range append([]string{"name"}, languageNames...) {
		elsewhere[n] = "the block around this version"
	}
	if base {
		elsewhere["run"] = "a runtime block; a base has no language"
	} else {
		names = append(names, "run")
	}
	return &hcl.BodySchema{Attributes: attributes(names...), Blocks: []hcl.BlockHeaderSchema{checkBlock(), budgetBlock()}}, elsewhere
}

func (d *decoder) version(block *hcl.Block, base bool) *Version {
	schema, elsewhere := versionSchema(base)
	schema.Blocks = append(schema.Blocks, variantBlock())
	content := d.content(block.Body, schema, elsewhere)
	v := d.overlay(block, content)
	inner, elsewhere := versionSchema(base)
	elsewhere["default"], elsewhere["except"] = "the variant block of the runtime", "the variant block of the runtime"
	for _, b := range d.distinct(content, "variant") {
		v.Variants = append(v.Variants, d.overlay(b, d.content(b.Body, inner, elsewhere)))
	}
	return v
}

// variantBlock is the header of a variant, which a runtime, base and version may
// have.
func variantBlock() hcl.BlockHeaderSchema {
	return hcl.BlockHeaderSchema{Type: "variant", LabelNames: []string{"name"}}
}

// variants decodes the variant blocks of a runtime or base.
func (d *decoder) variants(content *hcl.BodyContent, base bool) []*Variant {
	schema, elsewhere := versionSchema(base)
	schema.Attributes = append(schema.Attributes, attributes("default", "except")...)
	var all []*Variant
	for _, b := range d.distinct(content, "variant") {
		c := d.content(b.Body, schema, elsewhere)
		all = append(all, &Variant{
			Version: *d.overlay(b, c), Default: d.bool(c.Attributes["default"]), Except: d.names(c.Attributes["except"]),
		})
	}
	return all
}

// distinct are the blocks of a type; those whose label another one has are
// reported.
func (d *decoder) distinct(content *hcl.BodyContent, blockType string) []*hcl.Block {
	var all []*hcl.Block
	first := map[string]hcl.Range{}
	for _, b := range content.Blocks.OfType(blockType) {
		if before, twice := first[b.Labels[0]]; twice {
			d.report(&b.LabelRanges[0], fmt.Sprintf("Duplicate %s %q", blockType, b.Labels[0]),
				fmt.Sprintf("It was given at %s already. Rename one of the two.", diag.Place(before)))
			continue
		}
		first[b.Labels[0]] = b.LabelRanges[0]
		all = append(all, b)
	}
	return all
}

// overlay decodes what is laid over the settings of a block.
func (d *decoder) overlay(block *hcl.Block, content *hcl.BodyContent) *Version {
	a := content.Attributes
	return &Version{
		Name:       String{block.Labels[0], block.LabelRanges[0]},
		Checks:     d.checks(content),
		Budget:     d.budget(content),
		Deprecated: d.string(a["deprecated"]),
		EndOfLife:  d.string(a["end_of_life"]),
		Settings:   d.settings(a),
		Range:      block.DefRange,
	}
}

// languageNames are the attributes that say what a language is, and not what an
// image is made of.
var languageNames = []string{"kind", "entrypoint", "fixture", "behaviour", "broken"}

// settingNames are the attributes of Settings but for run, which bases have
// not.
var settingNames = []string{
	"registry", "image", "tags", "aliases", "platforms", "labels", "annotations", "args", "from", "contexts", "context", "dockerfile", "target",
	"secrets", "ssh", "entitlements", "network", "extra_hosts", "ulimits", "shm_size",
}

func (d *decoder) settings(a hcl.Attributes) Settings {
	return Settings{
		Registry:    d.string(a["registry"]),
		Image:       expression(a["image"]),
		Tags:        d.list(a["tags"]),
		Aliases:     d.list(a["aliases"]),
		Platforms:   d.list(a["platforms"]),
		Labels:      d.object(a["labels"]),
		Annotations: d.object(a["annotations"]),
		Args:        d.object(a["args"]),
		From:        d.object(a["from"]),
		Contexts:    d.object(a["contexts"]),
		Context:     d.string(a["context"]),
		Dockerfile:  d.string(a["dockerfile"]),
		Target:      d.string(a["target"]),
		Run:         expression(a["run"]),

		Secrets:      d.object(a["secrets"]),
		SSH:          d.list(a["ssh"]),
		Entitlements: d.list(a["entitlements"]),
		Network:      d.string(a["network"]),
		ExtraHosts:   d.object(a["extra_hosts"]),
		Ulimits:      d.object(a["ulimits"]),
		ShmSize:      d.string(a["shm_size"]),
	}
}

// single returns the one block of a type, or nil; a second one is reported.
func (d *decoder) single(content *hcl.BodyContent, blockType, rule string) *hcl.Block {
	blocks := content.Blocks.OfType(blockType)
	if len(blocks) == 0 {
		return nil
	}
	for _, again := range blocks[1:] {
		d.report(&again.DefRange, fmt.Sprintf("Duplicate %s block", blockType),
			fmt.Sprintf("%s; the first is at %s. Join the two.", strings.ToUpper(rule[:1])+rule[1:], diag.Place(blocks[0].DefRange)))
	}
	return blocks[0]
}

func attributes(names ...string) []hcl.AttributeSchema {
	schema := make([]hcl.AttributeSchema, 0, len(names))
	for _, n := range slices.Sorted(slices.Values(names)) {
		schema = append(schema, hcl.AttributeSchema{Name: n})
	}
	return schema
}
