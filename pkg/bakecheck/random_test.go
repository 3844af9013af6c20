package bakecheck_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing/fstest"
)

// random makes repositories whose definitions are right by construction.
type random struct {
	variable bool // the project has one
	*rand.Rand
	fsys      fstest.MapFS
	platforms []string     // of the project
	bases     []randomBase // made so far, which others can take
}

type randomBase struct {
	key, version string
	platforms    []string
}

func (r *random) chance(percent int) bool { return r.IntN(100) < percent }

func one[T any](r *random, from ...T) T { return from[r.IntN(len(from))] }

// some are at least one of several, in any order.
func some[T any](r *random, from []T) []T {
	list := slices.Clone(from)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:1+r.IntN(len(list))]
}

// oddTexts are what strings of definitions may hold and few do.
var oddTexts = []string{
	"plain", "", "two words", `"quoted" \back\`, "${REGISTRY}", "%{ if true }x%{ endif }", "two\nlines\r\n", "é 漢字 🙂", "a,b=c", "$${x} $$", "#", "//",
	"/*", "EOT", "target:x", "\t", "\u202e", "‘’", "null", "*",
}

// literal is a string in HCL that means the text.
func literal(text string) string {
	quoted := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text)
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range quoted {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String() + `"`
}

func literals(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = literal(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// repository makes one.
func (r *random) repository() fstest.MapFS {
	r.fsys, r.bases = fstest.MapFS{}, nil
	r.platforms = some(r, []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/riscv64", "linux/s390x", "windows/amd64"})
	r.project()
	keys := some(r, []string{"a", "node", "7z", "x-1", "c-plus-plus", "python", "0", "z9", "go-go", "tests"})
	keys = keys[:r.IntN(min(len(keys), 4)+1)] // a mistake shows in few as well as in many
	for i, key := range keys {
		r.block(key, i < len(keys)/2)
	}
	return r.fsys
}

func (r *random) file(name, text string) { r.fsys[name] = &fstest.MapFile{Data: []byte(text)} }

func (r *random) project() {
	var b strings.Builder
	r.variable = r.chance(40)
	fmt.Fprintf(&b, "project {\n  registry  = %q\n", one(r, "docker.io/acme", "ghcr.io/a/b/c", "localhost:5000", "registry.example.org:443/x_y"))
	fmt.Fprintf(&b, "  platforms = %s\n", literals(r.platforms))
	if r.chance(30) {
		b.WriteString("  image = \"all/${runtime.key}\"\n  base_image = \"${runtime.key}\"\n")
	}
	if r.chance(50) && !r.variable {
		fmt.Fprintf(&b, "  labels = { \"org.example.odd\" = %s, id = \"${version.id}\" }\n", literal(one(r, oddTexts...)))
	}
	if r.chance(50) {
		options := one(r, "", "\n    options = { mode = \"min\", image-manifest = \"true\", ignore-error = \"true\" }")
		fmt.Fprintf(&b, "  cache {\n    type = %q%s\n  }\n", one(r, "none", "registry", "gha", "local"), options)
	}
	if r.chance(30) {
		fmt.Fprintf(&b, "  output {\n    options = { compression = %q, oci-mediatypes = \"true\" }\n  }\n", one(r, "zstd", "gzip"))
	}
	if r.chance(50) {
		fmt.Fprintf(&b, "  attest {\n    sbom       = %t\n    provenance = %q\n  }\n", r.chance(50), one(r, "max", "min", "none"))
	}
	if r.variable {
		b.WriteString("  variable \"CHANNEL\" {\n    default = \"stable\"\n")
		if r.chance(50) {
			b.WriteString("    description = \"Which\"\n    pattern = \"[a-z]{3,8}|[0-9]+\"\n")
		}
		b.WriteString("  }\n  labels = { channel = \"${var.CHANNEL}\" }\n")
	}
	r.file("runbake.hcl", b.String()+"}\n")
}

// block makes a runtime or a base with some versions.
func (r *random) block(key string, base bool) {
	var b strings.Builder
	kind := "runtime"
	if base {
		kind = "base"
	}
	fmt.Fprintf(&b, "%s %q {\n  name = %s\n", kind, key, literal(one(r, "Name", "C++", `A "name"`, "${x}", "漢字")))
	var run *randomBase
	switch {
	case base:
	case len(r.bases) > 0 && r.chance(40):
		run = &r.bases[r.IntN(len(r.bases))]
		fmt.Fprintf(&b, "  kind = \"compiled\"\n  run = %s\n", run.reference())
	default:
		b.WriteString("  kind = \"interpreted\"\n")
	}
	if !base && r.chance(60) {
		r.file("tests/"+key+"/main.x", "")
		fmt.Fprintf(&b, "  entrypoint = \"main.x\"\n  fixture = \"tests/%s\"\n", key)
		if r.chance(50) {
			r.file("tests/"+key+"-behaviour/other.x", "")
			fmt.Fprintf(&b, "  behaviour = \"tests/%s-behaviour/other.x\"\n", key)
		}
	}
	r.checks(&b)
	dir := "runtimes/" + key
	r.file(dir+"/Dockerfile", one(r, "", "", "# syntax=docker/dockerfile:1\n")+"ARG BASE=scratch\nFROM "+one(r, "", "", "--platform=$BUILDPLATFORM ")+
		"${BASE} AS one\nARG ODD\nFROM one AS two\nCOPY --from=files / /\nCMD [\"a\"]\n")
	r.file("files/file", "")
	names := some(r, []string{"1", "2", "3.9", "3.10", "18.0", "1.0_rc-1", "latest", "0", "2026.01.1", "10"})
	if len(names) > 1 && r.chance(25) {
		fmt.Fprintf(&b, "  variant \"slim\" {\n    default = %t\n    except  = %s\n    labels  = { variant = \"${variant.name}\" }\n  }\n",
			!base && r.chance(50), literals(some(r, names[1:min(len(names), 4)])))
	}
	for _, name := range names[:min(len(names), 4)] {
		r.version(&b, key, name, base, run)
	}
	r.file(dir+"/runtime.hcl", b.String()+"}\n")
}

// checks are some that an image may be asked.
func (r *random) checks(b *strings.Builder) {
	for i, text := range []string{
		`command = ["a", "${version.id}", ` + literal(one(r, oddTexts...)) + `]`,
		`environment = { A = ` + literal(one(r, oddTexts...)) + ` }` + "\n    " + `command = ["b"]` + "\n    " + `stdout = "^\\Q${version.name}\\E$"`,
		`files = { "/a b" = { exists = false }, "/b" = { mode = "0644", owner = "0:0", content = "x|y" } }`,
		`command = ["server"]` + "\n    " + `serves = { port = 80, path = "/?a=b", status = 404, body = "a", within = "5s" }`,
	} {
		if r.chance(15) {
			fmt.Fprintf(b, "  check \"%d\" {\n    %s\n  }\n", i, text)
		}
	}
}

func (b *randomBase) reference() string {
	if b.key[0] <= '9' { // no identifier in HCL
		return fmt.Sprintf("base[%q][%q]", b.key, b.version)
	}
	return fmt.Sprintf("base.%s[%q]", b.key, b.version)
}

// version makes one, with platforms that all have that it is built on.
func (r *random) version(b *strings.Builder, key, name string, base bool, run *randomBase) {
	fmt.Fprintf(b, "  version %q {\n", name)
	platforms := r.platforms
	if run != nil {
		platforms = run.platforms
	}
	var on *randomBase
	if len(r.bases) > 0 && r.chance(30) {
		on = &r.bases[r.IntN(len(r.bases))]
		platforms = slices.DeleteFunc(slices.Clone(platforms), func(p string) bool { return !slices.Contains(on.platforms, p) })
	}
	switch {
	case len(platforms) == 0: // those two have no platform in common
		platforms, on = run.platforms, nil
	case on != nil:
		fmt.Fprintf(b, "    from = { BASE = %s }\n", on.reference())
	case r.chance(50):
		fmt.Fprintf(b, "    from = { BASE = \"image:%s\" }\n", one(r, "1", "2-slim"))
	}
	if r.chance(60) {
		platforms = some(r, platforms)
	}
	fmt.Fprintf(b, "    platforms = %s\n", literals(platforms))
	if r.chance(25) {
		b.WriteString("    deprecated = \"2020-01-01\"\n")
	}
	if r.variable && r.chance(40) {
		b.WriteString("    args = { ODD = \"$$${var.CHANNEL}$\" }\n    tags = [\"${version.name}\", \"${version.name}-${var.CHANNEL}\"]\n")
	} else if r.chance(40) {
		fmt.Fprintf(b, "    tags = [\"${version.name}\", \"${version.name}-%d\"]\n    args = { ODD = %s }\n", r.IntN(3), literal(one(r, oddTexts...)))
	}
	if r.chance(30) {
		fmt.Fprintf(b, "    labels = { %s = %s }\n", literal(one(r, "own", "id", "a.b/c", "ключ", "org.opencontainers.image.title")), literal(one(r, oddTexts...)))
	}
	if r.chance(30) {
		fmt.Fprintf(b, "    contexts = { files = %q }\n", one(r, "files", "docker-image://alpine:3.20", "docker-image://scratch", "oci-layout://out:1",
			"https://example.com/x.git#v1:sub", "git@example.com:x.git", "https://example.com/${version.id}.tar.gz"))
	}
	if r.chance(10) {
		b.WriteString("    check \"0\" {\n      command = [\"own\"]\n    }\n")
	}
	if r.chance(15) {
		fmt.Fprintf(b, "    registry = %q\n", one(r, "localhost:5000/x", "docker.io", "quay.io/other"))
	}
	if r.chance(10) {
		b.WriteString("    context = \"https://example.com/x.git#main\"\n")
	}
	if r.chance(20) {
		fmt.Fprintf(b, "    target = %q\n", one(r, "one", "two"))
	}
	for _, attribute := range []string{
		`secrets = { b = "env=B_1", "a.x" = "src=keys/a" }`, `ssh = ["default", "deploy=keys/id"]`, `entitlements = ["security.insecure"]`,
		`network = "host"`, `network = "none"`, `extra_hosts = { "mirror.local" = "10.0.0.1", b = "::1" }`, `ulimits = { nofile = "1:2", nproc = "3" }`, `shm_size = "64m"`,
	} {
		if name, _, _ := strings.Cut(attribute, " "); r.chance(8) && !strings.Contains(b.String()[strings.LastIndex(b.String(), "version"):], name+" =") {
			fmt.Fprintf(b, "    %s\n", attribute)
		}
	}
	b.WriteString("  }\n")
	if base {
		r.bases = append(r.bases, randomBase{key, name, platforms})
	}
}
