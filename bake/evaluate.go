package bake

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Values are the values of the emitted file's variables. Their zero value is
// not useful; start from [File.Defaults].
type Values struct {
	Registry  string
	TagSuffix string
	Revision  string
	Local     bool
	ByDigest  bool   // push without tags
	Platform  string // "" for all
	Cache     string
	CacheRef  string            // "" for the default of the cache type
	Probe     string            // a context; "" for where the file has it from
	Variables map[string]string // those of the project that are set
}

// Defaults are the values that the variables have when nothing is set.
func (f *File) Defaults() Values {
	return Values{Registry: f.Registry, Cache: f.Cache.Type, CacheRef: f.Cache.Ref}
}

// Attributes is one entry of cache-from, cache-to, output or attest: bake's
// object form.
type Attributes map[string]string

// Build is what bake makes of a target for given values.
type Build struct {
	*Target
	Inline      string // the text of the Dockerfile, when it is not a file
	Platforms   []string
	Tags        []string // full names
	Labels      map[string]string
	Annotated   map[string]string // what annotations say: the labels, and the target's own
	Annotations []string
	CacheFrom   []Attributes
	CacheTo     []Attributes
	Output      []Attributes
	Attest      []Attributes
}

// Evaluate says what bake makes of every target. Package bakecheck proves that
// the emitted functions agree.
func (f *File) Evaluate(v Values) []Build {
	builds := make([]Build, 0, len(f.Targets))
	for i := range f.Targets {
		builds = append(builds, f.evaluate(v, &f.Targets[i]))
	}
	return builds
}

// evaluate says what bake makes of a target.
func (f *File) evaluate(v Values, t *Target) Build {
	t = f.with(v, t)
	b := Build{Target: t, Platforms: v.platforms(t.Platforms), Tags: v.tags(t), Labels: v.labels(t)}
	b.Annotated = v.annotated(t)
	b.Annotations = v.annotations(b.Annotated, b.Platforms)
	b.CacheFrom, b.CacheTo = v.cacheFrom(t), f.cacheTo(v, t)
	b.Attest = f.attest(v)
	switch {
	case v.Local:
		b.Output = []Attributes{{"type": "docker"}}
	case v.ByDigest:
		b.Output = []Attributes{f.pushByDigest()}
	case len(f.Output) > 0:
		b.Output = []Attributes{f.image()}
	}
	return b
}

// Builds says of every target, tests included, what bake makes of it: when it is
// asked. All of a large file at once take more memory than what asks.
func (f *File) Builds(v Values) map[string]func() Build {
	builds := make(map[string]func() Build, len(f.Targets)+len(f.Tests))
	for i := range f.Targets {
		builds[f.Targets[i].Name] = func() Build { return f.evaluate(v, &f.Targets[i]) }
	}
	for _, whole := range f.whole() {
		builds[whole.Name] = func() Build { return f.evaluateWhole(v, &whole) }
	}
	for i := range f.Tests {
		builds[f.Tests[i].Name] = func() Build { return f.evaluateTest(v, &f.Tests[i]) }
	}
	if f.buildsProbe(v) {
		builds[probe] = func() Build { return f.evaluateProbe(v) }
	}
	return builds
}

func (v Values) labels(t *Target) map[string]string { return v.revised(maps.Clone(t.Labels)) }

func (v Values) annotated(t *Target) map[string]string {
	all := maps.Clone(t.Labels)
	maps.Copy(all, t.Annotations)
	return v.revised(all)
}

func (v Values) revised(labels map[string]string) map[string]string {
	if v.Revision != "" {
		labels[keyRevision] = v.Revision
	}
	return labels
}

func (v Values) platforms(all []string) []string {
	switch {
	case v.Platform == "":
		return all
	case slices.Contains(all, v.Platform):
		return []string{v.Platform}
	}
	return all[:1]
}

// pushByDigest is the output that pushes an image without a tag. Times are
// rewritten when SOURCE_DATE_EPOCH says to which, and only then.
func (f *File) pushByDigest() Attributes {
	output := f.image()
	for _, key := range []string{"push", "push-by-digest", "name-canonical", "rewrite-timestamp"} {
		output[key] = "true"
	}
	return output
}

// image is an output with the options of the project.
func (f *File) image() Attributes {
	output := Attributes{"type": "image"}
	maps.Copy(output, f.Output)
	return output
}

func (v Values) tags(t *Target) []string {
	repository := t.Image
	if registry := cmp.Or(t.Registry, v.Registry); registry != "" {
		repository = registry + "/" + repository
	}
	if v.ByDigest && !v.Local {
		return []string{repository}
	}
	prefix := repository + ":"
	tags := make([]string, 0, len(t.Tags)+1)
	for _, tag := range t.Tags {
		tags = append(tags, prefix+tag+v.TagSuffix)
	}
	if v.Revision != "" {
		tags = append(tags, prefix+t.Tags[0]+v.TagSuffix+"-"+v.Revision)
	}
	return tags
}

func (v Values) annotations(annotated map[string]string, platforms []string) []string {
	if v.Local {
		return nil
	}
	level := "manifest"
	if len(platforms) > 1 {
		level = "index,manifest"
	}
	annotations := make([]string, 0, len(annotated))
	for _, key := range slices.Sorted(maps.Keys(annotated)) {
		annotations = append(annotations, fmt.Sprintf("%s:%s=%s", level, key, annotated[key]))
	}
	return annotations
}

func (f *File) attest(v Values) []Attributes {
	off := Attributes{"type": "provenance", "disabled": "true"}
	if v.Local {
		return []Attributes{off}
	}
	list := []Attributes{off}
	if f.Attest.Provenance != "" {
		list[0] = Attributes{"type": "provenance", "mode": f.Attest.Provenance}
	}
	if f.Attest.SBOM {
		list = append(list, Attributes{"type": "sbom"})
	}
	return list
}

func (f *File) cacheTo(v Values, t *Target) []Attributes {
	if v.Local || v.Cache == "none" {
		return nil
	}
	entry := v.cacheEntry(cacheName(t.Name)+suffix(v.Platform), "dest")
	maps.Copy(entry, f.Cache.ExportOptions(v.Cache))
	return []Attributes{entry}
}

func (v Values) cacheFrom(t *Target) []Attributes {
	if v.Cache == "none" {
		return nil
	}
	platforms := []string{v.Platform}
	if v.Platform == "" {
		platforms = t.Platforms
	}
	entries := []Attributes{v.cacheEntry(cacheName(t.Name), "src")}
	for _, p := range platforms {
		entries = append(entries, v.cacheEntry(cacheName(t.Name)+suffix(p), "src"))
	}
	return entries
}

// cacheEntry names a cache; folder is the attribute of a local one.
func (v Values) cacheEntry(name, folder string) Attributes {
	ref := v.CacheRef
	if ref == "" {
		ref = v.defaultCacheRef()
	}
	switch v.Cache {
	case "gha":
		return Attributes{"type": "gha", "scope": name}
	case "local":
		return Attributes{"type": "local", folder: ref + "/" + name}
	}
	return Attributes{"type": "registry", "ref": ref + ":" + name}
}

func (v Values) defaultCacheRef() string {
	switch {
	case v.Cache == "local":
		return ".buildcache"
	case v.Registry == "":
		return "cache"
	}
	return v.Registry + "/cache"
}

// suffix tells the cache of one platform from others. Target names have no
// dots, so it clashes with none.
func suffix(platform string) string {
	if platform == "" {
		return ""
	}
	return "." + strings.ReplaceAll(platform, "/", "-")
}
