// Runbake reads definitions of function runtimes and bakes their container
// images. Run it without arguments for help.
package main

import (
	"os"

	"golang.org/x/term"

	"github.com/runbake/runbake/pkg/cli"
)

func main() {
	_, noColor := os.LookupEnv("NO_COLOR")
	os.Exit(cli.Main(cli.Env{
		Args:      os.Args[1:],
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		LookupEnv: os.LookupEnv,
		Color:     !noColor && term.IsTerminal(int(os.Stderr.Fd())),
	}))
}
