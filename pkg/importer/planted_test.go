package importer_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing/fstest"
)

// form is what the images of addVersion mean in a registry class.
type form int

const (
	buildAndRun   form = iota // what builds a function, and what runs it
	upstream                  // what an image is built on, and the image
	upstreamAfter             // the same, with the version of the whole in front of its tag
)

// image is one version of a generated repository, and all that its sources say of
// it. Mistakes change one of these.
type image struct {
	key, version string
	base         bool
	compiled     bool

	pushTag, localTag       string
	pushFolder, localFolder string
	pushFlags, localFlags   string
	title                   string
	inPush, inLocal, twice  bool

	registered                 bool
	registeredAs, run, builtOn string
	supports                   string
	deprecated                 string
	again                      bool

	tested                              bool
	testKey, testOf, entrypoint, folder string
	archive                             string

	dockerfile string
	touched    bool // by a mistake: another one would hide it
}

func (v *image) id() string { return v.key + "-" + v.version }

// language is what versions are made of.
type language struct {
	key, name, entrypoint string
	compiled              bool
	versions              []string
}

var languages = []language{
	{"node", "Node.js", "index.js", false, []string{"14.5", "16.0", "18.0", "22"}},
	{"dart", "Dart", "main.dart", true, []string{"2.15", "2.16", "3.5"}},
	{"php", "PHP", "index.php", false, []string{"8.0", "8.1", "8.3"}},
	{"ruby", "Ruby", "index.rb", false, []string{"3.0", "3.1", "3.3"}},
	{"python", "Python", "main.py", false, []string{"3.9", "3.10", "3.12"}},
	{"rust", "Rust", "main.rs", true, []string{"1.55", "1.83"}},
	{"deno", "Deno", "mod.ts", false, []string{"1.21", "1.46"}},
	{"swift", "Swift", "main.swift", true, []string{"5.5", "5.9"}},
}

// repository is a generated repository of runtimes.
type repository struct {
	rnd     *rand.Rand
	form    form
	prefix  string // of tags
	images  []*image
	slots   map[string]string // key → key in the list, where it is another
	starts  map[string]bool   // keys whose Runtime has a third argument
	push    []string          // lines in front of the script that pushes
	subdir  string            // folder that the scripts stand and run in
	adds    bool              // the class has a method that adds
	renamed map[string]string // folder → the one that is there
}

// generate makes a repository without mistakes.
func generate(rnd *rand.Rand) *repository {
	r := &repository{
		rnd: rnd, form: form(rnd.IntN(3)), slots: map[string]string{}, starts: map[string]bool{},
		renamed: map[string]string{},
	}
	if r.form == upstreamAfter {
		r.prefix = "v3-"
	}
	r.subdir = []string{"", "", "scripts", "runtimes"}[rnd.IntN(4)]
	r.adds = rnd.IntN(2) == 0
	if rnd.IntN(2) == 0 {
		r.push = append(r.push, "[ -x hooks/before.sh ] && ./hooks/before.sh")
	}
	order := rnd.Perm(len(languages))
	for _, at := range order[:3+rnd.IntN(4)] {
		l := languages[at]
		n := min(len(l.versions), 2+rnd.IntN(2))
		for _, version := range l.versions[:n] {
			r.images = append(r.images, r.image(l, version))
		}
	}
	if r.form == buildAndRun {
		b := &image{
			key: "ubuntu", version: "20.04", base: true, title: "Ubuntu 20.04...",
			dockerfile: "FROM ubuntu:20.04\nCMD [\"/usr/local/src/launch.sh\"]\n",
		}
		r.finish(b)
		b.pushTag, b.localTag = "appwrite-ubuntu:20.04", "appwrite-ubuntu:20.04"
		r.images = append(r.images, b)
	}
	return r
}

func (r *repository) image(l language, version string) *image {
	v := &image{
		key: l.key, version: version, compiled: l.compiled && r.form == buildAndRun, entrypoint: l.entrypoint,
		folder: l.key,
	}
	v.title = fmt.Sprintf("%s %s...", l.name, version)
	command := `"/usr/local/src/launch.sh"`
	if v.compiled {
		command = `"tail", "-f", "/dev/null"`
	}
	v.dockerfile = fmt.Sprintf("FROM %s:%s\nCMD [%s]\n", l.key, version, command)
	r.finish(v)
	v.registered, v.tested = true, true
	v.testKey, v.testOf, v.archive = v.id(), v.id(), strings.ReplaceAll(v.id(), ".", "-")+".tar.gz"
	v.builtOn = l.key + ":" + version
	v.registeredAs = v.pushTag
	v.run = v.pushTag
	if v.compiled {
		v.run = "appwrite-ubuntu:20.04"
	}
	v.supports = "[System::X86, System::ARM]"
	return v
}

func (r *repository) finish(v *image) {
	repo := v.key + "-runtime"
	if r.form != buildAndRun {
		repo = "runtime-for-" + v.key
	}
	v.pushTag = repo + ":" + r.prefix + v.version
	v.localTag, v.pushFolder, v.localFolder, v.inPush, v.inLocal = v.pushTag, v.id(), v.id(), true, true
	v.pushFlags = " --platform linux/amd64,linux/arm64"
}

func (r *repository) folder(name string) string {
	switch r.subdir {
	case "":
		return "./runtimes/" + name
	case "runtimes":
		return "./" + name
	}
	return "../runtimes/" + name
}

