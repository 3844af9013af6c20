package bakecheck_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/bakecheck"
	"github.com/runbake/runbake/pkg/catalogue"
)

// example is a file that uses every part of the model.
func example() *bake.File {
	return &bake.File{
		Registry: "docker.io/acme",
		Cache:    catalogue.Cache{Type: "none"},
		Attest:   catalogue.Attest{SBOM: true, Provenance: "max"},
		Groups: []bake.Group{
			{Name: "default", Description: "all", Targets: []string{"debian-12", "go-1_26"}},
			{Name: "go", Description: "Go", Targets: []string{"go-1_26", "go-1_9"}},
			{Name: "deprecated", Description: "old", Targets: []string{"go-1_9"}},
		},
		Targets: []bake.Target{
			{Name: "debian-12", ID: "debian-12", Description: "Debian 12", Context: "runtimes/debian", Platforms: []string{"linux/amd64", "linux/arm64"}, Image: "debian-base", Tags: []string{"12"}, Labels: map[string]string{"a": "1"}},
			{
				Name: "go-1_26", ID: "go-1.26", Description: "Go 1.26", Context: "runtimes/go", Dockerfile: "Dockerfile.alpine", Stage: "final",
				Contexts: map[string]string{"docker.io/acme/debian-base:12": "target:debian-12", "common": "runtimes/common"}, Needs: []string{"debian-12"},
				Args: map[string]string{"BASE": "golang:1.26", "x": "${BASE} %{if} \"quoted\"\nline"}, Platforms: []string{"linux/amd64", "linux/arm64"},
				Image: "go-runtime", Tags: []string{"1.26", "latest"}, Labels: map[string]string{"a": "1", "b": "${x}"},
			},
			{Name: "go-1_9", ID: "go-1.9", Description: "Go 1.9", Context: "runtimes/go", Platforms: []string{"linux/amd64"}, Image: "go-runtime", Tags: []string{"1.9"}, Labels: map[string]string{}, Deprecated: "2020-01-01"},
		},
	}
}

func TestVerify(t *testing.T) {
	f := example()
	for _, size := range sizes {
		if err := bakecheck.VerifyInChunks(t.Context(), f.Encode(), f, size); err != nil {
			t.Errorf("%d at a time: %v", size, err)
		}
	}
}

// sizes of chunks: one target at a time, and all of them.
var sizes = []int{1, 1000}

// TestEverySetting compares text and model for all kinds of values, of which
// Verify, which runs on every emission, uses two.
func TestEverySetting(t *testing.T) {
	f := example()
	src := f.Encode()
	for _, cache := range []string{"none", "registry", "gha", "local"} {
		for _, platform := range []string{"", "linux/amd64", "linux/arm64"} {
			for _, local := range []bool{false, true} {
				for _, registry := range []string{"", "localhost:5000/x"} {
					v := bake.Values{
						Registry: registry, Cache: cache, Platform: platform, Local: local, ByDigest: cache != "gha", Revision: "abc", TagSuffix: "-rc",
					}
					t.Run(fmt.Sprintf("%+v", v), func(t *testing.T) {
						if err := bakecheck.VerifyWith(t.Context(), src, f, v); err != nil {
							t.Error(err)
						}
					})
				}
			}
		}
	}
}

// TestEnvironment proves that the result does not depend on the environment.
func TestEnvironment(t *testing.T) {
	t.Setenv("REGISTRY", "evil.example")
	t.Setenv("CACHE", "nonsense")
	TestVerify(t)
}

