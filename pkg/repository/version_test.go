package repository_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runbake/runbake/pkg/repository"
)

// TestCheckVersion: a release that the project does not want is refused, at the
// place that says so; what is no release is not.
func TestCheckVersion(t *testing.T) {
	for _, c := range []struct{ wanted, running, want string }{
		{">= 1.2", "v1.2.0", ""},
		{">= 1.2", "v1.3.0-rc.1", ""},
		{">= 1.2, < 2", "v1.1.9", "This is runbake v1.1.9, and the project wants >= 1.2, < 2"},
		{">= 1.2, < 2", "v2.0.0", "This is runbake v2.0.0, and the project wants >= 1.2, < 2"},
		{"~1.4", "v1.5.0", "This is runbake v1.5.0, and the project wants ~1.4"},
		{">= 1.2", "(devel)", ""},
		{">= 1.2", "", ""},
		{">= 1.2", "v0.0.0-20261201120000-0123456789ab", ""},
		{"new", "v1.2.0", `Invalid required_version "new"`},
		{"new", "(devel)", `Invalid required_version "new"`},
		{"", "v1.2.0", `Invalid required_version ""`},
	} {
		r := repository.LoadDefinitions(fstest.MapFS{
			"runbake.hcl":               {Data: []byte("project {\n  registry = \"docker.io/acme\"\n  required_version = \"" + c.wanted + "\"\n}\n")},
			"runtimes/node/runtime.hcl": {Data: []byte("runtime \"node\" {\n  name = \"Node.js\"\n  kind = \"interpreted\"\n  version \"22\" {}\n}\n")},
			"runtimes/node/Dockerfile":  {Data: []byte("FROM scratch\n")},
		})
		r.CheckVersion(c.running)
		var got []string
		for _, d := range r.Diagnostics {
			got = append(got, d.Summary)
			if d.Subject.Filename != "runbake.hcl" || d.Subject.Start.Line != 3 {
				t.Errorf("%s: at %v", d.Summary, d.Subject)
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%q wanted, %q runs: got %q, want %q", c.wanted, c.running, got, c.want)
		}
	}
}
