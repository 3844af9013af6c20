package listing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/runbake/runbake/pkg/catalogue"
	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/listing"
)

// hostile are names that mean something to PHP, Markdown or HTML.
var hostile = []string{
	`it's`, `back\slash`, `ends with \`, `\'`, `'; system('id'); //`, "$name {$name}", "?> <?php", "a | b", "`code` *bold* _em_ [x](y)",
	"<script>alert(1)</script>", "new\nline", listing.EndMarker, "Node.js", "C++", "日本語", "&amp;", "# x",
}

func entry(id, name string) catalogue.Entry {
	return catalogue.Entry{
		ID: id, Key: "node", Name: name, Version: "22", Kind: catalogue.Interpreted, BuildImage: "docker.io/acme/node-runtime:22",
		RunImage: "docker.io/acme/node-runtime:22", Platforms: []string{"linux/amd64", "linux/arm64"},
	}
}

var examples = []catalogue.Entry{
	{
		ID: "debian-12", Key: "debian", Name: "Debian", Version: "12", Kind: catalogue.Base,
		BuildImage: "docker.io/acme/debian-base:12", RunImage: "docker.io/acme/debian-base:12", Platforms: []string{"linux/amd64", "linux/arm64"},
	},
	{
		ID: "go-1.26", Key: "go", Name: "Go", Version: "1.26", Kind: catalogue.Compiled,
		BuildImage: "docker.io/acme/go-runtime:1.26", RunImage: "docker.io/acme/debian-base:12", Platforms: []string{"linux/amd64", "linux/arm/v7"},
	},
	{
		ID: "node-18.0", Key: "node", Name: "Node.js", Version: "18.0", Kind: catalogue.Interpreted, Entrypoint: "index.js", Fixture: "tests/fixtures/node",
		BuildImage: "docker.io/acme/node-runtime:18.0", RunImage: "docker.io/acme/node-runtime:18.0", Platforms: []string{"linux/amd64", "linux/arm64"}, Deprecated: "2025-04-30",
	},
}

func TestPHP(t *testing.T) {
	var got bytes.Buffer
	if err := listing.WritePHP(&got, examples); err != nil {
		t.Fatal(err)
	}
	want := `<?php

// Written by runbake list --format php. DO NOT EDIT.

return [
    'go-1.26' => [
        'key' => 'go',
        'name' => 'Go',
        'logo' => 'go.png',
        'version' => '1.26',
        'base' => 'docker.io/acme/go-runtime:1.26',
        'image' => 'docker.io/acme/debian-base:12',
        'supports' => ['x86', 'armv7'],
        'deprecated' => null,
        'endOfLife' => null,
    ],
    'node-18.0' => [
        'key' => 'node',
        'name' => 'Node.js',
        'logo' => 'node.png',
        'version' => '18.0',
        'base' => 'docker.io/acme/node-runtime:18.0',
        'image' => 'docker.io/acme/node-runtime:18.0',
        'supports' => ['x86', 'arm'],
        'deprecated' => '2025-04-30',
        'endOfLife' => null,
    ],
];
`
	if got.String() != want {
		t.Errorf("got\n%s", got.String())
	}
}

// TestPHPStrings reads hostile names back: by the rules of PHP for single
// quotes, and with PHP itself where there is one.
func TestPHPStrings(t *testing.T) {
	entries := make([]catalogue.Entry, 0, len(hostile))
	for i, name := range hostile {
		entries = append(entries, entry(fmt.Sprintf("node-%d", i), name))
	}
	var file bytes.Buffer
	if err := listing.WritePHP(&file, entries); err != nil {
		t.Fatal(err)
	}
	if names := phpNames(t, file.String()); !slices.Equal(names, hostile) {
		t.Errorf("got %q", names)
	}
	php, err := exec.LookPath("php")
	if err != nil {
		t.Log("no PHP here: only its rules were applied")
		return
	}
	name := filepath.Join(t.TempDir(), "runtimes.php")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), php, "-r", `echo json_encode(array_column(require $argv[1], "name"));`, name).Output()
	var names []string
	if err := errors.Join(err, json.Unmarshal(out, &names)); err != nil {
		t.Fatal(err, string(out))
	}
	if !slices.Equal(names, hostile) {
		t.Errorf("PHP reads %q", names)
	}
}

