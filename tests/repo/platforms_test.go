package repo_test

import (
	"os"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestPlatforms checks the types of the program for every platform that it is
// for, from sources, and of what it is built of the declarations alone:
// compiling buildx six times would take a quarter of an hour.
func TestPlatforms(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			t.Run(system+"/"+arch, func(t *testing.T) { checkTypes(t, system, arch) })
		}
	}
}

func checkTypes(t *testing.T, system, arch string) {
	t.Helper()
	program, err := packages.Load(&packages.Config{
		Context: t.Context(),
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedDeps | packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo,
		Dir: root,
		Env: append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0"),
	}, "./cmd/...", "./bake/...", "./pkg/...")
	if err != nil {
		t.Fatal(err)
	}
	if len(program) == 0 {
		t.Fatal("no packages")
	}
	// An error of a dependency is one of ours too: it does not compile there.
	packages.Visit(program, nil, func(p *packages.Package) {
		for _, err := range p.Errors {
			t.Error(err)
		}
	})
}
