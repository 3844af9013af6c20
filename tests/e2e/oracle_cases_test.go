package e2e_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/catalogue"
	definitions "github.com/runbake/runbake/pkg/definition"
)

// oracleCase is a small context with a Dockerfile on scratch, and one change of
// a file. Paths are from the root of the repository; its own have its key.
type oracleCase struct {
	key   string
	files map[string]oracleFile
	what  string // the change, in words
	after map[string]oracleFile
}

// oracleFile is a file, or a link.
type oracleFile struct {
	text string
	mode fs.FileMode
	link bool
}

// oracleMaker makes one case.
type oracleMaker struct {
	*rand.Rand
	key, dir string
	files    map[string]oracleFile
	based    bool // on a base of its own, with ONBUILD
}

func newOracleCase(seed uint64, n int) oracleCase {
	m := &oracleMaker{Rand: rand.New(rand.NewPCG(seed, uint64(n))), key: fmt.Sprintf("c%05d", n), files: map[string]oracleFile{}} //nolint:gosec // chance, not secrets
	m.dir = "runtimes/" + m.key
	m.context()
	m.ignoreFiles()
	m.dockerfile()
	m.definition()
	c := oracleCase{key: m.key, files: m.files}
	c.what, c.after = m.change()
	return c
}

func (m *oracleMaker) put(name, text string) {
	m.files[name] = oracleFile{text: text, mode: 0o644}
}

func (m *oracleMaker) chance(percent int) bool { return m.IntN(100) < percent }

func (m *oracleMaker) one(of ...string) string { return of[m.IntN(len(of))] }

// some are a few different ones.
func (m *oracleMaker) some(most int, of ...string) []string {
	list := slices.Clone(of)
	m.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:1+m.IntN(min(most, len(list)))]
}

func (m *oracleMaker) context() {
	for _, name := range []string{"a.txt", "b.txt", "dir/c.txt", "dir/sub/d.txt", "dir/e.md", "f.md", "run.sh", "other/g.txt"} {
		if m.chance(96) {
			m.put(m.dir+"/"+name, name)
		}
	}
	for _, link := range [][2]string{
		{"l1", "a.txt"}, {"l2", "dir"}, {"l3", "../../common/" + m.key + "/a.txt"}, {"dir/l4", "../b.txt"}, {"l5", "nowhere"}, {"l6", "/dir/c.txt"}, {"dir/l7", "l8"}, {"dir/l8", "sub"},
	} {
		likely := 60
		if link[0] == "l3" || link[0] == "l5" { // a wildcard that finds them fails the build
			likely = 20
		}
		if m.chance(likely) {
			m.files[m.dir+"/"+link[0]] = oracleFile{text: link[1], link: true}
		}
	}
	m.put("common/"+m.key+"/c1", "c1")
	m.put("common/"+m.key+"/sub/c2", "c2")
	m.put("common/"+m.key+"/a.txt", "shared")
	m.put("common/"+m.key+"/ignore", m.one("a.txt\n", "dir\n", "*\n"))
}

// ignoreFiles are files, links inside of the context, and links out of it.
func (m *oracleMaker) ignoreFiles() {
	for _, name := range []string{m.dir + "/.dockerignore", m.dir + "/Dockerfile.dockerignore", "common/" + m.key + "/.dockerignore"} {
		if !m.chance(12) {
			continue
		}
		lines := m.some(4, "*.md", "dir", "**/d.txt", "!dir/c.txt", "a.txt", "l*", "*", "!b.txt", "dir/**/*.md", "# a comment", "other/", "c1", "/f.md", "**/sub")
		text := strings.Join(lines, "\n") + "\n"
		switch {
		case m.chance(70):
			m.put(name, text)
		case m.chance(50):
			m.put(path.Dir(name)+"/ignored", text)
			m.files[name] = oracleFile{text: "ignored", link: true}
		default:
			m.files[name] = oracleFile{text: "../../common/" + m.key + "/ignore", link: true}
		}
	}
}

