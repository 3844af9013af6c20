package bakecheck_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	buildxbake "github.com/docker/buildx/bake"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/catalogue"
)

// texts are what a bake file may say in which no block reads another: functions
// and variables of all kinds, and each kind of attribute.
var texts = map[string]string{
	"nothing":                    "",
	"functions in functions":     function("f", "[a]", `"<${g(a, "x")}>"`) + function("g", "[a, b]", `upper("${a}${b}")`) + args(`f("y")`),
	"any number of arguments":    "function \"f\" {\n  params = [a]\n  variadic_params = rest\n  result = \"${a}:${join(\",\", rest)}\"\n}\n" + args(`f("1", "2", "3")`),
	"none of them":               "function \"f\" {\n  params = []\n  variadic_params = rest\n  result = length(rest)\n}\n" + args(`f()`),
	"a name of the library":      function("upper", "[a]", `"mine"`) + args(`upper("x")`),
	"a branch not taken":         function("f", "[a]", `a ? "yes" : "no"`) + args(`f(true)`),
	"branches of two types":      function("f", "[a]", `a ? ["x"] : []`) + args(`join("", f(true))`),
	"types by value":             function("f", "[a]", `a == "l" ? jsonencode([1]) : a`) + args(`f("l")`),
	"a number":                   function("f", "[a]", `a + 1`) + args(`f(41)`),
	"null for an argument":       function("f", "[a]", `a`) + args(`f(null)`),
	"null as a result":           function("f", "[a]", `null`) + args(`f("x")`),
	"an argument too few":        function("f", "[a, b]", `a`) + args(`f("x")`),
	"an argument too many":       function("f", "[a]", `a`) + args(`f("x", "y")`),
	"a function that is nowhere": args(`f("x")`),
	"a function of itself":       function("f", "[a]", `f(a)`) + args(`f("x")`),
	"a function that fails":      function("f", "[a]", `a.b.c`) + args(`f("x")`),
	"names that hide others":     "variable \"a\" {\n  default = \"outer\"\n}\n" + function("f", "[a]", `"${a}"`) + args(`"${f("inner")}${a}"`),
	"a parameter called target":  function("f", "[target, group]", `"${target}${group}"`) + args(`f("x", "y")`),
	"splats":                     function("f", "[a]", `join(",", a[*].b)`) + args(`f([{ b = "1" }, { b = "2" }])`),
	"a value at the top":         "_a = \"${B}x\"\nvariable \"B\" {\n  default = \"b\"\n}\n" + args(`_a`),
	"a value of itself":          "_a = \"${_a}x\"\n" + args(`_a`),
	"a value that is nowhere":    args(`_a`),
	"variables with types":       "variable \"B\" {\n  type = bool\n  default = true\n}\nvariable \"L\" {\n  type = list(string)\n  default = [\"a\"]\n}\n" + args(`"${B}${L[0]}"`),
	"a default of another type":  "variable \"B\" {\n  type = bool\n  default = \"maybe\"\n}\n" + args(`B`),
	"a variable that is set":     "variable \"SET\" {\n  default = \"no\"\n}\n" + args(`SET`),
	"set, and not allowed":       "variable \"SET\" {\n  validation {\n    condition = SET == \"no\"\n    error_message = \"It is no.\"\n  }\n}\n" + args(`SET`),
	"a variable without default": "variable \"N\" {\n}\n" + args(`"<${N}>"`),
	"what bake sets":             args(`"${BAKE_CMD_CONTEXT} ${BAKE_LOCAL_PLATFORM}"`),
	"a parent, and its parent":   "target \"t\" {\n  inherits = [\"p\"]\n  args = { A = 1 }\n}\ntarget \"p\" {\n  inherits = [\"q\"]\n  args = { A = 2, B = 2 }\n}\ntarget \"q\" {\n  args = { C = 3 }\n  tags = [\"x\"]\n}\n",
	"a parent of itself":         "target \"t\" {\n  inherits = [\"t\"]\n}\n",
	"a parent that is nowhere":   "target \"t\" {\n  inherits = [\"p\"]\n}\n",
	"groups":                     "group \"g\" {\n  targets = concat([\"t\"], [\"t\", \"u\"])\n}\ntarget \"t\" {\n}\ntarget \"u\" {\n}\n",
	"a heredoc":                  "target \"t\" {\n  dockerfile-inline = <<EOT\ntarget \"x\" {\n}\nEOT\n}\n",
	"many attributes": `target "t" {
  description  = "d"
  context      = "c"
  contexts     = { a = "b", "" = "x", none = "" }
  dockerfile   = ""
  target       = "s"
  platforms    = ["linux/amd64", "linux/amd64"]
  labels       = { a = null, b = 1 }
  annotations  = ["index:a=b", "index:a=b"]
  attest       = ["type=sbom", { type = "provenance", mode = "max" }, "type=provenance,disabled=true"]
  cache-from   = ["type=gha,scope=a", { type = "registry", ref = "r" }]
  cache-to     = ["user/app:cache"]
  output       = [{ type = "image", push = "true" }]
  secret       = ["id=a,env=B", { id = "c", src = "d" }]
  ssh          = ["default"]
  network      = "host"
  entitlements = ["security.insecure"]
  extra-hosts  = { a = "127.0.0.1" }
  ulimits      = ["nofile=1:2"]
  shm-size     = "1g"
  no-cache     = true
  pull         = "true"
}
`,
	"an attribute of a wrong type":   "target \"t\" {\n  tags = { a = \"b\" }\n}\n",
	"another one":                    "target \"t\" {\n  no-cache = \"sometimes\"\n}\n",
	"an export that is none":         "target \"t\" {\n  output = [\"type\"]\n}\n",
	"a cache that is none":           "target \"t\" {\n  cache-to = [{ ref = \"x\" }]\n}\n",
	"a null in a list":               "target \"t\" {\n  tags = [\"a\", null]\n}\n",
	"a name that bake does not take": "target \"a.b\" {\n}\n",
	"no name":                        "target \"\" {\n}\n",
	"a name of a group, not taken":   "group \"a b\" {\n  targets = []\n}\n",
	"a name of many letters":         "target \"_A-z0\" {\n}\n",
	"a name in another alphabet":     "target \"é\" {\n}\n",
	"a name with a line behind":      "target \"a\\n\" {\n}\n",
}

