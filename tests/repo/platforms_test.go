package repo_test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestPlatforms checks the types of the program for every platform that it is
// for, from sources, and of what it is built of the declarations alone:
// compiling buildx six times would take a quarter of an hour. Each system is
// checked with one architecture, and linux/amd64 is what tests are compiled
// for; with RUNBAKE_FULL=1 all are checked.
func TestPlatforms(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	platforms := []string{"darwin/arm64", "windows/amd64"}
	if os.Getenv("RUNBAKE_FULL") == "1" {
		platforms = append(platforms, "darwin/amd64", "linux/amd64", "linux/arm64", "windows/arm64")
	}
	for _, platform := range platforms {
		system, arch, _ := strings.Cut(platform, "/")
		t.Run(platform, func(t *testing.T) { checkTypes(t, system, arch) })
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