func (r *repository) scripts() (push, local string) {
	var p, l strings.Builder
	for _, line := range r.push {
		fmt.Fprintln(&p, line)
	}
	for _, v := range r.images {
		if v.inPush {
			fmt.Fprintf(&p, "echo '%s'\ndocker buildx build%s -t acme/%s %s/ --push\n", v.title, v.pushFlags, v.pushTag,
				r.folder(v.pushFolder))
		}
		if v.twice {
			fmt.Fprintf(&p, "docker buildx build%s -t acme/%s %s/ --push\n", v.pushFlags, v.pushTag,
				r.folder(v.pushFolder))
		}
		if v.inLocal {
			fmt.Fprintf(&l, "docker build%s -t acme/%s %s\n", v.localFlags, v.localTag, r.folder(v.localFolder))
		}
	}
	return p.String(), l.String()
}

// class is the registry class.
func (r *repository) class() string {
	var b strings.Builder
	b.WriteString("<?php\nclass Runtimes\n{\n    public function __construct(string $version = '')\n    {\n" +
		"        $this->version = $version;\n")
	for _, l := range languages {
		var own []*image
		for _, v := range r.images {
			if v.key == l.key && v.registered {
				own = append(own, v)
			}
		}
		if len(own) == 0 {
			continue
		}
		third := ""
		if r.starts[l.key] {
			third = ", 'sh start.sh'"
		}
		fmt.Fprintf(&b, "        $%s = new Runtime('%s', '%s'%s);\n", l.key, l.key, l.name, third)
		for _, v := range own {
			r.entry(&b, v)
			if v.again {
				r.entry(&b, v)
			}
		}
		slot := l.key
		if s := r.slots[l.key]; s != "" {
			slot = s
		}
		if r.adds && slot == l.key {
			fmt.Fprintf(&b, "        $this->add($%s);\n", l.key)
		} else {
			fmt.Fprintf(&b, "        $this->runtimes['%s'] = $%s;\n", slot, l.key)
		}
	}
	b.WriteString("    }\n" +
		"    public function add(Runtime $runtime): void { $this->runtimes[$runtime->getKey()] = $runtime; }\n}\n")
	return b.String()
}

func (r *repository) entry(b *strings.Builder, v *image) {
	first, second := "'"+v.registeredAs+"'", "'"+v.run+"'"
	if r.form != buildAndRun {
		first, second = "'"+v.builtOn+"'", "'acme/"+v.registeredAs+"'"
	}
	if r.form == upstreamAfter {
		repo, tag, _ := strings.Cut(v.registeredAs, ":")
		second = fmt.Sprintf("'acme/%s:' . $this->version . '-%s'", repo, strings.TrimPrefix(tag, r.prefix))
	}
	args := []string{"'" + v.version + "'", first}
	if v.run != "" || r.form != buildAndRun {
		args = append(args, second)
	}
	if v.supports != "" && len(args) == 3 {
		args = append(args, v.supports)
	}
	if v.deprecated != "" {
		args = append(args, v.deprecated)
	}
	fmt.Fprintf(b, "        $%s->addVersion(%s);\n", v.key, strings.Join(args, ", "))
}

// table is the table of tests.
func (r *repository) table() string {
	var b strings.Builder
	b.WriteString("<?php\nclass RuntimesTest extends TestCase\n{\n    public function setUp(): void\n    {\n" +
		"        $functionsDir = getenv('CURRENT_DIR') . '/tests/resources';\n        $this->tests = [\n")
	for _, v := range r.images {
		if v.tested {
			fmt.Fprintf(&b,
				"            '%s' => [\n                'code' => $functionsDir . '/%s.tar.gz',\n"+
					"                'entrypoint' => '%s',\n                'timeout' => 15,\n"+
					"                'runtime' => '%s',\n                'tarname' => '%s',\n            ],\n",
				v.testKey, v.folder, v.entrypoint, v.testOf, v.archive)
		}
	}
	b.WriteString("        ];\n    }\n}\n")
	return b.String()
}

// files are those of the repository, and what is imported.
func (r *repository) files() (fstest.MapFS, []string) {
	fsys := fstest.MapFS{}
	write := func(name, text string) { fsys[path.Clean(name)] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	push, local := r.scripts()
	write(path.Join(r.subdir, "build.sh"), push)
	write(path.Join(r.subdir, "buildLocalOnly.sh"), local)
	write("src/Runtimes.php", r.class())
	write("tests/RuntimesTest.php", r.table())
	for _, l := range languages {
		write("tests/resources/"+l.key+"/"+l.entrypoint, "x")
	}
	for _, v := range r.images {
		dir := "runtimes/" + v.id()
		if to := r.renamed[v.id()]; to != "" {
			dir = to
		}
		write(dir+"/Dockerfile", v.dockerfile)
		write(dir+"/launch.sh", "")
		if !v.base {
			write(dir+"/build.sh", "")
		}
	}
	return fsys, []string{
		path.Join(r.subdir, "build.sh"), path.Join(r.subdir, "buildLocalOnly.sh"), "src/Runtimes.php",
		"tests/RuntimesTest.php",
	}
}

// pick is a version that nothing has been planted in, nor in what a mistake may
// touch of its siblings; nil if there is none.
func (r *repository) pick(good func(*image) bool) *image {
	for _, at := range r.rnd.Perm(len(r.images)) {
		v := r.images[at]
		if v.base || v.touched || !good(v) {
			continue
		}
		v.touched = true
		return v
	}
	return nil
}

// sibling is another version of a runtime that nothing has been planted in.
func (r *repository) sibling(v *image) *image {
	at := slices.IndexFunc(r.images, func(o *image) bool { return o != v && o.key == v.key && !o.touched })
	if at < 0 {
		return nil
	}
	return r.images[at]
}