func function(name, params, result string) string {
	return fmt.Sprintf("function %q {\n  params = %s\n  result = %s\n}\n", name, params, result)
}

func args(value string) string { return "target \"t\" {\n  args = { A = " + value + " }\n}\n" }

// TestRead holds the reading of parts against bake's own of the whole: what bake
// takes is read the same, and what it refuses is refused.
func TestRead(t *testing.T) {
	t.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1")
	vars := map[string]string{"SET": "yes"}
	builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": "linux/amd64"}
	for name, src := range texts {
		t.Run(name, func(t *testing.T) {
			want, _, wantErr := buildxbake.ParseFiles([]buildxbake.File{{Name: bake.FileName, Data: []byte(src)}}, builtin, vars)
			got, err := bakecheck.Read([]byte(src), vars)
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("bake says %v, parts say %v", wantErr, err)
			}
			if err != nil {
				return
			}
			if w, g := resolved(t, want), resolved(t, got); w != g {
				t.Errorf("bake reads\n%s\nparts\n%s", w, g)
			}
		})
	}
}

// resolved is a configuration as text, each target with what it inherits.
func resolved(t *testing.T, c *buildxbake.Config) string {
	t.Helper()
	var b strings.Builder
	for _, g := range c.Groups {
		fmt.Fprintf(&b, "group %s: %q %s\n", g.Name, g.Targets, g.Description)
	}
	for _, each := range c.Targets {
		target, err := c.ResolveTarget(each.Name, nil, &buildxbake.EntitlementConf{})
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", each.Name, err)
			continue
		}
		data, err := json.Marshal(target)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s: %s\n", each.Name, data)
	}
	return b.String()
}

