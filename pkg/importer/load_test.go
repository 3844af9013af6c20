package importer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/importer"
)

// TestWrittenDefinitionsLoad imports scripts and classes that are put together by
// chance of what is unusual: whatever they hold, the definitions that are written
// load, and are no others than the scripts build.
func TestWrittenDefinitionsLoad(t *testing.T) {
	for seed := *repoSeed; seed < *repoSeed+uint64(*repositories); seed++ {
		fsys, names := unusual(rand.New(rand.NewPCG(seed, 2)))
		r := importer.Import(fsys, names, importer.Options{})
		generates(t, seed, fsys, r)
		for _, d := range r.Diagnostics {
			if strings.Contains(d.Detail, "Please report it") {
				t.Errorf("seed %d: %s: %s", seed, d.Summary, d.Detail)
			}
		}
		if t.Failed() {
			t.Logf("%s\n%s", fsys["build.sh"].Data, fsys["Runtimes.php"].Data)
			return
		}
	}
}

// unusual is a repository of names, options and files that few have.
func unusual(rnd *rand.Rand) (fstest.MapFS, []string) {
	one := func(of ...string) string { return of[rnd.IntN(len(of))] }
	fsys := fstest.MapFS{}
	put := func(name, text string) { fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	var script, class strings.Builder
	class.WriteString("<?php\n")
	for n := range 1 + rnd.IntN(6) {
		key := one("a", "test", "default", "bases", "c_sharp", "a-b", "test-x", "1", "node", "deprecated")
		version := one("1", "1.2", "1_2", "2", "latest", "v3-1", "rc.1", "3.10")
		folder := fmt.Sprintf("%s/%s-%s", one("runtimes", "runtimes", "images", "runtimes/deep"), key, version)
		put(folder+"/Dockerfile", one("FROM debian\n", "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nARG A\n",
			"FROM debian AS one\nFROM one AS two\nARG A\n", "nothing\n",
			"FROM acme/a-runtime:1\nCMD [\"tail\"]\n", "FROM debian\nCMD [\"tail\", \"-f\", \"/dev/null\"]\n"))
		put(folder+"/"+one("launch.sh", "build.sh"), "")
		repo := one(key+"-runtime", key, "runtime-for-"+key, "acme-"+key)
		fmt.Fprintf(&script, "docker buildx build -t %s%s:%s", one("", "acme/", "ghcr.io/acme/", "acme/x/"), repo,
			one(version, "latest", "v3-"+version, version))
		for range rnd.IntN(3) {
			fmt.Fprintf(&script, " %s", one("-t acme/shared:latest", "--platform linux/amd64", "--platform linux/amd46",
				"--platform linux/arm/v7,windows/amd64",
				"--build-arg A=1", "--build-arg BASE_IMAGE=debian", "--build-arg 'B C=2'", "--target one",
				"--target none", "--label x=y", "--label 'not a key=${v}'",
				"--build-context c=./runtimes", "--push", "-t acme/"+repo+":latest", "--build-arg A='${version.name}'"))
		}
		fmt.Fprintf(&script, " %s\n", folder)
		if rnd.IntN(2) == 0 {
			run := one("", ", 'acme/"+repo+":"+version+"'", ", 'nowhere:1'", ", '"+repo+":"+version+"'")
			fmt.Fprintf(&class,
				"$r%d = new Runtime('%s', '%s');\n$r%d->addVersion('%s', '%s:%s'%s);\n$this->runtimes['%s'] = $r%d;\n",
				n, one(key, "Test", "B b", ""), one("Name", "", "\"q\" ${x}"), n, one(version, "V 1",
					""), repo, version, run, key, n)
		}
	}
	put("build.sh", script.String())
	put("Runtimes.php", class.String())
	return fsys, []string{"build.sh", "Runtimes.php"}
}

// TestWrittenDefinitionsOfBakeFilesLoad does the same for bake files that are put
// together by chance.
func TestWrittenDefinitionsOfBakeFilesLoad(t *testing.T) {
	for seed := *repoSeed; seed < *repoSeed+uint64(*repositories); seed++ {
		fsys, name := unusualBakeFile(rand.New(rand.NewPCG(seed, 3)))
		r := importer.Import(fsys, []string{name}, importer.Options{})
		generates(t, seed, fsys, r)
		for _, d := range r.Diagnostics {
			if strings.Contains(d.Detail, "Please report it") {
				t.Errorf("seed %d: %s: %s", seed, d.Summary, d.Detail)
			}
		}
		if t.Failed() {
			t.Logf("%s", fsys[name].Data)
			return
		}
	}
}

// unusualBakeFile is a bake file of attributes that few have.
func unusualBakeFile(rnd *rand.Rand) (fstest.MapFS, string) {
	one := func(of ...string) string { return of[rnd.IntN(len(of))] }
	fsys := fstest.MapFS{}
	put := func(name, text string) { fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	var b strings.Builder
	b.WriteString("variable \"TAG\" {\n  default = \"" + one("1", "latest", "", "v3") + "\"\n}\n")
	b.WriteString("target \"parent\" {\n  args = { A = \"parent\" }\n}\n")
	for n := range 1 + rnd.IntN(6) {
		dir := one("app", "runtimes/node-18", "images/1", "base", "test") + one("", "", "-2")
		put(dir+"/Dockerfile", one("FROM debian\n", "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nARG A\n",
			"FROM debian AS one\nFROM one AS two\nARG A\n", "nothing\n", "FROM acme/app:1\nCMD [\"tail\"]\n",
			"FROM debian\nRUN --mount=type=secret,id=s true\n"))
		put(dir+"/"+one("launch.sh", "build.sh"), "")
		fmt.Fprintf(&b, "target \"%s%d\" {\n  context = \"%s\"\n", one("app-", "t_", "Default"), n, dir)
		for _, a := range []string{
			"tags = [\"" + one("", "acme/", "ghcr.io/acme/", "acme/x/y/") + one("app", "node-runtime", "c_sharp", "default", "test") +
				one(":1", ":${TAG}", "", ":1-${TAG}", ":3.10") + "\"]",
			one("args = { A = \"1\" }", "args = { BASE_IMAGE = \"debian\" }", "args = { \"B C\" = \"$${x}\" }", "args = { A = null }",
				"inherits = [\"parent\"]"),
			one("platforms = [\"linux/amd64\"]", "platforms = [\"linux/amd46\", \"linux/arm64\"]", "platforms = []",
				"platforms = [BAKE_LOCAL_PLATFORM]"),
			one("target = \"one\"", "target = \"none\"", "target = \"\"", "target = null"),
			one("labels = { x = \"y\" }", "labels = { \"not a key\" = \"%%{v}\" }", "labels = { a = timestamp() }"),
			one("contexts = { c = \"./app\" }", "contexts = { c = \"nowhere\" }", "contexts = { one = \"app\" }",
				"contexts = { a = \"target:parent\" }", "contexts = { \"acme/app:1\" = \"target:app-0\" }"),
			one("secret = [\"id=s,env=S\"]", "secret = [\"id=s\"]", "secret = [\"type=file,id=a b,src=c d\"]", "ssh = [\"default\", \"k=a,b\"]"),
			one("ulimits = [\"nofile=1:2\", \"NO=3\"]", "shm-size = \"much\"", "extra-hosts = { \"a_b\" = \"1\" }", "network = \"other\""),
			one("entitlements = [\"network.host\", \"some\"]", "cache-to = [\"type=gha\"]", "output = [\"type=registry,compression=odd\"]",
				"attest = [\"type=sbom,disabled=true\"]"),
		} {
			if name, _, _ := strings.Cut(a, " "); name == "tags" && rnd.IntN(8) > 0 || rnd.IntN(4) == 0 {
				b.WriteString("  " + a + "\n")
			}
		}
		b.WriteString("}\n")
	}
	put("docker-bake.hcl", b.String())
	return fsys, "docker-bake.hcl"
}