// instruction takes something; n keeps destinations apart, most of the time.
func (m *oracleMaker) instruction(n int) string {
	to := fmt.Sprintf("/%d/", n)
	if m.chance(10) {
		to = "/0/"
	}
	source := func() string {
		if m.chance(15) { // which are there some of the time
			return m.one("l1", "l2", "l2/c.txt", "l3", "dir/l4", "l6", "dir/l7/d.txt")
		}
		return m.one("a.txt", "b.txt", "dir", "dir/", ".", "dir/c.txt", "dir/sub", "*.txt", "*.md", "dir/*", "run.sh", "../a.txt", "/b.txt", "other", "d?r", "nothing*", "./dir/../a.txt", "l*", "**")
	}
	switch m.IntN(12) {
	case 0:
		return fmt.Sprintf("COPY %s %s %s", source(), source(), to)
	case 1:
		return fmt.Sprintf("ADD %s %s", source(), to)
	case 2:
		return fmt.Sprintf("COPY --link %s %s", source(), to)
	case 3:
		return fmt.Sprintf("COPY --exclude=%s %s %s", m.one("*.md", "**/d.txt", "sub"), source(), to)
	case 4:
		return fmt.Sprintf("COPY --parents %s %s", m.one("dir/sub/d.txt", "dir/./sub", "**/*.txt", "dir/*/d.txt", "."), to)
	case 5:
		return fmt.Sprintf("COPY --chmod=%s %s %s", m.one("0755", "600", "u+x"), source(), to)
	case 6:
		return fmt.Sprintf("COPY a.txt <<end %s\ndir/c.txt\nend", to)
	case 7:
		return fmt.Sprintf("ARG F=%s\nCOPY ${F} %s", m.one("a.txt", "dir"), to)
	case 8:
		return fmt.Sprintf("ENV G=%s\nCOPY $G/sub %s", m.one("dir", "l2"), to)
	case 9:
		return fmt.Sprintf("COPY --from=common %s %s", m.one("c1", "sub", ".", "sub/../c1", "c*"), to)
	}
	return fmt.Sprintf("COPY %s %s", source(), to)
}

func (m *oracleMaker) instructions(from, most int) string {
	var b strings.Builder
	for i := range 1 + m.IntN(most) {
		b.WriteString(m.instruction(from+i) + "\n")
	}
	return b.String()
}

func (m *oracleMaker) dockerfile() {
	var b strings.Builder
	last := "FROM scratch\n"
	switch m.IntN(6) {
	case 0:
		b.WriteString("FROM scratch AS first\n" + m.instructions(10, 3))
		last += "COPY --from=first / /first/\n"
	case 1:
		b.WriteString("FROM scratch AS unused\n" + m.instructions(10, 2))
	case 2:
		b.WriteString("FROM scratch AS below\n" + m.instructions(10, 2))
		for range 1 + m.IntN(2) {
			b.WriteString("ONBUILD " + m.one("COPY a.txt /on/", "COPY dir /on/dir", "ADD *.md /on/md/", "COPY --from=common c1 /on/") + "\n")
		}
		last = "FROM below\n"
	case 3:
		m.based = true
		b.WriteString("ARG BASE\n")
		last = "FROM ${BASE}\n"
	}
	b.WriteString(last)
	if !m.based || m.chance(60) {
		b.WriteString(m.instructions(0, 4))
	}
	name := "Dockerfile"
	if m.chance(10) {
		m.put(m.dir+"/Dockerfile.real", b.String())
		m.files[m.dir+"/Dockerfile"] = oracleFile{text: "Dockerfile.real", link: true}
		return
	}
	m.put(m.dir+"/"+name, b.String())
}

