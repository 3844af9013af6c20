package catalogue_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// TestAliases: the newest release of each line has its tags, whatever the order in
// which versions are written.
func TestAliases(t *testing.T) {
	fsys := fstest.MapFS{
		"runbake.hcl": {Data: []byte("project {\n  registry = \"r\"\n  aliases = [\"minor\", \"major\", \"latest\"]\n}\n")},
		"runtimes/a/runtime.hcl": {Data: []byte(`
base "a" {
  name = "A"
  version "1.10.0" {}
  version "1.9.3" {}
  version "1.9.10" {}
  version "2.0.0" { deprecated = "2020-01-01" }
  version "2.0.0-rc1" {}
  version "1.8.1" { aliases = ["minor"] }
}
base "b" {
  name = "B"
  tags = ["${version.name}-slim", "v${version.name}", "fixed"]
  version "3.12" {}
}
base "c" {
  name    = "C"
  version "1" {}
  version "1.2.3" {}
  version "latest" {}
}
`)},
	}
	withDefaults(fsys)
	c, diags, _ := resolve(fsys)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, v := range c.Versions() {
		got = append(got, fmt.Sprint(v.ID, " ", v.Tags))
	}
	want := `a-1.8.1 [1.8.1 1.8]
a-1.9.3 [1.9.3]
a-1.9.10 [1.9.10 1.9]
a-1.10.0 [1.10.0 1.10 1 latest]
a-2.0.0 [2.0.0]
a-2.0.0-rc1 [2.0.0-rc1]
b-3.12 [3.12-slim v3.12 fixed 3-slim v3 latest]
c-1 [1]
c-1.2.3 [1.2.3 1.2]
c-latest [latest]`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
