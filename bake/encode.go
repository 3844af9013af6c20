package bake

import (
	"bytes"
	_ "embed" // the preamble
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"text/template"

	"golang.org/x/sync/errgroup"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
)

// preamble is what every emitted file begins with, but for its header.
//
//go:embed preamble.hcl.tmpl
var preamble string

// header is the comment at the top, with commands for an example target.
func (f *File) header(example string) string {
	var b strings.Builder
	sources := []string{definition.ProjectFile}
	for _, folder := range f.Definitions {
		sources = append(sources, path.Join(folder, definition.RuntimeFile))
	}
	last := len(sources) - 1
	fmt.Fprintf(&b, "# Written by runbake generate from %s and %s. DO NOT EDIT.\n#\n", strings.Join(sources[:last], ", "), sources[last])
	table := tabwriter.NewWriter(&b, 0, 0, 4, ' ', 0)
	for _, line := range [][2]string{
		{"docker buildx bake -f " + FileName + " --push", "build and push all images"},
		{"docker buildx bake -f " + FileName + " --push " + example, "one of them"},
		{"LOCAL=1 docker buildx bake -f " + FileName + " " + example, "one for this machine, into Docker"},
		{"docker buildx bake -f " + FileName + " --list targets", "what there is"},
		{"docker buildx bake -f " + FileName + " --list variables", "what can be set, in the environment"},
	} {
		fmt.Fprintf(table, "#   %s\t%s\n", line[0], line[1])
	}
	if err := table.Flush(); err != nil {
		panic(err) // into memory
	}
	return b.String() + "\n"
}

// common is the target that all others inherit from.
const common = "_image"

// Encode writes the file: sorted, in canonical format, the same bytes for the
// same model.
func (f *File) Encode() []byte {
	var b bytes.Buffer // of many megabytes: a strings.Builder copies more often
	example := "<name>"
	if len(f.Targets) > 0 {
		example = f.Targets[len(f.Targets)-1].Name
	}
	b.WriteString(f.header(example))
	f.preamble(&b)
	all := f.Platforms()
	for i, parts := range f.parts() {
		g := &f.Groups[i]
		block(&b, "group "+quote(g.Name), given([]attribute{
			{"description", optional(g.Description)},
			{"targets", members(parts, all)},
		}))
	}
	f.encodeCommon(&b)
	common := f.commonLabels()
	inParts(&b, len(f.Targets), func(b *bytes.Buffer, i int) {
		block(b, "target "+quote(f.Targets[i].Name), targetAttributes(&f.Targets[i], common))
	})
	if whole := f.whole(); len(whole) > 0 {
		b.WriteString("\n# Images that builds take for another platform than their own, FROM --platform:\n" +
			"# for all platforms, whatever PLATFORM says.")
		for i := range whole {
			block(&b, "target "+quote(whole[i].Name), wholeAttributes(&whole[i], common))
		}
	}
	f.encodeTests(&b)
	return b.Bytes()
}

// inParts writes n blocks in their order, some of them at a time.
func inParts(b *bytes.Buffer, n int, write func(b *bytes.Buffer, i int)) {
	const some = 64
	parts := make([]bytes.Buffer, (n+some-1)/some)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for p := range parts {
		group.Go(func() error {
			for i := p * some; i < min((p+1)*some, n); i++ {
				write(&parts[p], i)
			}
			return nil
		})
	}
	_ = group.Wait() // nothing above fails
	for p := range parts {
		b.Write(parts[p].Bytes())
	}
}

// preambleValues are what preamble.hcl.tmpl takes from a file.
type preambleValues struct {
	Registry       string
	CacheType      string
	CacheRef       string // empty for the default of the type
	PlatformOrNone []string
	PlatformError  string
	Machines       string // platform for each kind of machine, an object in HCL
	Spellings      string // other names of platforms, an object in HCL
	Probe          string // empty without tests
	CommonLabels   string // an object in HCL
	RevisionLabel  string
	TagRules       string // blocks of validation, or nothing
	RegistryRules  string // likewise
	OwnRegistries  bool   // whether images have registries of their own
	Rules          variableRules
	Variables      string // those of the project
}

