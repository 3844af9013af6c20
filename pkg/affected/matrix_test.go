package affected_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/affected"
)

func runner(platform string) affected.Labels { return affected.Labels{"on " + platform} }

// TestMatrix: a row for each version and platform, its image with its test; bases
// have none.
func TestMatrix(t *testing.T) {
	m := repository()
	edit("runtimes/perl/runtime.hcl", "  fixture", "  platforms = [\"linux/amd64\"]\n  fixture")(m)
	report := affected.Compare(nil, *state(t, m), "because")
	var got []string
	for _, r := range report.Matrix(runner) {
		got = append(got, fmt.Sprintf("%s (%s) %s %s", r.Target, r.Targets, r.Platform, strings.Join(r.Runner, "+")))
	}
	want := []string{
		"debian-12 (debian-12) linux/amd64 on linux/amd64",
		"go-1_26 (go-1_26 test-go-1_26) linux/amd64 on linux/amd64",
		"node-18 (node-18 test-node-18) linux/amd64 on linux/amd64",
		"node-22 (node-22 test-node-22) linux/amd64 on linux/amd64",
		"node-24 (node-24 test-node-24) linux/amd64 on linux/amd64",
		"perl-5_36 (perl-5_36 test-perl-5_36) linux/amd64 on linux/amd64",
		"debian-12 (debian-12) linux/arm64 on linux/arm64",
		"go-1_26 (go-1_26 test-go-1_26) linux/arm64 on linux/arm64",
		"node-18 (node-18 test-node-18) linux/arm64 on linux/arm64",
		"node-22 (node-22 test-node-22) linux/arm64 on linux/arm64",
		"node-24 (node-24 test-node-24) linux/arm64 on linux/arm64",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// TestMatrixMany: never more than 256 rows, and nothing left out; without a limit,
// a row for each version and platform.
func TestMatrixMany(t *testing.T) {
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
		rows := report.Matrix(runner)
		seen := map[string]int{}
		for _, r := range rows {
			for target := range strings.FieldsSeq(r.Targets) {
				seen[target+" "+r.Platform]++
			}
		}
		// An image and a test, for two platforms.
		if len(rows) > 256 || len(seen) != 4*n || slices.Max(slices.Collect(maps.Values(seen))) != 1 {
			t.Errorf("%d versions: %d rows of %d", n, len(rows), len(seen))
		}
		if jobs := report.Jobs(); len(jobs) != 2*n {
			t.Errorf("%d versions: %d jobs", n, len(jobs))
		}
	}
}

// TestLabels: one label is a string, and several are a list: runs-on takes both.
func TestLabels(t *testing.T) {
	for want, labels := range map[string]affected.Labels{
		`{"target":"a","targets":"a"}`:                                nil,
		`{"target":"a","targets":"a","runner":"arm"}`:                 {"arm"},
		`{"target":"a","targets":"a","runner":["self-hosted","arm"]}`: {"self-hosted", "arm"},
	} {
		got, err := json.Marshal(affected.Row{Target: "a", Targets: "a", Runner: labels})
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}
