package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/runbake/runbake/pkg/cli"
	"github.com/runbake/runbake/pkg/sink"
)

// hostile means something to terminals, to the logs of CI services, and to what
// shows Markdown.
const hostile = "\x1b]0;pwned\x07\u009b2J\u202e\n::warning::pwned\n##[error]pwned\r<img src=x>`|"

// hostileArgs are what commands need to get to their work. One that is not here
// gets none.
var hostileArgs = map[string][]string{
	"affected": {"--since", "HEAD"},
	"changes":  {"--since", "1"},
	"new":      {"node", "26", "--from", "debian:" + hostile},
	"import":   {"build.sh", "--dry-run"},
	"publish":  {"--metadata", "metadata.json"},
	"package":  {"--output", "packed"},
	"test":     {"--addr", "tcp://127.0.0.1:1"},
	"build":    {"--addr", "tcp://127.0.0.1:1"},
	"doctor":   {"--addr", "tcp://127.0.0.1:1"},
}

// hostileRepository has the text wherever one can be written: in definitions
// that are right, or as well where it makes them wrong, and in names of files.
func hostileRepository(t *testing.T, wrong bool) string {
	t.Helper()
	dir := t.TempDir()
	quoted := strings.NewReplacer("\x1b", `\u001b`, "\a", `\u0007`, "\n", `\n`, "\r", `\r`).Replace(hostile)
	definition := fmt.Sprintf("project {\n  registry = \"127.0.0.1:1/acme\"\n  labels = { a = %q }\n}\n", "@")
	runtime := "runtime \"node\" {\n  name = \"@\"\n  kind = \"interpreted\"\n  entrypoint = \"index.js\"\n  fixture = \"fixture\"\n" +
		"  version \"22\" {\n    from = { BASE = \"127.0.0.1:1/base:1\" }\n    args = { A = \"@\" }\n    labels = { b = \"@\" }\n    end_of_life = \"2020-01-01\"\n  }\n}\n"
	if wrong {
		runtime += "runtime \"@\" {\n  name = \"@\"\n  kind = \"@\"\n  entrypoint = \"@\"\n  fixture = \"@\"\n  \"@\" = 1\n  version \"@\" {\n    context = \"@\"\n    tags = [\"@\"]\n  }\n}\n"
		definition += "lint {\n  rule \"@\" { severity = \"@\" }\n}\n# " + hostile + "\n"
	}
	for name, text := range map[string]string{
		"runbake.hcl":                                          strings.ReplaceAll(definition, "@", quoted),
		"runtimes/node/runtime.hcl":                            strings.ReplaceAll(runtime, "@", quoted),
		"runtimes/node/Dockerfile":                             "ARG BASE\nFROM ${BASE}\nARG A\nCOPY . /usr/local/src\n# " + hostile + "\nRUN echo " + hostile + "\n",
		"runtimes/node/launch.sh":                              "#!/bin/bash\necho '" + hostile + "'\nif [[ x == '" + hostile + "' ]]; then TODO; fi\n",
		"runtimes/node/" + fileName(hostile):                   "x",
		"runtimes/caf\xe9" + fileName(hostile) + "/Dockerfile": "FROM scratch\n",
		"fixture/index.js":                                     "//\n",
		"docker-bake.hcl":                                      hostile,
		"docker-bake.override.hcl":                             "target \"" + quoted + "\" {}\n",
		"build.sh":                                             "docker build -t \"acme/" + hostile + "\" runtimes/node\ndocker build -t acme/node:22 runtimes/node --label 'a=" + hostile + "'\n$(" + hostile + "\n",
		"metadata.json":                                        fmt.Sprintf("{%q: {\"containerimage.digest\": \"x\", \"image.name\": %q}}", "node", "a"),
	} {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "x"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "runtimes/node/new"+fileName(hostile)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fileName is a text as the name of a file.
func fileName(s string) string { return strings.ReplaceAll(s, "/", "_") }

// TestHostileText: whatever somebody else has written, and whichever command
// shows it in whichever format, what is written is text: no command to a
// terminal or to a CI service, and no markup. The commands are found, and not
// listed: a new one is in.
func TestHostileText(t *testing.T) {
	for _, wrong := range []bool{false, true} {
		dir := hostileRepository(t, wrong)
		for _, c := range cli.Commands() {
			formats := c.Formats
			if len(formats) == 0 {
				formats = []string{""}
			}
			for _, format := range formats {
				args := append([]string{c.Name}, hostileArgs[c.Name]...)
				if format != "" {
					args = append(args, "--format", format)
				}
				t.Run(fmt.Sprintf("%s/%s/wrong=%t", c.Name, format, wrong), func(t *testing.T) { runHostile(t, dir, format, args) })
			}
			t.Run(fmt.Sprintf("%s/completion/wrong=%t", c.Name, wrong), func(t *testing.T) {
				runHostile(t, dir, "", []string{"__complete", c.Name, "--dir", dir, ""})
			})
		}
	}
}

func runHostile(t *testing.T, dir, format string, args []string) {
	t.Helper()
	t.Chdir(dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cli.Main(ctx, cli.Env{
		Args: args, Stdout: &stdout, Stderr: &stderr, Now: time.Now,
		LookupEnv: func(name string) (string, bool) { return dir, name == "XDG_CACHE_HOME" || name == "XDG_STATE_HOME" },
	})
	if stdout.Len()+stderr.Len() == 0 {
		t.Errorf("%q writes nothing", args)
	}
	for name, text := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String()} {
		if at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && sink.Control(r) }); at >= 0 || !utf8.ValidString(text) {
			t.Errorf("%q: %s has no text at %q", args, name, text[max(at-40, 0):max(at+40, len(text))])
		}
		for line := range strings.Lines(text) {
			trimmed := strings.TrimLeft(line, " \t")
			own := format == "github" && (strings.HasPrefix(trimmed, "::error ") || strings.HasPrefix(trimmed, "::warning "))
			if strings.HasPrefix(trimmed, "::") && !own || strings.Contains(line, "##[error") && !own {
				t.Errorf("%q: %s has a command: %q", args, name, line)
			}
		}
	}
	if format == "markdown" && strings.Contains(stdout.String(), "<img") {
		t.Errorf("%q: stdout has markup: %s", args, stdout.String())
	}
}