// phpNames finds the values of 'name' in a file, character by character.
func phpNames(t *testing.T, src string) []string {
	t.Helper()
	var all []string
	for i := 0; i < len(src); i++ {
		if src[i] != '\'' {
			continue
		}
		var s strings.Builder
		for i++; i < len(src) && src[i] != '\''; i++ {
			if src[i] == '\\' && i+1 < len(src) && (src[i+1] == '\\' || src[i+1] == '\'') {
				i++
			}
			s.WriteByte(src[i])
		}
		all = append(all, s.String())
	}
	var names []string
	for i, s := range all {
		if s == "name" && all[i-1] == "node" && all[i-2] == "key" {
			names = append(names, all[i+1])
		}
	}
	return names
}

func TestMarkdown(t *testing.T) {
	var got bytes.Buffer
	if err := listing.WriteMarkdown(&got, append(slices.Clone(examples), entry("node-1", "a|b <c> `d`\n*e*"))); err != nil {
		t.Fatal(err)
	}
	want := "| runtime | version | image | functions run in | platforms | state |\n|---|---|---|---|---|---|\n" +
		"| Debian | 12 | `docker.io/acme/debian-base:12` |  | linux/amd64, linux/arm64 | base |\n" +
		"| Go | 1.26 | `docker.io/acme/go-runtime:1.26` | `docker.io/acme/debian-base:12` | linux/amd64, linux/arm/v7 |  |\n" +
		"| Node.js | 18.0 | `docker.io/acme/node-runtime:18.0` | the same | linux/amd64, linux/arm64 | deprecated since 2025-04-30 |\n" +
		"| a\\|b &lt;c&gt; \\`d\\` \\*e\\* | 22 | `docker.io/acme/node-runtime:22` | the same | linux/amd64, linux/arm64 |  |\n"
	if got.String() != want {
		t.Errorf("got\n%s", got.String())
	}
}

func TestSplice(t *testing.T) {
	const begin, end = listing.BeginMarker + "\n", listing.EndMarker + "\n"
	for _, test := range []struct{ name, readme, want, err string }{
		{"first time", "# A\n\n" + begin + end + "\nB\n", "# A\n\n" + begin + "\nT\n\n" + end + "\nB\n", ""},
		{"again", begin + "old\nold\n" + end, begin + "\nT\n\n" + end, ""},
		{"no end of the last line", begin + listing.EndMarker, begin + "\nT\n\n" + listing.EndMarker, ""},
		{"indented", "  " + begin + "  " + end, "  " + begin + "\nT\n\n" + "  " + end, ""},
		{"Windows", strings.ReplaceAll("A\n"+begin+end, "\n", "\r\n"), strings.ReplaceAll("A\n"+begin+"\nT\n\n"+end, "\n", "\r\n"), ""},
		{"none", "# A\n", "# A\n", ""},
		{"in a sentence", "Write " + begin, "Write " + begin, ""},
		{"never ends", "A\n" + begin, "", "2: there is no <!-- /runbake:list --> after <!-- runbake:list -->"},
		{"never begins", "A\n" + end, "", "2: there is no <!-- runbake:list --> before this <!-- /runbake:list -->"},
		{"begins twice", begin + begin + end, "", "2: there is a second <!-- runbake:list -->"},
		{"twice", begin + end + begin + end, "", "3: there is a second <!-- runbake:list -->"},
		{"ends twice", begin + end + end, "", "3: there is no <!-- runbake:list --> before this <!-- /runbake:list -->"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, found, err := listing.Splice([]byte(test.readme), []byte("T\n"))
			switch {
			case test.err != "":
				if err == nil || err.Error() != test.err {
					t.Errorf("got error %v", err)
				}
			case err != nil || string(out) != test.want || found == (test.want == test.readme):
				t.Errorf("got %q, %v, %v", out, found, err)
			}
		})
	}
}

