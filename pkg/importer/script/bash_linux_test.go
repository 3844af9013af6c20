package script_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/importer/fact"
	"github.com/runbake/runbake/pkg/importer/fact/facttest"
	"github.com/runbake/runbake/pkg/importer/script"
)

// recorder stands for docker in a run of a script: it notes the folder and the
// words of each call, as a command that means the same.
const recorder = `#!/bin/bash
{ printf 'cd %q && docker' "$PWD"; printf ' %q' "$@"; echo; } >> "$CALLS"
`

// prefix runs the rest of its words.
const prefix = "#!/bin/bash\n[[ $1 == -E ]] && shift\nexec \"$@\"\n"

// TestAgainstBash runs scripts with bash, and with a docker that only notes how
// it is called. What is read in the calls must be what is read in the script: so
// the evaluation of variables, loops, functions and folders agrees with bash.
func TestAgainstBash(t *testing.T) {
	for _, name := range []string{
		"guide", "repository", "loops-and-functions", "option-forms", "continued-and-commented", "family",
		"missing-in-one", "parts", "tables", "registry-default", "tag-and-push", "joined", "elsewhere", "own-images",
		"folders", "other-scripts", "bash-corners", "exported",
	} {
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("..", "testdata", "cases", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			fsys := fstest.MapFS{}
			for _, f := range archive.Files {
				fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			for script, calls := range record(t, fsys) {
				compare(t, fsys, read(fsys, script, []byte(calls)), read(fsys, script, fsys[script].Data))
			}
		})
	}
}

// compare fails unless all that bash does is read, or said not to be, and all that
// is read besides is a branch that was not taken, or comes after one that ends a
// loop, for which the cases have no folder.
func compare(t *testing.T, fsys fs.FS, want, got *fact.Set) {
	t.Helper()
	called, found := events(fsys, want), events(fsys, got)
	if len(called) == 0 {
		t.Error("bash calls nothing")
	}
	errors := len(got.Diagnostics.Errs())
	for _, line := range slices.Sorted(maps.Keys(called)) {
		if _, ok := found[line]; ok {
			continue
		}
		if errors--; errors < 0 {
			t.Errorf("bash does, and nothing is said of it: %s", line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(found)) {
		if _, ok := called[line]; !ok && found[line] {
			t.Errorf("bash does not %s", line)
		}
	}
}

func read(fsys fs.FS, name string, text []byte) *fact.Set {
	return script.Read(fsys, fact.NewFile(name, text))
}

// events are what a script does, and whether each happens whenever it is run. What
// it says before a build is left out: it is not recorded.
func events(fsys fs.FS, set *fact.Set) map[string]bool {
	all := map[string]bool{}
	for _, s := range set.Sources {
		for _, e := range s.Events {
			always := true
			if b := e.Build; b != nil {
				_, err := fs.Stat(fsys, b.DockerfilePath())
				always = len(b.Arms) == 0 && err == nil
				b.Title, b.Arms = nil, nil
			}
			all[facttest.Event(e)] = always
		}
	}
	return all
}

// record runs the shell scripts in the root of a repository, and returns for each what it
// called.
func record(t *testing.T, fsys fstest.MapFS) map[string]string {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700),
			os.WriteFile(name, []byte(text), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range fsys {
		write(filepath.Join(dir, filepath.FromSlash(name)), string(f.Data))
	}
	write(filepath.Join(bin, "docker"), recorder)
	write(filepath.Join(bin, "sudo"), prefix)
	calls := map[string]string{}
	for script := range fsys {
		if !strings.HasSuffix(script, ".sh") || strings.Contains(script, "/") {
			continue
		}
		log := filepath.Join(bin, "calls")
		write(log, "")
		cmd := exec.CommandContext(t.Context(), "bash", script)
		cmd.Dir = dir
		cmd.Env = []string{
			"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "REPOSITORY=" + dir,
			"CALLS=" + log, "HOME=" + bin,
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%s ends with %v: %s", script, err, out)
		}
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		calls[script] = strings.ReplaceAll(string(text), dir, "/.repository")
	}
	return calls
}