func (m *oracleMaker) definition() {
	from := ""
	if m.based {
		from = fmt.Sprintf("  from = { BASE = base.%sb[\"1\"] }\n", m.key)
		dir := m.dir + "b"
		m.put(dir+"/runtime.hcl", fmt.Sprintf("base %q {\n  name = \"Base\"\n  version \"1\" {}\n}\n", m.key+"b"))
		m.put(dir+"/marker", "marker")
		m.put(dir+"/Dockerfile", "FROM scratch\nCOPY marker /marker\n"+
			strings.Join(m.some(2, "ONBUILD COPY a.txt /on/", "ONBUILD COPY dir/sub /on/sub/", "ONBUILD ADD *.md /on/", "ONBUILD ENV X=y"), "\n")+"\n")
	}
	m.put(m.dir+"/runtime.hcl", fmt.Sprintf("base %q {\n  name = \"Case\"\n%s  contexts = { common = \"common/%s\" }\n  version \"1\" {}\n}\n", m.key, from, m.key))
}

// change changes one thing that is no definition.
func (m *oracleMaker) change() (string, map[string]oracleFile) {
	after := map[string]oracleFile{}
	var names []string
	for name, f := range m.files {
		after[name] = f
		if base := path.Base(name); base != "runtime.hcl" && !strings.HasPrefix(base, "Dockerfile") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if m.chance(75) { // most changes are in the context
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, m.dir+"/") })
	}
	name := names[m.IntN(len(names))]
	f := after[name]
	switch {
	case m.chance(10):
		name = m.dir + "/" + m.one("new.txt", "dir/new.md", "dir/sub/new", "brand/new.txt", "nothing-new")
		after[name] = oracleFile{text: "new", mode: 0o644}
		return name + " added", after
	case m.chance(15):
		delete(after, name)
		return name + " removed", after
	case f.link:
		f.text = m.one("b.txt", "dir/sub", "nowhere", "/a.txt")
		after[name] = f
		return name + " leads to " + f.text, after
	case m.chance(18): // 15 in 100 of all
		f.mode ^= 0o111
		after[name] = f
		return name + " has another mode", after
	}
	f.text = m.one("changed\n", "dir\n", "*\n!a.txt\n", "")
	after[name] = f
	return fmt.Sprintf("%s is %q", name, f.text), after
}

// lay writes the files of a case over what is there, and removes what is not in
// it.
func (c oracleCase) lay(t *testing.T, dir string, before, now map[string]oracleFile) {
	t.Helper()
	for name := range before {
		if _, stays := now[name]; !stays || before[name] != now[name] {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, f := range now {
		if before != nil && before[name] == f {
			continue
		}
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil { //nolint:gosec // BuildKit reads it
			t.Fatal(err)
		}
		if f.link {
			if err := os.Symlink(f.text, full); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(t, full, f.text)
		if err := os.Chmod(full, f.mode); err != nil {
			t.Fatal(err)
		}
	}
}

// layAll writes a repository of cases.
func layAll(t *testing.T, dir string, cases []oracleCase) {
	t.Helper()
	write(t, filepath.Join(dir, "runbake.hcl"), `project {
  registry  = "registry.example/oracle"
  platforms = ["linux/amd64"]
  attest {
    sbom       = false
    provenance = "none"
  }
}
`)
	for _, c := range cases {
		c.lay(t, dir, nil, c.files)
	}
}

// TestOracleCases: the repositories of the oracle can be loaded, before their
// changes and after, and they are the same ones every time.
func TestOracleCases(t *testing.T) {
	dir := t.TempDir()
	var cases []oracleCase
	for n := range 300 {
		c := newOracleCase(1, n)
		if again := newOracleCase(1, n); c.what != again.what || len(c.files) != len(again.files) {
			t.Fatalf("case %d is another one the second time: %s, %s", n, c.what, again.what)
		}
		cases = append(cases, c)
	}
	load := func() {
		t.Helper()
		fsys := os.DirFS(dir)
		set, diags := definitions.Load(fsys)
		_, more := catalogue.Resolve(set, fsys)
		for _, d := range append(diags, more...) {
			t.Error(d)
		}
	}
	layAll(t, dir, cases)
	load()
	for _, c := range cases {
		c.lay(t, dir, c.files, c.after)
	}
	load()
}
