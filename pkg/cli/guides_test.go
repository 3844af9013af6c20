package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runbake/runbake/pkg/cli"
)

// guides is the document whose sections are run: each is a repository of its own,
// files that a line in code names, and commands with what they print.
const guides = "../../docs/start.md"

var (
	guideFile  = regexp.MustCompile("^`([^`]+)`:$")
	guideFence = "```"
)

// TestGuides does what docs/start.md says, and compares what is printed. With -update
// it writes that into the document.
func TestGuides(t *testing.T) {
	path, err := filepath.Abs(guides)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	sections := strings.SplitAfter(string(text), "\n## ")
	for i, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		if i == 0 {
			out.WriteString(section)
			continue
		}
		t.Run(title, func(t *testing.T) {
			done, commands := runGuide(t, section)
			out.WriteString(done)
			if commands < 3 {
				t.Errorf("only %d commands", commands)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := out.String(); got != string(text) {
		t.Errorf("%s", diff.Diff("docs/start.md", text, "got", []byte(got)))
	}
}

// runGuide makes the files of a section and runs its commands, and returns it with
// what they print.
func runGuide(t *testing.T, section string) (done string, commands int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var out strings.Builder
	file := ""
	lines := strings.SplitAfter(section, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\n")
		out.WriteString(lines[i])
		if m := guideFile.FindStringSubmatch(line); m != nil {
			file = m[1]
		}
		if !strings.HasPrefix(line, guideFence) {
			continue
		}
		var body []string
		for i++; i < len(lines) && !strings.HasPrefix(lines[i], guideFence); i++ {
			body = append(body, lines[i])
		}
		end := lines[i]
		switch {
		case file != "":
			writeGuideFile(t, file, strings.Join(body, ""))
			file = ""
		case len(body) > 0 && strings.HasPrefix(body[0], "$ "):
			var shown []string
			for _, l := range body {
				if command, is := strings.CutPrefix(l, "$ "); is {
					commands++
					shown = append(shown, l, runGuideCommand(t, strings.TrimSpace(command)))
				}
			}
			body = shown
		}
		out.WriteString(strings.Join(body, "") + end)
	}
	return out.String(), commands
}

func writeGuideFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runGuideCommand runs a command, and returns all that it prints.
func runGuideCommand(t *testing.T, command string) string {
	t.Helper()
	words := strings.Fields(command)
	if words[0] == "cat" {
		text, err := os.ReadFile(words[1])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var out bytes.Buffer
	cache := t.TempDir()
	code := cli.Main(context.Background(), cli.Env{
		Args: words[1:], Stdout: &out, Stderr: &out, Now: time.Now,
		LookupEnv: func(name string) (string, bool) { return cache, name == "XDG_CACHE_HOME" || name == "XDG_STATE_HOME" },
	})
	if words[0] != "runbake" || code != 0 {
		t.Errorf("%s ends with %d: %s", command, code, out.String())
	}
	return out.String()
}