// TestVerifyFinds breaks a good file in ways of which bake accepts many silently.
// Parts find what bake's own reading of the whole text finds, and no more: what no
// setting of Verify shows, neither of them sees.
func TestVerifyFinds(t *testing.T) {
	cases := []struct{ name, old, new, want string }{
		{"format", "  context ", " context ", "canonical format, first on line"},
		{"misspelt attribute", "platforms   = platforms([\"linux/amd64\"])\n", "platformz   = platforms([\"linux/amd64\"])\n", "Unsupported argument"},
		{"unknown block", "group \"go\"", "grupp \"go\"", "Unsupported block type"},
		{"unknown attribute of a variable", "  type        = bool", "  typo        = bool", "Unsupported argument"},
		{"duplicate target", "target \"go-1_9\"", "target \"go-1_26\"", "Duplicate name"},
		{"group and target", "group \"go\"", "group \"debian-12\"", "Duplicate name"},
		{"another tag", `"1.26", "latest"`, `"1.26", "stable"`, "target go-1_26: tags differs"},
		{"another context", `"runtimes/go"`, `"runtimes/og"`, "context differs"},
		{"another label", `b = "$${x}"`, `b = "$${y}"`, "labels differs"},
		{"another member", "only([\"linux/amd64\"], [\n    \"go-1_9\",", "only([\"linux/amd64\"], [\n    \"debian-12\",", "group deprecated: members differ"},
		{"another attestation", `mode = "max" }, { type = "sbom"`, `mode = "min" }, { type = "sbom"`, "attest differs"},
		{"another function", `}${image}:${name}`, `}${image}:x${name}`, "tags differs"},
		{"more than was meant", "  description = \"Go 1.9\"", "  no-cache    = true\n  description = \"Go 1.9\"", "unexpected NoCache"},
		{"no HCL", "group \"go\" {", "group \"go\" {{", "canonical format"},
		{"another context of one that is needed", `"target:debian-12"`, `"target:debian-13"`, "debian-13"},
		{"another parent", `["_image"]`, `["go-1_9"]`, "differs"},
		{"a parent that is nowhere", `["_image"]`, `["_imagine"]`, "_imagine"},
		{"a target more", "target \"go-1_9\" {", "target \"more\" {\n}\n\ntarget \"go-1_9\" {", "the target more was not meant"},
		{"a target less", "target \"go-1_9\" {", "target \"go-1_8\" {", "go-1_9"},
		{"a group more", "group \"go\" {", "group \"more\" {\n  targets = []\n}\n\ngroup \"go\" {", "3 groups were meant, bake reads 4"},
		{"a group less", "group \"go\" {", "group \"og\" {", "group go is missing"},
		{"what another target has", `platforms(["linux/amd64"])`, `target.debian-12.platforms`, "platforms differs"},
		{"a name of a value", "target \"go-1_9\" {", "target \"go-1_9\" {\n  name        = \"${item}-1\"\n  matrix      = { item = [\"a\", \"b\"] }", "named \"name\" is not expected"},
		{"a platform less", `platforms(["linux/amd64"])`, `platforms([])`, "go-1_9"},
		{"another platform", `platforms(["linux/amd64"])`, `platforms(["linux/arm64"])`, "platforms differs"},
		{"another order of platforms", `platforms(["linux/amd64", "linux/arm64"])`, `platforms(["linux/arm64", "linux/amd64"])`, "platforms differs"},
		{"another order of tags", `"1.26", "latest"`, `"latest", "1.26"`, "tags differs"},
		{"another image", `tags("go-runtime", ["1.9"])`, `tags("go-runtimes", ["1.9"])`, "tags differs"},
		{"another argument", `BASE = "golang:1.26"`, `BASE = "golang:1.27"`, "args differs"},
		{"another Dockerfile", `"Dockerfile.alpine"`, `"Dockerfile.debian"`, "dockerfile differs"},
		{"another stage", `= "final"`, `= "first"`, "target differs"},
		{"another named context", `"runtimes/common"`, `"runtimes/uncommon"`, "contexts differs"},
		{"another annotation", `annotations({}, ["linux/amd64"])`, `annotations({ a = "1" }, ["linux/amd64"])`, "annotations differs"},
		{"another cache", `cache_to("go-1_9")`, `cache_to("go-1_8")`, "cache-to differs"},
		{"a cache less", `cache_from("go-1_9", ["linux/amd64"])`, `cache_from("go-1_9", [])`, ""},
		{"another description", `"Go 1.26"`, `"Go 1.27"`, "description differs"},
		{"a member less", "\n    \"go-1_9\",", "", "members differ"},
		{"another order of members", "\"debian-12\",\n    \"go-1_26\"", "\"go-1_26\",\n    \"debian-12\"", "members differ"},
		{"members of another platform", `only(["linux/amd64"]`, `only(["linux/arm64"]`, "members differ"},
		{"a target twice, under two names", "target \"go-1_9\" {", "target \"go.1.9\" {", "go"},
		{"a context that is itself", `"target:debian-12"`, `"target:go-1_26"`, "go-1_26"},
		{"a function that forgets", `merge(_labels, own, _revision)`, `merge(_labels, own)`, "labels differs"},
		{"a function of other branches", `_platform == "" ? all :`, `_platform != "" ? all :`, "platforms differs"},
		{"a function that is nowhere", `params = [all]`, `params = [every]`, "all"},
		{"a function with a parameter more", `params = [all]`, `params = [all, rest]`, "platforms"},
		{"another default", `default     = "docker.io/acme"`, `default     = "docker.io/acne"`, "tags differs"},
		{"another name of a variable", `variable "TAG_SUFFIX"`, `variable "TAG_PREFIX"`, "TAG_SUFFIX"},
		{"a pattern that takes nothing", `regex("^[A-Za-z0-9_.-]{0,40}$", TAG_SUFFIX)`, `regex("^x[A-Za-z0-9_.-]{0,40}$", TAG_SUFFIX)`, "TAG_SUFFIX is at most 40"},
		{"another value of its own", `_revision  = REVISION == "" ?`, `_revision  = REVISION != "" ?`, "labels differs"},
		{"a value that is nowhere", `_suffix    =`, `_suffixy   =`, "_suffix"},
		{"a value of a target", `_registry  = REGISTRY`, `_registry  = target.go-1_9.context == REGISTRY`, "cannot read"},
		{"an attribute at the top", "group \"go\" {", "other = 1\n\ngroup \"go\" {", "Unsupported argument"},
		{"a group behind targets", "target \"go-1_9\" {", "group \"late\" {\n  targets = []\n}\n\ntarget \"go-1_9\" {", "4"},
		{"what is no platform", `platforms(["linux/amd64"])`, `platforms(["linux amd64"])`, "linux amd64"},
		{"what is no list", `tags("go-runtime", ["1.9"])`, `null`, "tags differs"},
		{"another attribute of the parent", "LOCAL ? [{ type = \"docker\" }] :", "LOCAL ? [] :", ""},
		{"a variable that is no good", "  default     = false", "  default     = \"maybe\"", "bool"},
	}
	f := example()
	src := f.Encode()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			broken := bytes.Replace(src, []byte(c.old), []byte(c.new), 1)
			if bytes.Equal(broken, src) {
				broken = bytes.Replace(src, []byte(strings.ReplaceAll(c.old, "   =", " =")), []byte(strings.ReplaceAll(c.new, "   =", " =")), 1)
			}
			if bytes.Equal(broken, src) {
				t.Fatalf("%q is not in the file:\n%s", c.old, src)
			}
			whole := bakecheck.VerifyWhole(t.Context(), broken, f)
			if (whole == nil) != (c.want == "") {
				t.Errorf("read whole by bake: %v", whole)
			}
			for _, size := range sizes {
				err := bakecheck.VerifyInChunks(t.Context(), broken, f, size)
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%d at a time: want an error with %q, got %v", size, c.want, err)
				}
			}
		})
	}
}

