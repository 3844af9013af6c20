package catalogue_test

import (
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/catalogue"
)

// TestChecks: what is checked beforehand is judged as it is in a definition.
func TestChecks(t *testing.T) {
	platform := func(name string) hcl.Diagnostics {
		_, diags := catalogue.CheckPlatform(name)
		return diags
	}
	for _, c := range []struct {
		what      string
		check     func(string) hcl.Diagnostics
		good, bad string
		want      string
	}{
		{"key", catalogue.CheckKey, "my-7zip", "my_7zip", `Invalid key "my_7zip"`},
		{"reserved key", catalogue.CheckKey, "tests", "test-a", `"test-a" is a reserved key`},
		{"version", catalogue.CheckVersion, "3.10_rc-1", "3.10/1", `Invalid version "3.10/1"`},
		{"entry point", catalogue.CheckEntrypoint, "index.js", "lib/index.js", `Invalid entry point "lib/index.js"`},
		{"platform", platform, "linux/arm64/v8", "linux/arm46", `Unknown platform "linux/arm46"`},
		{"image", catalogue.CheckImage, "ghcr.io/acme/node:24@sha256:" + zeros, "Node:24", `Invalid image "Node:24"`},
	} {
		t.Run(c.what, func(t *testing.T) {
			if diags := c.check(c.good); len(diags) > 0 {
				t.Errorf("%s: %v", c.good, diags)
			}
			if diags := c.check(c.bad); len(diags) != 1 || diags[0].Summary != c.want {
				t.Errorf("%s: got %v, want %s", c.bad, diags, c.want)
			}
		})
	}
	if name, _ := catalogue.CheckPlatform("linux/arm64/v8"); name != "linux/arm64" {
		t.Errorf("got %s", name)
	}
	if catalogue.CompareVersions("3.9", "3.10") >= 0 || catalogue.CompareVersions("3.10", "3.10") != 0 {
		t.Error("3.9 is not before 3.10")
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
