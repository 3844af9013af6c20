package epoch

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/catalogue"
)

// TestGiven: the variable is for all images, and nothing but a number of seconds.
func TestGiven(t *testing.T) {
	c := &catalogue.Catalogue{Runtimes: []*catalogue.Runtime{{Versions: []*catalogue.Version{{Target: "a"}, {Target: "b"}}}}}
	times, err := Given("7", c)
	if err != nil || times["a"] != 7 || times["b"] != 7 || len(times) != 2 {
		t.Errorf("got %v, %v", times, err)
	}
	for _, value := range []string{"-1", "1.5", "now"} {
		if _, err := Given(value, c); err == nil || !strings.HasSuffix(err.Error(), "it is a number of seconds since 1970") {
			t.Errorf("%s: got %v", value, err)
		}
	}
}

// TestFromFiles: an image has the time of the image of the repository that it is
// built on, through all of them.
func TestFromFiles(t *testing.T) {
	version := func(target string, needs ...catalogue.Need) *catalogue.Version {
		return &catalogue.Version{Target: target, Needs: needs, Range: hcl.Range{Filename: target + ".hcl"}}
	}
	base := version("base")
	middle := version("middle", catalogue.Need{Version: base, Image: catalogue.Image{Root: true}})
	tools := version("tools")
	top := version("top", catalogue.Need{Version: tools}, catalogue.Need{Version: middle, Image: catalogue.Image{Root: true}})
	c := &catalogue.Catalogue{Runtimes: []*catalogue.Runtime{{Versions: []*catalogue.Version{base, middle, tools, top}}}}
	times := fromFiles(c, map[string]int64{"base.hcl": 1, "middle.hcl": 2, "tools.hcl": 3, "top.hcl": 4})
	for target, want := range map[string]int64{"base": 1, "middle": 1, "tools": 3, "top": 1} {
		if times[target] != want {
			t.Errorf("%s has %d, want %d", target, times[target], want)
		}
	}
}

// TestEarliest: a job has the earliest time of its images, and one of a test alone
// none.
func TestEarliest(t *testing.T) {
	times := Times{"a": 5, "b": 7, "c": 0}
	for targets, want := range map[string]string{"b test-b a": "5", "test-a": "", "c": "0", "": ""} {
		if got := times.Earliest(strings.Fields(targets)); got != want {
			t.Errorf("%q: got %q, want %q", targets, got, want)
		}
	}
}

// TestOutput: an output gets what it has a use for, and keeps what it says itself.
func TestOutput(t *testing.T) {
	for output, want := range map[string]string{
		"type=docker":                         "type=docker,rewrite-timestamp=true,source-date-epoch=7",
		"type=image,push=true":                "type=image,push=true,rewrite-timestamp=true,source-date-epoch=7",
		"type=local,dest=a":                   "type=local,dest=a,source-date-epoch=7",
		"type=oci,rewrite-timestamp=false":    "type=oci,rewrite-timestamp=false,source-date-epoch=7",
		"type=registry,source-date-epoch=123": "type=registry,source-date-epoch=123,rewrite-timestamp=true",
		"type=cacheonly":                      "type=cacheonly",
		"out":                                 "out",
	} {
		if got := Output(output, 7); got != want {
			t.Errorf("%s: got %s, want %s", output, got, want)
		}
	}
}

// TestArguments: a Dockerfile is told its time when it asks for it, unless the
// definition gives one; without times, nothing is said of them.
func TestArguments(t *testing.T) {
	fsys := fstest.MapFS{
		"asks/Dockerfile": {Data: []byte("FROM a\nARG SOURCE_DATE_EPOCH\n")},
		"not/Dockerfile":  {Data: []byte("FROM a\n")},
		"not/other":       {Data: []byte("ARG SOURCE_DATE_EPOCH\nFROM a\n")},
	}
	var builds []bake.Build
	for _, target := range []bake.Target{
		{Name: "asks", Context: "asks"},
		{Name: "not", Context: "not"},
		{Name: "other", Context: "not", Dockerfile: "other"},
		{Name: "given", Context: "asks", Args: map[string]string{Variable: "1"}},
		{Name: "absent", Context: "absent"},
	} {
		builds = append(builds, bake.Build{Target: &target})
	}
	if got := Times(nil).Arguments(fsys, builds); len(got) > 0 {
		t.Errorf("without times: %q", got)
	}
	got := Times{"asks": 1234, "other": 5}.Arguments(fsys, builds)
	if want := []string{"asks.args.SOURCE_DATE_EPOCH=1234", "other.args.SOURCE_DATE_EPOCH=5"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
