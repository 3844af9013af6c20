package planner

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
	"github.com/runbake/runbake/pkg/dockerfile"
	"github.com/runbake/runbake/pkg/importer/fact"
)

// version is an image with its place in the definitions.
type version struct {
	image      *image
	build      *fact.Build
	registered *fact.Version
	key, name  string
	display    string // name of the runtime for users
	base       bool
	compiled   bool
	run        *version
	dir        string          // folder of the definition
	path       string          // of the image: registry and path, "" for none
	paths      map[string]name // all that it is pushed to, with its first name in each
	registry   string          // of its own: another host than that of the project; "" for none
	repo       string
	tags       []string
	platforms  []string
	args, from []fact.Pair
	label      string // repository below the project's registry
	deprecated string
	softened   bool // its platforms are none, and are left out

	fixture, entrypoint string // of the runtime
}

func (v *version) id() string { return v.key + "-" + v.name }

var (
	folderPattern = regexp.MustCompile(`^(.+?)-(v?[0-9][^-]*)$`)
	notKey        = regexp.MustCompile(`[^a-z0-9-]+`)
	notVersion    = regexp.MustCompile(`[^a-z0-9._-]+`)
)

// split takes the name of a folder apart: dart-2.12.
func split(folder string) (key, name string) {
	if m := folderPattern.FindStringSubmatch(folder); m != nil {
		return m[1], m[2]
	}
	return folder, ""
}

// versionFolder is the name of a folder that is a version, and no image.
var versionFolder = regexp.MustCompile(`^v?[0-9]+([._][0-9]+)*([-._+].*)?$`)

// folders takes a path apart whose folders are image and version, in one another: node/22,
// node/22/alpine; version is "" for others. What is above a version is the image where a
// name of the image has it, and else the repository is.
func folders(home string, n name) (key, version string) {
	words := strings.Split(home, "/")
	last := len(words) - 1
	at := slices.IndexFunc(words, versionFolder.MatchString)
	if at < 0 && last > 0 && words[last] == n.tag && words[last-1] == n.repo {
		at = last // node/alpine of node:alpine
	}
	if at < 0 {
		return "", ""
	}
	key = n.repo
	if at > 0 {
		if above := words[at-1]; hasWord(n.repo, above) || hasWord(n.tag, above) || hasWord(above, n.repo) {
			key = above
		}
	}
	return key, strings.Join(words[at:], "-")
}

// home is the folder that an image is called after where its names leave that open. One
// that is built of an address has none, and is called as it is.
func (p *planner) home(img *image) string {
	b := img.main
	switch {
	case b.Remote:
		p.note(fact.Note{
			Range: b.Context.Range, Text: fmt.Sprintf("%s is built of an address: what its Dockerfile says is not known", img.names[0].id()),
		})
		return img.names[0].repo
	case b.Context.Value == ".":
		return path.Dir(b.DockerfilePath())
	}
	return b.Context.Value
}

func (p *planner) version(img *image) *version {
	b := img.main
	if !p.exists(b) {
		return nil
	}
	home := p.home(img)
	folderKey, folderVersion := split(path.Base(home))
	v := &version{image: img, build: b}
	n := p.primary(img, folderVersion)
	if key, version := folders(home, n); version != "" {
		folderKey, folderVersion = key, version
		n = p.primary(img, folderVersion)
	}
	v.repo, v.registered = n.repo, p.registered(n)
	for _, o := range img.names {
		if v.registered == nil {
			v.registered = p.registered(o)
		}
	}
	if v.registered == nil {
		v.registered = p.registeredFolder(path.Base(home))
	}
	v.base = p.isBase(v, home)
	suffixed := strings.TrimSuffix(n.repo, "-runtime")
	repoKey := strings.TrimPrefix(suffixed, "runtime-for-")
	_, _, ownTag := affix(n.tag, folderVersion)
	wordVersion, isWord := strings.CutPrefix(path.Base(home), repoKey+"-") // python-ml of python:v3-ml
	_, _, isWordTag := affix(n.tag, wordVersion)
	switch {
	case v.registered != nil:
		v.key, v.name = v.registered.Runtime.Key.Value, v.registered.Version.Value
		if v.registered.Deprecated != nil {
			v.deprecated = cmp.Or(v.registered.Deprecated.Value, unknownDay)
		}
	case isWord && isWordTag:
		v.key, v.name = repoKey, wordVersion
	case suffixed != n.repo:
		v.key = suffixed
	case b.Named && !hasWord(repoKey, folderKey):
		v.key = repoKey
	case home != ".":
		v.key = folderKey
	default:
		v.key = n.repo
	}
	switch {
	case v.name != "":
	case ownTag:
		v.name = folderVersion
	case n.tag != "latest":
		v.name = n.tag
	case folderVersion != "":
		v.name = folderVersion
	default:
		v.name = n.tag
	}
	p.identify(v, n)
	v.dir = p.folder(home, v)
	p.tag(v, n)
	p.arguments(v)
	return v
}

