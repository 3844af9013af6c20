package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/runbake/runbake/pkg/cli"
)

// flagShape is what a flag is, whichever command has it.
type flagShape struct{ shorthand, kind, usage string }

// shapeOf is the shape of a flag. What a command does with it stands behind a colon
// or in brackets, and is its own.
func shapeOf(f *pflag.Flag) flagShape {
	usage, _, _ := strings.Cut(f.Usage, ":")
	usage, _, _ = strings.Cut(usage, " (")
	return flagShape{f.Shorthand, f.Value.Type(), usage}
}

// eachFlag visits the flags of all commands that users see.
func eachFlag(visit func(command string, f *pflag.Flag)) {
	root := cli.Root()
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { visit("all", f) })
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { visit(c.Name(), f) })
		}
	}
}

// TestFlags: a flag is the same in each command that has it.
func TestFlags(t *testing.T) {
	type seen struct {
		command string
		shape   flagShape
	}
	first := map[string]seen{}
	shorthands := map[string]string{}
	eachFlag(func(command string, f *pflag.Flag) {
		shape := shapeOf(f)
		if before, known := first[f.Name]; !known {
			first[f.Name] = seen{command, shape}
		} else if before.shape != shape {
			t.Errorf("--%s is %+v in %s, and %+v in %s", f.Name, before.shape, before.command, shape, command)
		}
		if other := shorthands[f.Shorthand]; f.Shorthand != "" && other != "" && other != f.Name {
			t.Errorf("-%s is --%s and --%s", f.Shorthand, other, f.Name)
		}
		shorthands[f.Shorthand] = f.Name
		if f.Name != strings.ToLower(f.Name) || strings.HasSuffix(f.Usage, ".") || f.Usage == "" {
			t.Errorf("%s --%s: %q", command, f.Name, f.Usage)
		}
	})
}

// TestArguments: a command either takes names or refuses them in our words; none
// leaves that to cobra.
func TestArguments(t *testing.T) {
	for _, c := range cli.Root().Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		_, takes, _ := strings.Cut(c.Use, " ")
		switch {
		case takes == "" && c.Args == nil:
			t.Errorf("%s takes no names, and does not refuse them", c.Name())
		case takes != "" && c.Args == nil && !strings.Contains(takes, "…]"):
			t.Errorf("%s takes %s, and does not look how many there are", c.Name(), takes)
		case c.ValidArgsFunction == nil && takes != "":
			t.Errorf("%s completes no names", c.Name())
		}
	}
}

// flagTable is the table of all flags, for the list of commands.
func flagTable(commands []*cobra.Command) string {
	uses := map[string][]string{}
	var names []string
	shapes, usages := map[string]flagShape{}, map[string]string{}
	for _, c := range commands {
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return // cobra's own
			}
			if uses[f.Name] == nil {
				names = append(names, f.Name)
			}
			uses[f.Name] = append(uses[f.Name], c.Name())
			shapes[f.Name], usages[f.Name] = shapeOf(f), f.Usage
		})
	}
	var b strings.Builder
	b.WriteString(
		"\n## Flags\n\nA flag has the same name, type and meaning in every command that has it. `-C`, `--dir` and `--help` are of all.\n\n" +
			"| flag | type | meaning | commands |\n|---|---|---|---|\n",
	)
	for _, name := range slices.Sorted(slices.Values(names)) {
		s := shapes[name]
		meaning := s.usage
		if len(uses[name]) == 1 {
			meaning = usages[name]
		}
		flag := "`--" + name + "`"
		if s.shorthand != "" {
			flag = "`-" + s.shorthand + "`, " + flag
		}
		fmt.Fprintf(
			&b,
			"| %s | %s | %s | %s |\n",
			flag,
			s.kind,
			strings.ReplaceAll(meaning, "<", "&lt;"),
			strings.Join(uses[name], ", "),
		)
	}
	return b.String()
}
