package release_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// action is as much of a composite action as this one has.
type action struct {
	Runs struct {
		Using string
		Steps []struct {
			ID, Uses, Shell, Run string
			Env, With            map[string]string
		}
	}
}

// runAction runs the steps of the action as GitHub does, on a machine, and
// returns the folders that it adds to PATH. The cache is the folder kept, under
// the key that the action gives.
func runAction(t *testing.T, m *machine, version, kept string) (path []string, out string, err error) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".github/actions/setup/action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(text, &a); err != nil || a.Runs.Using != "composite" {
		t.Fatalf("%v: it is %q", err, a.Runs.Using)
	}
	here, err := filepath.Abs(filepath.Join(root, ".github/actions/setup"))
	if err != nil {
		t.Fatal(err)
	}
	contexts := map[string]string{"inputs.version": version, "runner.temp": m.home, "runner.os": "Linux", "runner.arch": "X64"}
	value := func(s string) string {
		return regexp.MustCompile(`\$\{\{ (.*?) \}\}`).ReplaceAllStringFunc(s, func(e string) string {
			v, known := contexts[e[len("${{ "):len(e)-len(" }}")]]
			if !known {
				t.Fatalf("unknown expression %s", e)
			}
			return v
		})
	}
	var saved []func() // when the job has ended
	defer func() {
		if err == nil {
			for _, save := range saved {
				save()
			}
		}
	}()
	var all strings.Builder
	for _, s := range a.Runs.Steps {
		if s.Uses != "" {
			if name, _, _ := strings.Cut(s.Uses, "@"); name != "actions/cache" {
				t.Fatalf("unknown action %s", s.Uses)
			}
			entry, folder := filepath.Join(kept, value(s.With["key"])), value(s.With["path"])
			if _, err := os.Stat(entry); err == nil {
				copyFolder(t, folder, entry)
			} else {
				saved = append(saved, func() { copyFolder(t, entry, folder) })
			}
			continue
		}
		if s.Shell != "bash" || strings.Contains(s.Run, "${{") {
			t.Fatalf("a step has the shell %q, and expressions belong in env:\n%s", s.Shell, s.Run)
		}
		outputs, added := filepath.Join(m.home, "outputs"), filepath.Join(m.home, "path")
		cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.Run)
		cmd.Env = append(slices.Clone(m.env), "GITHUB_ACTION_PATH="+here, "GITHUB_OUTPUT="+outputs, "GITHUB_PATH="+added)
		for key, v := range s.Env {
			cmd.Env = append(cmd.Env, key+"="+value(v))
		}
		text, err := cmd.CombinedOutput()
		all.Write(text)
		if err != nil {
			return nil, all.String(), err
		}
		for _, line := range lines(t, outputs) {
			key, v, _ := strings.Cut(line, "=")
			contexts["steps."+s.ID+".outputs."+key] = v
		}
		path = append(path, lines(t, added)...)
	}
	return path, all.String(), nil
}

func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// lines takes the lines of a file, which need not be there.
func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		all = append(all, s.Text())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAction: the program is in PATH afterwards, by its checksum, and the second
// job takes the archive from the cache.
func TestAction(t *testing.T) {
	onLinux(t)
	r, kept := newReleases(t), t.TempDir()
	for _, version := range []string{"latest", release} {
		path, out, err := runAction(t, newMachine(t, r), version, kept)
		if err != nil || len(path) != 1 {
			t.Fatalf("%s: %v, PATH gets %v\n%s", version, err, path, out)
		}
		got, err := exec.CommandContext(t.Context(), filepath.Join(path[0], "runbake")).Output()
		if err != nil || string(got) != "runbake "+release+"\n" {
			t.Errorf("%s: %v, it prints %q", version, err, got)
		}
	}
	archive := archiveName(t, runtime.GOOS, runtime.GOARCH)
	if want := []string{"checksums.txt", archive, "checksums.txt"}; !slices.Equal(r.asked, want) {
		t.Errorf("it asks for %v, want %v", r.asked, want)
	}

	r.files[archive] = packed(t, "#!/bin/sh\necho evil\n")
	m := newMachine(t, r)
	if _, out, err := runAction(t, m, release, t.TempDir()); err == nil || !strings.Contains(out, "nothing was installed") {
		t.Errorf("a tampered archive: %v\n%s", err, out)
	}
	if _, out, err := runAction(t, newMachine(t, r), "v1.2.3; evil", t.TempDir()); err == nil || !strings.Contains(out, "is no version") {
		t.Errorf("a command for a version: %v\n%s", err, out)
	}
}
