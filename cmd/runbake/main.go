// Runbake reads definitions of function runtimes and bakes their container
// images. Run it without arguments for help.
package main

import (
	"os"
	"runtime/debug"

	"golang.org/x/term"

	"github.com/runbake/runbake/pkg/cli"
)

func main() {
	debug.SetGCPercent(400) // commands are short: collecting little costs a third less time
	_, noColor := os.LookupEnv("NO_COLOR")
	os.Exit(cli.Main(cli.Env{
		Args:      os.Args[1:],
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		LookupEnv: os.LookupEnv,
		Color:     !noColor && term.IsTerminal(int(os.Stderr.Fd())),
	}))
}
