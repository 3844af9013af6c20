package importer_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/runbake/runbake/pkg/importer"
)

// recorder stands for docker in a run of a script: it notes the folder and the
// words of each call, as a command that means the same.
const recorder = `#!/bin/bash
{ printf 'cd %q && docker' "$PWD"; printf ' %q' "$@"; echo; } >> "$CALLS"
`

// prefix runs the rest of its words.
const prefix = "#!/bin/bash\n[[ $1 == -E ]] && shift\nexec \"$@\"\n"

// TestAgainstBash runs scripts with bash, and with a docker that only notes how
// it is called. Imported, the calls must be the definitions of the script: so
// the evaluation of variables, loops, functions and folders agrees with bash.
func TestAgainstBash(t *testing.T) {
	for _, name := range []string{
		"guide", "repository", "loops-and-functions", "option-forms", "continued-and-commented", "family",
		"missing-in-one", "parts", "tables", "registry-default", "tag-and-push", "joined", "elsewhere", "own-images",
		"folders", "other-scripts", "bash-corners",
	} {
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("testdata", "cases", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			fsys, scripts, _ := unpack(archive)
			calls := record(t, fsys, scripts)
			flat := maps.Clone(fsys)
			for script, text := range calls {
				flat[script] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
			}
			want := importer.Import(flat, scripts, importer.Options{})
			got := importer.Import(fsys, scripts, importer.Options{})
			if len(want.Files) < 2 {
				t.Fatalf("bash calls docker for %d definitions:\n%v", len(want.Files), calls)
			}
			for i := range max(len(want.Files), len(got.Files)) {
				if i >= len(want.Files) || i >= len(got.Files) || want.Files[i].Name != got.Files[i].Name ||
					titleless(want.Files[i].Text) != titleless(got.Files[i].Text) {
					t.Fatalf("bash calls\n%v\nso definitions are\n%s\nand not\n%s", calls, want.Files, got.Files)
				}
			}
		})
	}
}

// titleless leaves out display names: they are from messages, which are not
// recorded.
func titleless(text []byte) string {
	var kept []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "  name ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// record runs the shell scripts of a repository, and returns for each what it
// called.
func record(t *testing.T, fsys fstest.MapFS, scripts []string) map[string]string {
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
	for _, script := range scripts {
		if !strings.HasSuffix(script, ".sh") {
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
