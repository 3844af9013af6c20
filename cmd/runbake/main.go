// Runbake reads definitions of function runtimes and bakes their container
// images. Run it without arguments for help.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/runbake/runbake/pkg/cli"
)

func main() {
	// Commands are short: collecting little takes a third less time. The check of
	// thousands of images sets a percentage of its own.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(2 << 30)
	// The first interrupt lets a command end in order, the second ends it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	_, noColor := os.LookupEnv("NO_COLOR")
	build, _ := debug.ReadBuildInfo() // nil where there is none
	terminal := term.IsTerminal(int(os.Stderr.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
	os.Exit(cli.Main(ctx, cli.Env{
		Args:      os.Args[1:],
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		LookupEnv: os.LookupEnv,
		Now:       time.Now,
		Build:     build,
		Color:     !noColor && terminal,
		Terminal:  term.IsTerminal(int(os.Stdout.Fd())),
	}))
}
