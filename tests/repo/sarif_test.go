package repo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSARIF checks logs of lint, one without findings and one with them,
// against the schema of the standard, which a linter that is pinned among our
// tools has with it.
func TestSARIF(t *testing.T) {
	schema := sarifSchema(t)
	broken := t.TempDir()
	for name, text := range map[string]string{
		"runbake.hcl":               "project {\n  registry = \"docker.io/acme\"\n  registr = \"x\"\n}\n",
		"runtimes/node/runtime.hcl": "runtime \"node\" {\n  name = \"Node.js\"\n  kind = \"interpreted\"\n  version \"22\" {}\n}\n",
		"runtimes/node/Dockerfile":  "FROM node AS Build\nRUN [[ -d /x ]] && rm /x\n",
	} {
		path := filepath.Join(broken, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runbake := filepath.Join(t.TempDir(), "runbake")
	mustRun(t, "go", "build", "-ldflags=-w", "-o", runbake, "./cmd/runbake")
	own, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for dir, wanted := range map[string]int{own: 0, broken: 10} {
		cmd := exec.CommandContext(t.Context(), runbake, "lint", "--dir", dir, "--format", "sarif")
		cmd.Dir = root
		out, err := cmd.Output() // which fails when there are errors
		log, parseErr := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if parseErr != nil {
			t.Fatalf("%v, %v: %s", err, parseErr, out)
		}
		if err := schema.Validate(log); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		var short struct {
			Runs []struct{ Results []json.RawMessage }
		}
		if err := json.Unmarshal(out, &short); err != nil || len(short.Runs) != 1 || len(short.Runs[0].Results) < wanted {
			t.Errorf("%s: %v, or less than %d results: %s", dir, err, wanted, out)
		}
	}
	wrong, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(`{"version": "2.1.0", "runs": [{"results": []}]}`)))
	if err != nil || schema.Validate(wrong) == nil {
		t.Errorf("the schema accepts a run without a tool: %v", err)
	}
}

// sarifSchema compiles the schema.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var module struct{ Dir string }
	out := mustRun(t, "go", "mod", "download", "-modfile=.github/tools/go.mod", "-json", "github.com/securego/gosec/v2")
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(module.Dir, "report/sarif/testdata/sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return compileSchema(t, file)
}

func compileSchema(t *testing.T, r io.Reader) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(r)
	if err != nil {
		t.Fatal(err)
	}
	const name = "sarif-2.1.0.json"
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