// TestHeredocs: what looks like a block, and is text of another one, is neither
// taken for a block nor for the end of one.
func TestHeredocs(t *testing.T) {
	f := example()
	src := string(f.Encode())
	from := strings.Index(src, "target \"_image\" {")
	parent := src[from : from+strings.Index(src[from:], "}\n\n")+2]
	heredoc := func(text string) string { return "  description = <<EOT\n" + text + "EOT\n" }
	for name, text := range map[string]string{"a parent": parent, "another target": "target \"x\" {\n}\n", "an end": "}\n", "a beginning": "target \"x\" {\n"} {
		for place, into := range map[string]string{
			"a variable": "variable \"MORE\" {\n" + heredoc(text) + "}\n\ntarget \"_image\" {\n",
			"a target":   "target \"_more\" {\n" + heredoc(text) + "}\n\ntarget \"_image\" {\n  inherits = [\"_more\"]\n",
		} {
			good := strings.Replace(src, "target \"_image\" {\n", into, 1)
			good = string(hclwrite.Format([]byte(good)))
			last := strings.LastIndex(good, `"max"`) // that of the parent: what is in the heredoc stays
			broken := good[:last] + `"min"` + good[last+5:]
			for _, size := range sizes {
				err, whole := bakecheck.VerifyInChunks(t.Context(), []byte(good), f, size), bakecheck.VerifyWhole(t.Context(), []byte(good), f)
				if (err == nil) != (whole == nil) {
					t.Errorf("%s in %s, %d at a time: %v; whole: %v", name, place, size, err, whole)
				}
				if bakecheck.VerifyInChunks(t.Context(), []byte(broken), f, size) == nil {
					t.Errorf("%s in %s, %d at a time: another parent is not found", name, place, size)
				}
			}
		}
	}
}

// TestEmpty: a repository without images has a file that bake reads.
func TestEmpty(t *testing.T) {
	f := &bake.File{Registry: "docker.io/acme", Cache: catalogue.Cache{Type: "none"}}
	if err := bakecheck.Verify(t.Context(), f.Encode(), f, nil); err != nil {
		t.Error(err)
	}
}

// FuzzEncode proves that no text breaks out of where it belongs: what bake
// reads is what was given.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{"", "plain", "${REGISTRY}", "%{ if true }x%{ endif }", `"quoted" \ back`, "two\nlines\r\n", "\x00\x1b[31m", "é e\u0301 \u202e 漢字 🙂", "a,b=c", "$${x} $$", "%%{", "target:x", "#", "//", "/*"} {
		f.Add(seed, "KEY")
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		if !utf8.ValidString(text) || !utf8.ValidString(key) || key == "" {
			t.Skip("HCL is UTF-8, and a key is never empty")
		}
		file := example()
		target := &file.Targets[1]
		target.Args = map[string]string{key: text}
		target.Labels = map[string]string{key: text}
		target.Description = text
		for i := range file.Targets { // what all have in common is in the preamble
			file.Targets[i].Labels[key+" of all"] = text
		}
		if err := bakecheck.Verify(t.Context(), file.Encode(), file, nil); err != nil {
			t.Error(err)
		}
	})
}
