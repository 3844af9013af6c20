package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/runbake/runbake/pkg/diag"
)

// unknownCommand is what is wrong when no command is called as somebody typed. nil
// if one is.
func unknownCommand(root *cobra.Command, args []string) error {
	_, rest, err := root.Find(args)
	if err == nil {
		return nil
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.AddFlagSet(root.PersistentFlags())
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	if _ = flags.Parse(rest); flags.NArg() == 0 { // whatever is wrong behind the name
		return err
	}
	var known []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return unknown("command", flags.Arg(0), known, "runbake --help")
}

// unknown is a name that nothing has: what was probably meant, or else where all
// names are listed.
func unknown(what, given string, known []string, list string) error {
	if near := diag.Suggest(given, known); near != "" {
		return fmt.Errorf("unknown %s %q; did you mean %q?", what, given, near)
	}
	return fmt.Errorf("unknown %s %q; %s lists all", what, given, list)
}

// noArgs refuses arguments of a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no arguments, but got %q; see %[1]s --help", cmd.CommandPath(), args[0])
}

// flagError says which flag is wrong, and what it takes.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if takes := valuesOf(invalid.GetFlag()); takes != "" {
			return fmt.Errorf("--%s=%s: give %s", invalid.GetFlag().Name, invalid.GetValue(), takes)
		}
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		takes := valuesOf(missing.GetFlag())
		if takes == "" {
			takes = "a value"
		}
		return fmt.Errorf("--%s: give %s", missing.GetFlag().Name, takes)
	}
	if unnamed, ok := errors.AsType[*pflag.NotExistError](err); ok {
		given := unnamed.GetSpecifiedName()
		if unnamed.GetSpecifiedShortnames() != "" {
			return fmt.Errorf("unknown flag %q; %s --help lists all", "-"+given, cmd.CommandPath())
		}
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		return unknown("flag", "--"+given, known, cmd.CommandPath()+" --help")
	}
	if syntax, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return fmt.Errorf("%q is not a flag; %s --help lists all", syntax.GetSpecifiedFlag(), cmd.CommandPath())
	}
	return err
}

// valuesOf is what a flag takes; "" for any text.
func valuesOf(f *pflag.Flag) string {
	return map[string]string{
		"int": "a number", "duration": "a time such as 30s or 5m", "bool": "true or false",
		"stringToString": "platform=runner",
	}[f.Value.Type()]
}

// checkWord checks the value of a flag that takes one of a few words.
func checkWord(flag, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("--%s=%s: give %s", flag, value, alternatives(allowed))
}

// checkFormat checks the value of --format.
func checkFormat(value string, allowed ...string) error {
	return checkWord("format", value, allowed...)
}

// alternatives lists words: a, b or c.
func alternatives(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// checkExclusive refuses flags that contradict each other: of those that are given
// there may be one.
func checkExclusive(given map[string]bool) error {
	var names []string
	for name, is := range given {
		if is {
			names = append(names, "--"+name)
		}
	}
	if len(names) < 2 {
		return nil
	}
	slices.Sort(names)
	last := len(names) - 1
	return fmt.Errorf("%s and %s contradict each other: give one of them", strings.Join(names[:last], ", "), names[last])
}