// hasWord reports a word in a name whose words are joined with dashes.
func hasWord(name, word string) bool {
	return strings.Contains("-"+strings.ReplaceAll(name, "_", "-")+"-", "-"+word+"-")
}

// unknownDay is a day in the past, for versions that a registry class calls
// deprecated without saying since when.
const unknownDay = "1970-01-01"

// reserved reports keys that are names of groups in the emitted file, or begin
// as those of tests.
func reserved(key string) bool {
	return slices.Contains([]string{"", "default", "bases", "deprecated", "test"}, key) ||
		strings.HasPrefix(key, "test-")
}

// identify makes a key and a version of the names that sources give.
func (p *planner) identify(v *version, n name) {
	key, version := v.key, v.name
	for _, candidate := range []string{key, n.repo, key + "-image", "image-" + key, "image"} {
		if v.key = toKey(candidate); !reserved(v.key) {
			break
		}
	}
	v.name = cmp.Or(strings.TrimLeft(notVersion.ReplaceAllString(strings.ToLower(v.name), "-"), "._-"), "latest")
	if v.key != key || v.name != version {
		p.note(fact.Note{
			Range: v.build.Range, Kind: fact.Renamed,
			Text: fmt.Sprintf("%s %s is %s in definitions", key, version, v.id()),
		})
	}
}

// toKey makes a key of a name.
func toKey(s string) string {
	return strings.Trim(notKey.ReplaceAllString(strings.ToLower(s), "-"), "-")
}

// primary is the name that says most of a version.
func (p *planner) primary(img *image, folderVersion string) name {
	choices := []func(name) bool{
		func(n name) bool { r := p.registered(n); return r != nil && r.Version.Value == n.tag },
		func(n name) bool { return n.tag == folderVersion },
		func(n name) bool { return p.registered(n) != nil },
		func(n name) bool { return n.tag != "latest" },
	}
	main := slices.DeleteFunc(slices.Clone(img.names), func(n name) bool { return !inBuild(img.main, n) })
	for _, good := range choices {
		for _, n := range append(main, img.names...) {
			if good(n) {
				return n
			}
		}
	}
	return img.names[0]
}

func inBuild(b *fact.Build, n name) bool {
	return slices.ContainsFunc(b.Tags, func(t fact.Text) bool { return t.Range == n.at })
}

// registered is the entry of a registry class whose build image has a name. Of
// several the one that says the same version has it.
func (p *planner) registered(n name) *fact.Version {
	found := p.byBuild[n.id()]
	for _, r := range found {
		if _, _, own := affix(n.tag, r.Version.Value); own {
			return r
		}
	}
	if len(found) == 1 && !p.hasOwn(found[0]) {
		return found[0]
	}
	return nil
}

// registeredFolder is the entry of a registry class for the key and version of a
// folder, whose image nobody builds.
func (p *planner) registeredFolder(folder string) *fact.Version {
	for _, r := range p.registry.Versions() {
		if r.Runtime.Key.Value+"-"+r.Version.Value == folder && !p.built(r.Build) {
			return r
		}
	}
	return nil
}

// hasOwn reports that an image of the version's own name is built, although it
// is registered with another.
func (p *planner) hasOwn(r *fact.Version) bool {
	n, err := parseName(r.Build)
	return err == nil && p.ownImage(r, n) != nil
}

// ownImage is the image with the version's own tag, beside one that it is
// registered with; nil if none is built.
func (p *planner) ownImage(r *fact.Version, n name) *image {
	for _, img := range p.images {
		for _, o := range img.names {
			if _, _, own := affix(o.tag, r.Version.Value); own && o.repo == n.repo {
				return img
			}
		}
	}
	return nil
}

