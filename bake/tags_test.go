package bake_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
)

// repositoryOfTags has versions of one repository, one for each list of tags.
func repositoryOfTags(tb testing.TB, tags ...string) *bake.File {
	tb.Helper()
	var versions strings.Builder
	for i, list := range tags {
		fmt.Fprintf(&versions, "  version \"%d\" { tags = [\"%s\"] }\n", i, strings.ReplaceAll(list, " ", `", "`))
	}
	return load(tb, fstest.MapFS{
		"runbake.hcl":            {Data: []byte("project {\n  registry = \"ghcr.io/acme\"\n}\n")},
		"runtimes/x/runtime.hcl": {Data: []byte("runtime \"x\" {\n  name = \"X\"\n  kind = \"interpreted\"\n" + versions.String() + "}\n")},
		"runtimes/x/Dockerfile":  {Data: []byte("FROM scratch\n")},
	})
}

// TestCheckTags: what stands behind all tags makes no tag that is there
// already, and none that is too long. bake says the same.
func TestCheckTags(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		tags             []string
		suffix, revision string
		good             bool
	}{
		{[]string{"22", "24"}, "-rc1", "0123abc", true},
		{[]string{"22", "22-slim"}, "-slim", "", false},    // 22 would be pushed as 22-slim
		{[]string{"22", "22-slim"}, "", "slim", false},     // as the tag that never moves
		{[]string{"22", "22-a-b"}, "-a", "b", false},       // both together
		{[]string{"22", "22-a"}, "-a", "a", false},         // 22-a-a of 22, and of 22-a
		{[]string{"22", "22-a"}, "-b", "a", true},          // 22-b-a, 22-a-b
		{[]string{"3.1", "3.10"}, "0", "", false},          // 3.1 as 3.10
		{[]string{"3.1", "3.10"}, "", "0", true},           // 3.1-0
		{[]string{"22 22-slim", "24"}, "-slim", "", false}, // another tag of the same image, which means something else
		{[]string{"22", "24-slim"}, "-slim", "", true},
		{[]string{long}, strings.Repeat("y", 28), "", true},
		{[]string{long}, strings.Repeat("y", 29), "", false},
		{[]string{long}, "-rc", strings.Repeat("y", 24), true},
		{[]string{long}, "-rc", strings.Repeat("y", 25), false},
	} {
		f := repositoryOfTags(t, c.tags...)
		src := f.Encode()
		if err := bakecheck.Verify(t.Context(), src, f, nil); err != nil {
			t.Errorf("%v: %v", c.tags, err)
		}
		v := f.Defaults()
		v.TagSuffix, v.Revision = c.suffix, c.revision
		if err := f.CheckTags(v); (err == nil) != c.good {
			t.Errorf("%v, TAG_SUFFIX=%s, REVISION=%s: %v", c.tags, c.suffix, c.revision, err)
		}
		if err := bakecheck.VerifyWith(t.Context(), src, f, v); (err == nil) != c.good {
			t.Errorf("%v, TAG_SUFFIX=%s, REVISION=%s: bake says %v", c.tags, c.suffix, c.revision, err)
		}
	}
}
