package cli_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/runbake/runbake/pkg/cli"
)

// TestReference: each command has its page, which is its help, and there is no
// other page.
func TestReference(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "commands")
	pages := referencePages(t)
	if *update {
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // documents
				t.Fatal(err)
			}
		}
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		want, found := pages[name]
		switch {
		case !found:
			t.Errorf("docs/commands/%s is of no command: remove it", name)
		case !bytes.Equal(got, want):
			t.Errorf("go test ./pkg/cli -run Reference -update\n%s", diff.Diff(name, got, "help", want))
		}
		delete(pages, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range pages {
		t.Errorf("docs/commands/%s is missing: go test ./pkg/cli -run Reference -update", name)
	}
}

// referencePages are the pages of all commands that users see, by file name, and
// the list of them.
func referencePages(t *testing.T) map[string][]byte {
	t.Helper()
	root := cli.Root()
	root.DisableAutoGenTag = true // for all below as well
	pages := map[string][]byte{}
	var list strings.Builder
	list.WriteString("# Commands\n\nEach page is what `runbake COMMAND --help` prints.\n\n| command | |\n|---|---|\n")
	commands := slices.DeleteFunc(slices.Clone(root.Commands()), func(c *cobra.Command) bool { return !c.IsAvailableCommand() })
	slices.SortFunc(commands, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
	for _, c := range commands {
		var page bytes.Buffer
		link := func(name string) string {
			if name == "runbake.md" {
				return "README.md"
			}
			return strings.TrimPrefix(name, "runbake_")
		}
		if err := doc.GenMarkdownCustom(c, &page, link); err != nil {
			t.Fatal(err)
		}
		name := c.Name() + ".md"
		pages[name] = page.Bytes()
		fmt.Fprintf(&list, "| [runbake %s](%s) | %s |\n", c.Name(), name, c.Short)
	}
	list.WriteString(flagTable(commands))
	pages["README.md"] = []byte(list.String())
	return pages
}