// schema compiles the published schema, with formats checked.
func schema(t *testing.T) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	text, err := os.ReadFile("../../docs/schemas/list.json")
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("list.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("list.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled, document
}

func decoded(t *testing.T, entries []catalogue.Entry) any {
	t.Helper()
	var out bytes.Buffer
	if err := listing.WriteJSON(&out, entries); err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// TestSchema: what is written conforms, for examples, for hostile names and for
// this repository, and every field is described.
func TestSchema(t *testing.T) {
	compiled, document := schema(t)
	entries := append(slices.Clone(examples), own(t)...)
	for _, name := range hostile {
		entries = append(entries, entry("node-22", name))
	}
	for _, list := range [][]catalogue.Entry{nil, entries} {
		if err := compiled.Validate(decoded(t, list)); err != nil {
			t.Error(err)
		}
	}
	properties := document["properties"].(map[string]any)["items"].(map[string]any)["items"].(map[string]any)["properties"].(map[string]any)
	fields := reflect.TypeFor[catalogue.Entry]()
	for field := range fields.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if properties[name] == nil {
			t.Errorf("the schema does not describe %s", name)
		}
	}
	if len(properties) != fields.NumField() {
		t.Errorf("the schema describes %d properties, an entry has %d", len(properties), fields.NumField())
	}
}

// TestSchemaRefuses: the schema says no to what is no entry.
func TestSchemaRefuses(t *testing.T) {
	compiled, _ := schema(t)
	for _, change := range []struct {
		property string
		value    any
	}{
		{"id", "Node 22"},
		{"version", 22},
		{"kind", "scripted"},
		{"platforms", []any{}},
		{"platforms", []any{"windows/amd64"}},
		{"buildImage", "node"},
		{"deprecated", "soon"},
		{"name", ""},
		{"runImage", nil},
		{"key", nil},
	} {
		document := decoded(t, examples[2:])
		first := document.(map[string]any)["items"].([]any)[0].(map[string]any)
		first[change.property] = change.value
		if change.value == nil {
			delete(first, change.property)
		}
		if compiled.Validate(document) == nil {
			t.Errorf("%s may be %v", change.property, change.value)
		}
	}
}

// own are the entries of this repository.
func own(t *testing.T) []catalogue.Entry {
	t.Helper()
	root, err := os.OpenRoot("../..")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	set, diags := definition.Load(root.FS())
	c, more := catalogue.Resolve(set, root.FS())
	if diags.HasErrors() || more.HasErrors() {
		t.Fatal(diags, more)
	}
	return c.Entries(c.Versions())
}

// FuzzNames: whatever a name is, PHP reads it back, and a README keeps one
// table.
func FuzzNames(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var php, table bytes.Buffer
		if err := errors.Join(listing.WritePHP(&php, []catalogue.Entry{entry("node-22", name)}), listing.WriteMarkdown(&table, []catalogue.Entry{entry("node-22", name)})); err != nil {
			t.Fatal(err)
		}
		if names := phpNames(t, php.String()); len(names) != 1 || names[0] != name {
			t.Errorf("PHP reads %q", names)
		}
		if lines := strings.Count(table.String(), "\n"); lines != 3 {
			t.Errorf("%d lines: %q", lines, table.String())
		}
		readme := []byte("A\n" + listing.BeginMarker + "\n" + listing.EndMarker + "\nB\n")
		once, _, err := listing.Splice(readme, table.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if twice, _, err := listing.Splice(once, table.Bytes()); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%v: %q and %q", err, once, twice)
		}
	})
}