// TestReadExample: the same of what is emitted.
func TestReadExample(t *testing.T) {
	t.Setenv("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "1")
	builtin := map[string]string{"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": "linux/amd64"}
	src := example().Encode()
	for _, vars := range []map[string]string{
		nil,
		{"LOCAL": "1"},
		{"BY_DIGEST": "1", "REVISION": "abc"},
		{"CACHE": "gha", "TAG_SUFFIX": "-x"},
		{"CACHE": "local", "PLATFORM": "linux/arm64"},
		{"CACHE": "registry", "REGISTRY": ""},
		{"PLATFORM": "linux/aarch64"},
	} {
		want, _, err := buildxbake.ParseFiles([]buildxbake.File{{Name: bake.FileName, Data: src}}, builtin, vars)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bakecheck.Read(src, vars)
		if err != nil {
			t.Fatal(err)
		}
		if w, g := resolved(t, want), resolved(t, got); w != g {
			t.Errorf("%v: bake reads\n%s\nparts\n%s", vars, w, g)
		}
	}
}

// TestLinks holds what is said of contexts that are targets against bake.
func TestLinks(t *testing.T) {
	type build struct{ contexts, platforms, entitlements []string }
	both, one := []string{"linux/amd64", "linux/arm64"}, []string{"linux/amd64"}
	for name, builds := range map[string]map[string]build{
		"nothing":                {"a": {}},
		"one of another":         {"a": {contexts: []string{"b"}}, "b": {}},
		"a chain":                {"a": {contexts: []string{"b"}}, "b": {contexts: []string{"c"}}, "c": {}},
		"two of one":             {"a": {contexts: []string{"b", "c"}}, "b": {contexts: []string{"d"}}, "c": {contexts: []string{"d"}}, "d": {}},
		"itself":                 {"a": {contexts: []string{"a"}}},
		"a circle":               {"a": {contexts: []string{"b"}}, "b": {contexts: []string{"a"}}},
		"a circle of others":     {"a": {contexts: []string{"b"}}, "b": {contexts: []string{"c"}}, "c": {contexts: []string{"b"}}},
		"one that is nowhere":    {"a": {contexts: []string{"b"}}},
		"the same platforms":     {"a": {[]string{"b"}, both, nil}, "b": {nil, both, nil}},
		"fewer platforms":        {"a": {[]string{"b"}, both, nil}, "b": {nil, []string{"linux/amd64", "linux/s390x"}, nil}},
		"one platform":           {"a": {[]string{"b"}, both, nil}, "b": {nil, one, nil}},
		"one platform of both":   {"a": {[]string{"b"}, one, nil}, "b": {nil, both, nil}},
		"the same entitlement":   {"a": {[]string{"b"}, nil, []string{"network.host"}}, "b": {nil, nil, []string{"network.host"}}},
		"an entitlement more":    {"a": {[]string{"b"}, nil, nil}, "b": {nil, nil, []string{"network.host"}}},
		"one of the last":        {"a": {contexts: []string{"b"}}, "b": {contexts: []string{"c"}}, "c": {nil, nil, []string{"network.host"}}},
		"one that is not needed": {"a": {[]string{"b"}, nil, []string{"network.host"}}, "b": {}},
	} {
		t.Run(name, func(t *testing.T) {
			var src strings.Builder
			model := map[string]func() bake.Build{}
			for _, key := range slices.Sorted(maps.Keys(builds)) {
				b := builds[key]
				contexts := map[string]string{}
				fmt.Fprintf(&src, "target %q {\n  contexts = {\n", key)
				for _, c := range b.contexts {
					contexts[c] = "target:" + c
					fmt.Fprintf(&src, "    %s = \"target:%s\"\n", c, c)
				}
				fmt.Fprintf(&src, "  }\n  platforms = %s\n  entitlements = %s\n}\n", literals(b.platforms), literals(b.entitlements))
				model[key] = func() bake.Build {
					return bake.Build{
						Target:    &bake.Target{Name: key, Contexts: contexts, Requirements: catalogue.Requirements{Entitlements: b.entitlements}},
						Platforms: b.platforms,
					}
				}
			}
			read, _, err := buildxbake.ReadTargets(t.Context(), []buildxbake.File{{Name: bake.FileName, Data: []byte(src.String())}},
				slices.Sorted(maps.Keys(builds)), nil, nil, nil, &buildxbake.EntitlementConf{})
			refused := err != nil
			for name, target := range read { // what bake adds is not what was meant
				refused = refused || len(target.Entitlements) != len(builds[name].entitlements)
			}
			if got := bakecheck.Links(model); (got != nil) != refused {
				t.Errorf("bake says %v, and refuses or changes something: %v; the model says %v", err, refused, got)
			}
		})
	}
}
