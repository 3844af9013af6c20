package affected_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/affected"
)

func runner(platform string) string { return "on " + platform }

func TestMatrices(t *testing.T) {
	m := repository()
	edit("runtimes/perl/runtime.hcl", "  fixture", "  platforms = [\"linux/amd64\"]\n  fixture")(m)
	got := affected.Compare(nil, *state(t, m), "because").Matrices(runner)
	var build []string
	for _, r := range got.Build {
		build = append(build, fmt.Sprintf("%s (%s) %s %s", r.Target, r.Targets, r.Platform, r.Runner))
	}
	want := []string{
		"debian-12 (debian-12 perl-5_36) linux/amd64 on linux/amd64",
		"go-1_26 (go-1_26) linux/amd64 on linux/amd64",
		"node-18 (node-18) linux/amd64 on linux/amd64",
		"node-22 (node-22) linux/amd64 on linux/amd64",
		"node-24 (node-24) linux/amd64 on linux/amd64",
		"debian-12 (debian-12) linux/arm64 on linux/arm64",
		"go-1_26 (go-1_26) linux/arm64 on linux/arm64",
		"node-18 (node-18) linux/arm64 on linux/arm64",
		"node-22 (node-22) linux/arm64 on linux/arm64",
		"node-24 (node-24) linux/arm64 on linux/arm64",
	}
	if !slices.Equal(build, want) {
		t.Errorf("build:\n%s", strings.Join(build, "\n"))
	}
	if len(got.Publish) != 6 || len(got.Test) != 9 || got.Test[0].Target != "test-go-1_26" {
		t.Errorf("publish %v, test %v", got.Publish, got.Test)
	}
	// 11 images and 9 tests: bases have none, and the test is with its image.
	if len(got.Jobs) != 11 || got.Jobs[0].Targets != "debian-12" || got.Jobs[1].Targets != "go-1_26 test-go-1_26" || got.Jobs[1].Target != "go-1_26" {
		t.Errorf("jobs %v", got.Jobs)
	}
}

// TestMatricesMany: never more than 256 rows, and nothing left out.
func TestMatricesMany(t *testing.T) {
	for _, n := range []int{1, 128, 129, 256, 257, 1000} {
		m := repository()
		var b strings.Builder
		b.WriteString("runtime \"many\" {\n  name = \"Many\"\n  kind = \"interpreted\"\n  entrypoint = \"main.pl\"\n  fixture = \"tests/perl\"\n")
		for i := range n {
			fmt.Fprintf(&b, "  version \"%d\" {\n    args = { N = \"%d\" }\n  }\n", i, i)
		}
		b.WriteString("}\n")
		write("runtimes/many/runtime.hcl", b.String())(m)
		write("runtimes/many/Dockerfile", "FROM debian:12\nARG N\n")(m)
		report := affected.Compare(state(t, repository()), *state(t, m), "")
		got := report.Matrices(runner)
		for name, rows := range map[string][]affected.Row{"build": got.Build, "publish": got.Publish, "test": got.Test, "jobs": got.Jobs} {
			seen := map[string]int{}
			for _, r := range rows {
				for target := range strings.FieldsSeq(r.Targets) {
					seen[target+" "+r.Platform]++
				}
			}
			platforms := 2
			switch name {
			case "publish":
				platforms = 1
			case "jobs": // an image and a test each
				platforms = 4
			}
			if len(rows) > 256 || len(seen) != n*platforms || slices.Max(slices.Collect(maps.Values(seen))) != 1 {
				t.Errorf("%d versions: %s has %d rows of %d", n, name, len(rows), len(seen))
			}
		}
	}
}