// preamble declares the variables and functions, with the defaults of this
// file. It is text that is in canonical format already: hclwrite would take it
// apart and put it together again for a handful of literals.
func (f *File) preamble(b *bytes.Buffer) {
	known := f.Platforms()
	values := preambleValues{
		Registry:       f.Registry,
		CacheType:      f.Cache.Type,
		CacheRef:       f.Cache.Ref,
		PlatformOrNone: slices.Concat([]string{""}, known, slices.Sorted(maps.Keys(spellings(known)))),
		PlatformError:  fmt.Sprintf("PLATFORM is %s. LOCAL sets it to the platform of this machine.", oneOf(known)),
		Machines:       inline(f.machines()),
		Spellings:      inline(spellings(known)),
		CommonLabels:   objectOf(f.commonLabels()),
		RevisionLabel:  keyRevision,
		TagRules:       f.tagRules(),
		RegistryRules:  f.registryRules(),
		OwnRegistries:  len(f.OwnRegistries()) > 0,
		Rules:          rules(),
		Variables:      f.encodeVariables(),
	}
	if len(f.Tests) > 0 {
		values.Probe = f.probe()
	}
	text := template.Must(template.New("preamble").Funcs(template.FuncMap{"quote": quote, "list": list, "cache": f.cacheOptions}).Parse(preamble))
	if err := text.Execute(b, values); err != nil {
		panic(err) // a mistake in the embedded text, which every test of Encode would meet: memory takes what is written
	}
}

// cacheOptions are the options of an exported cache, on one line.
func (f *File) cacheOptions(cacheType string) string {
	var all []string
	options := f.Cache.ExportOptions(cacheType)
	for _, key := range slices.Sorted(maps.Keys(options)) {
		all = append(all, fmt.Sprintf("%s = %s", objectKey(key), quote(options[key])))
	}
	return strings.Join(all, ", ")
}

// commonLabels are the labels that all targets have, with the same value, which
// is written.
func (f *File) commonLabels() map[string]string {
	common := map[string]string{}
	for i, t := range f.Targets {
		if i == 0 {
			common = writtenMap(t.Labels, t.Texts.Labels)
		}
		maps.DeleteFunc(common, func(key, value string) bool {
			own, has := t.Labels[key]
			return !has || written(own, t.Texts.Labels[key]) != value
		})
	}
	if len(f.Targets) < 2 {
		return nil
	}
	return common
}

// members writes the targets of a group. Those that lack a platform which
// others have are named apart, so that PLATFORM leaves them out.
func members(group []part, all []string) string {
	texts := make([]string, 0, len(group))
	for _, p := range group {
		text := lines(p.members)
		if len(p.platforms) < len(all) {
			text = fmt.Sprintf("only(%s, %s)", list(p.platforms), text)
		}
		texts = append(texts, text)
	}
	switch len(texts) {
	case 0:
		return "[]"
	case 1:
		return texts[0]
	}
	return "concat(\n  " + strings.ReplaceAll(strings.Join(texts, ",\n"), "\n", "\n  ") + ",\n)"
}

// Values of attest and output that several targets have.
const (
	noProvenance = `[{ type = "provenance", disabled = "true" }]`
	cacheOnly    = `[{ type = "cacheonly" }]`
)

// exporter writes the attributes of an exporter on one line, its type first.
func exporter(m map[string]string) string {
	attributes := []string{"type = " + quote(m["type"])}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if key != "type" {
			attributes = append(attributes, objectKey(key)+" = "+quote(m[key]))
		}
	}
	return "{ " + strings.Join(attributes, ", ") + " }"
}

// output is what is made of images when nothing is asked for: nothing, unless
// there are options for those that --push pushes.
func (f *File) output() string {
	if len(f.Output) == 0 {
		return "[]"
	}
	return "[" + exporter(f.image()) + "]"
}

