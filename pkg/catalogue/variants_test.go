package catalogue_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestVariants: each version has an image for each variant, in which the variant
// lies over the version, and what the version says of the variant over that.
func TestVariants(t *testing.T) {
	fsys := fstest.MapFS{
		"runbake.hcl": {Data: []byte(`
project {
  registry = "r"
  aliases  = ["major", "latest"]

  variable "CHANNEL" {
    default = "stable"
  }
}
`)},
		"runtimes/node/runtime.hcl": {Data: []byte(`
base "node" {
  name   = "Node.js"
  from   = { BASE_IMAGE = "node:${version.name}" }
  args   = { VARIANT = "${variant.name}", LEVEL = "runtime" }
  labels = { "a.id" = "${version.id}" }

  variant "alpine" {
    from   = { BASE_IMAGE = "node:${version.name}-${variant.name}" }
    args   = { LEVEL = "variant" }
    except = ["18"]
  }
  variant "slim" {
    tags = ["${version.name}-slim", "slim-${version.name}"]
  }

  version "18" {
    deprecated = "2025-04-30"
    args       = { LEVEL = "version" }
  }
  version "20.1" {
    tags = ["${version.name}-${var.CHANNEL}"]
  }
  version "22.0" {
    args = { LEVEL = "version" }

    variant "alpine" {
      args      = { LEVEL = "version's variant" }
      platforms = ["linux/amd64"]
    }
  }
}
`)},
		"runtimes/node/Dockerfile":             {Data: []byte("ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nARG VARIANT\nARG LEVEL\n")},
		"runtimes/node/22.0/alpine/Dockerfile": {Data: []byte("ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nARG VARIANT\nARG LEVEL\n")},
		"runtimes/php/runtime.hcl": {Data: []byte(`
base "php" {
  name = "PHP"

  variant "cli" {
    default = true
    except  = ["8.2"]
  }
  variant "fpm" {
    context = "runtimes/php"
    tags    = ["${variant.name}${version.name}"]
  }

  version "8.4" {}
  version "8.3" {
    context = "runtimes/php/8.3"
  }
  version "8.2" {}
}
`)},
		"runtimes/php/8.3/Dockerfile":     {Data: []byte("FROM debian\n")},
		"runtimes/php/8.3/cli/Dockerfile": {Data: []byte("FROM debian\n")},
		"runtimes/php/8.3/fpm/Dockerfile": {Data: []byte("FROM debian\n")},
		"runtimes/perl/runtime.hcl": {Data: []byte(`
base "perl" {
  name = "Perl"
  version "5" {
    from = { BASE_IMAGE = base.node["22.0-slim"] }
  }
}
`)},
		"runtimes/perl/Dockerfile": {Data: []byte("ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n")},
	}
	withDefaults(fsys)
	c, diags, _ := resolve(fsys)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var got []string
	for _, v := range c.Versions() {
		line := fmt.Sprint(v.ID, " ", v.Tags, " ", v.Context)
		for _, arg := range slices.Sorted(maps.Keys(v.Args)) {
			line += fmt.Sprintf(" %s=%q", arg, v.Args[arg])
		}
		for _, tag := range slices.Sorted(maps.Keys(v.Texts.Tags)) {
			line += fmt.Sprintf(" %s=%s", tag, v.Texts.Tags[tag].With(strings.ToLower))
		}
		if len(v.Platforms) < 2 {
			line += fmt.Sprint(" ", v.Platforms)
		}
		for _, n := range v.Needs {
			line += " on " + n.Version.ID
		}
		got = append(got, line)
		if id := v.Labels["a.id"]; v.Runtime.Key == "node" && id != v.ID {
			t.Errorf("%s has the label %q", v.ID, id)
		}
		if v.Release()+"-"+v.Variant != v.Name && v.Release() != v.Name {
			t.Errorf("%s: %s of %s", v.ID, v.Variant, v.Release())
		}
	}
	want := `node-18 [18] runtimes/node BASE_IMAGE="node:18" LEVEL="version" VARIANT=""
node-18-slim [18-slim slim-18] runtimes/node BASE_IMAGE="node:18" LEVEL="version" VARIANT="slim"
node-20.1 [20.1-stable 20-stable] runtimes/node BASE_IMAGE="node:20.1" LEVEL="runtime" VARIANT="" 20-stable=20-channel 20.1-stable=20.1-channel
node-20.1-alpine [20.1-stable-alpine 20-stable-alpine] runtimes/node BASE_IMAGE="node:20.1-alpine" LEVEL="variant" VARIANT="alpine" 20-stable-alpine=20-channel-alpine 20.1-stable-alpine=20.1-channel-alpine
node-20.1-slim [20.1-slim slim-20.1 20-slim slim-20] runtimes/node BASE_IMAGE="node:20.1" LEVEL="runtime" VARIANT="slim"
node-22.0 [22.0 22 latest] runtimes/node BASE_IMAGE="node:22.0" LEVEL="version" VARIANT=""
node-22.0-alpine [22.0-alpine 22-alpine alpine] runtimes/node/22.0/alpine BASE_IMAGE="node:22.0-alpine" LEVEL="version's variant" VARIANT="alpine" [linux/amd64]
node-22.0-slim [22.0-slim slim-22.0 22-slim slim-22 slim] runtimes/node BASE_IMAGE="node:22.0" LEVEL="version" VARIANT="slim"
perl-5 [5 latest] runtimes/perl BASE_IMAGE="r/node-base:22.0-slim" on node-22.0-slim
php-8.2 [8.2] runtimes/php
php-8.2-fpm [fpm8.2] runtimes/php
php-8.3-cli [8.3 8.3-cli] runtimes/php/8.3/cli
php-8.3-fpm [fpm8.3] runtimes/php
php-8.4-cli [8.4 8.4-cli 8 8-cli latest cli] runtimes/php
php-8.4-fpm [fpm8.4 fpm8 fpm] runtimes/php`
	for i := range got {
		w := strings.Split(want, "\n")
		if i >= len(w) || got[i] != w[i] {
			t.Errorf("got %s", got[i])
		}
	}
	if len(got) != strings.Count(want, "\n")+1 {
		t.Errorf("%d images", len(got))
	}
	for pattern, ids := range map[string]string{"node-22.0": "node-22.0", "node-22_0-alpine": "node-22.0-alpine", "php-*-cli": "php-8.3-cli php-8.4-cli"} {
		versions, err := c.Select([]string{pattern})
		var names []string
		for _, v := range versions {
			names = append(names, v.ID)
		}
		if err != nil || strings.Join(names, " ") != ids {
			t.Errorf("%s selects %v: %v", pattern, names, err)
		}
	}
}
