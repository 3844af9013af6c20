package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newReleaseFiles writes what a release packs beside the program. Users do not
// start it.
func newReleaseFiles() *cobra.Command {
	return &cobra.Command{
		Use:    "release-files FOLDER",
		Short:  "Write man pages and completion scripts",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return releaseFiles(cmd.Root(), args[0])
		},
	}
}

// releaseFiles writes man pages into dir/man, and completion scripts, under the
// names by which shells find them, into dir/completion.
func releaseFiles(root *cobra.Command, dir string) error {
	man, completion := filepath.Join(dir, "man"), filepath.Join(dir, "completion")
	for _, folder := range []string{man, completion} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	root.DisableAutoGenTag = true // it has the day
	header := &doc.GenManHeader{Section: "1", Manual: "Runbake", Source: "runbake " + root.Version}
	if err := doc.GenManTree(root, header, man); err != nil {
		return fmt.Errorf("man pages: %w", err)
	}
	for name, write := range map[string]func(string) error{
		"runbake.bash": func(file string) error { return root.GenBashCompletionFileV2(file, true) },
		"_runbake":     root.GenZshCompletionFile,
		"runbake.fish": func(file string) error { return root.GenFishCompletionFile(file, true) },
		"runbake.ps1":  root.GenPowerShellCompletionFileWithDesc,
	} {
		if err := write(filepath.Join(completion, name)); err != nil {
			return fmt.Errorf("completion: %w", err)
		}
	}
	return nil
}