// encodeCommon writes the target that all others inherit from.
func (f *File) encodeCommon(b *bytes.Buffer) {
	wanted := []string{`{ type = "provenance", disabled = "true" }`}
	if f.Attest.Provenance != "" {
		wanted[0] = fmt.Sprintf("{ type = \"provenance\", mode = %s }", quote(f.Attest.Provenance))
	}
	if f.Attest.SBOM {
		wanted = append(wanted, `{ type = "sbom" }`)
	}
	b.WriteString("\n# What all images share: LOCAL loads into Docker, which takes no attestations.")
	block(b, "target "+quote(common), []attribute{
		{"output", fmt.Sprintf(`LOCAL ? [{ type = "docker" }] : BY_DIGEST ? [%s] : %s`, exporter(f.pushByDigest()), f.output())},
		{"attest", fmt.Sprintf("LOCAL ? %s : [%s]", noProvenance, strings.Join(wanted, ", "))},
	})
}

func targetAttributes(t *Target, commonLabels map[string]string) []attribute {
	// Labels stand here twice: a reference to the target's own would be a
	// reference to nothing where another file adds to the target.
	labels, all := without(writtenMap(t.Labels, t.Texts.Labels), commonLabels), list(t.Platforms)
	annotations := maps.Clone(labels)
	maps.Copy(annotations, writtenMap(t.Annotations, t.Texts.Annotations))
	attributes := []attribute{
		{"inherits", list([]string{common})},
		{"description", quote(t.Description)},
		{"context", quote(t.Context)},
		{"dockerfile", optional(t.Dockerfile)},
		{"target", optional(t.Stage)},
		{"contexts", optionalObject(t.Contexts)},
		{"args", optionalExpressions(writtenMap(t.Args, t.Texts.Args))},
		{"platforms", fmt.Sprintf("platforms(%s)", all)},
		{"tags", t.calledTags()},
		{"labels", fmt.Sprintf("labels(%s)", objectOf(labels))},
		{"annotations", fmt.Sprintf("annotations(%s, %s)", objectOf(annotations), all)},
		{"cache-from", fmt.Sprintf("cache_from(%s, %s)", quote(t.Name), all)},
		{"cache-to", fmt.Sprintf("cache_to(%s)", quote(t.Name))},
	}
	return given(append(attributes, requirements(t.Requirements)...))
}

// calledTags is the call that makes the names of an image.
func (t *Target) calledTags() string {
	if t.Registry != "" {
		return fmt.Sprintf("tags_at(%s, %s)", quote(t.Registry+"/"+t.Image), t.writtenTags())
	}
	return fmt.Sprintf("tags(%s, %s)", quote(t.Image), t.writtenTags())
}

// requirements are what a build needs of where it runs.
func requirements(q catalogue.Requirements) []attribute {
	return []attribute{
		{"secret", optionalList(secrets(q.Secrets))},
		{"ssh", optionalList(q.SSH)},
		{"entitlements", optionalList(q.Entitlements)},
		{"network", optional(q.Network)},
		{"extra-hosts", optionalObject(q.ExtraHosts)},
		{"ulimits", optionalList(q.Ulimits)},
		{"shm-size", optional(q.ShmSize)},
	}
}

// secrets are as buildx writes them, sorted by id.
func secrets(sources map[string]string) []string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(sources)) {
		all = append(all, "id="+id+","+sources[id])
	}
	return all
}

// given are the attributes that are set.
func given(all []attribute) []attribute {
	return slices.DeleteFunc(all, func(a attribute) bool { return a.value == "" })
}

func optionalList(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return list(items)
}

// optional is nothing for an attribute that is not set.
func optional(s string) string {
	if s == "" {
		return ""
	}
	return quote(s)
}

func optionalObject(m map[string]string) string {
	return optionalExpressions(writtenMap(m, nil))
}

func optionalExpressions(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	return objectOf(m)
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
