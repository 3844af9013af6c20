package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// Root is the command that has all others.
func Root() *cobra.Command {
	return newRoot(Env{Stdout: io.Discard, Stderr: io.Discard}, io.Discard)
}

// Command is a command that users see, and its formats.
type Command struct {
	Name    string
	Formats []string
}

// Commands are all that there are.
func Commands() []Command {
	var commands []Command
	for _, c := range Root().Commands() {
		if c.Hidden || !c.Runnable() {
			continue
		}
		found := Command{Name: c.Name()}
		if complete, has := c.GetFlagCompletionFunc("format"); has {
			found.Formats, _ = complete(c, nil, "")
		}
		commands = append(commands, found)
	}
	return commands
}