// isBase tells images without a language: they run what others make, or have a
// launch.sh and no build.sh.
func (p *planner) isBase(v *version, home string) bool {
	if v.registered != nil {
		return false
	}
	for _, n := range v.image.names {
		if runs := p.byRun[n.id()]; len(runs) > 0 {
			r := runs[0]
			p.note(fact.Note{
				Range: r.Run.Range,
				Text: fmt.Sprintf("%s is a base: it runs %s %s, and is nobody's build image",
					n.id(), r.Runtime.Key.Value, r.Version.Value),
			})
			return true
		}
	}
	if of := v.build.Parent; of != nil {
		p.note(fact.Note{Range: of.Range, Text: fmt.Sprintf("%s is a base: %s is built on it", v.image.names[0].id(), of.Value)})
		return true
	}
	if !p.isFile(path.Join(home, "launch.sh")) || p.isFile(path.Join(home, "build.sh")) {
		return false
	}
	p.note(fact.Note{
		Range: v.build.Context.Range,
		Text:  fmt.Sprintf("%s is a base: its folder has launch.sh and no build.sh", v.image.names[0].id()),
	})
	return true
}

func (p *planner) isFile(name string) bool {
	info, err := fs.Stat(p.fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// folder is where the definition of a version stands: its own folder if it is
// below runtimes/, else one for its key.
func (p *planner) folder(home string, v *version) string {
	for _, dir := range []string{v.build.Context.Value, home} {
		if rest, ok := strings.CutPrefix(dir, definition.RuntimesDir+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			return path.Join(definition.RuntimesDir, first)
		}
	}
	return path.Join(definition.RuntimesDir, v.key)
}

// tag sorts the names of an image: one repository, the version's own tag first.
func (p *planner) tag(v *version, primary name) {
	v.tags = []string{primary.tag}
	v.paths = map[string]name{}
	for _, n := range v.image.names {
		if n.repo != v.repo {
			p.Fail(fact.RuleInexpressible, n.at, fmt.Sprintf("%s is also called %s", primary.id(), n.id()),
				"A version has one repository, and tags in it. This name is left out.", primary.at)
			continue
		}
		if !slices.Contains(v.tags, n.tag) {
			v.tags = append(v.tags, n.tag)
		}
		if n.registry == "" {
			continue
		}
		full := hub(n.registry)
		if v.path == "" || inBuild(v.build, n) && !inBuild(v.build, v.paths[v.path]) {
			v.path = full
		}
		if _, known := v.paths[full]; !known || inBuild(v.build, n) && !inBuild(v.build, v.paths[full]) {
			v.paths[full] = n
		}
	}
}

// hub writes out the registry that docker adds to a name.
func hub(path string) string {
	host, _, _ := strings.Cut(path, "/")
	if strings.ContainsAny(host, ".:") || host == "localhost" {
		return path
	}
	return "docker.io/" + path
}

// dockerfile parses a Dockerfile; nil when it cannot be, which is told later,
// when the definitions are read back.
func (p *planner) dockerfile(name string) *dockerfile.File {
	if d, done := p.dockerfiles[name]; done {
		return d
	}
	var d *dockerfile.File
	if src, err := fact.Read(p.fsys, name); err == nil {
		d, _ = dockerfile.Parse(name, src.Text)
	}
	p.dockerfiles[name] = d
	return d
}

// unique leaves out versions that would have the id of another.
func (p *planner) unique() {
	seen := map[string]*version{}
	target := func(v *version) string { return strings.ReplaceAll(v.id(), ".", "_") } // bake has no dots
	p.versions = slices.DeleteFunc(p.versions, func(v *version) bool {
		first, taken := seen[target(v)]
		if taken && v.repo != first.repo { // then by the name of its repository
			p.note(fact.Note{
				Range: v.build.Range, Kind: fact.Renamed,
				Text: fmt.Sprintf("%s is %s in definitions: %s is taken", v.image.names[0].id(),
					toKey(v.repo)+"-"+v.name, v.id()),
			})
			v.key = cmp.Or(toKey(v.repo), v.key)
			first, taken = seen[target(v)]
		}
		if taken {
			p.Fail(fact.RuleInexpressible, v.build.Range,
				fmt.Sprintf("%s and %s would both be %s", v.image.names[0].id(), first.image.names[0].id(), v.id()),
				fmt.Sprintf("The other is at %s. This one is left out; give one of them another folder or name.",
					diag.Place(first.build.Range)), first.build.Range)
			return true
		}
		seen[target(v)] = v
		return false
	})
}
