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
