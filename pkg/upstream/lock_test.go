package upstream_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/runbake/runbake/pkg/lock"
	"github.com/runbake/runbake/pkg/upstream"
)

// TestSelect: which images the registries are asked for.
func TestSelect(t *testing.T) {
	const debian, node, tools = "docker.io/library/debian:12", "docker.io/library/node:22", "ghcr.io/acme/tools:1"
	names := []string{debian, node, tools}
	f := &lock.File{Images: []lock.Image{{Name: debian}, {Name: node}}}
	for _, c := range []struct {
		name     string
		patterns []string
		update   bool
		want     []string
		err      string
	}{
		{"what the lock lacks", nil, false, []string{tools}, ""},
		{"all", nil, true, names, ""},
		{"a name in short, and what the lock lacks", []string{"node:22"}, true, []string{node, tools}, ""},
		{"a name in full", []string{debian}, true, []string{debian, tools}, ""},
		{"a name without its tag", []string{"debian"}, true, []string{debian, tools}, ""},
		{"a pattern", []string{"ghcr.io/*/*"}, true, []string{tools}, ""},
		{"a name that is not there", []string{"nod:22"}, true, nil, `no base image "nod:22"; did you mean "node:22"?`},
		{"several that are not there", []string{"x", "yy"}, true, nil, "no base image \"x\"; runbake bases --offline shows all\nno base image \"yy\"; runbake bases --offline shows all"},
		{"no pattern", []string{"["}, true, nil, `"[" is no pattern: syntax error in pattern`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := upstream.Select(f, names, c.patterns, c.update)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %s, %v", strings.Join(got, " "), err)
			}
		})
	}
}
