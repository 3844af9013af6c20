package cli_test

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/runbake/runbake/pkg/cli"
)

var update = flag.Bool("update", false, "write what the scripts get into their golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"runbake": func() {
			os.Exit(cli.Main(context.Background(), cli.Env{
				Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Now: now,
			}))
		},
	})
}

// now is the day that a script has set, or today.
func now() time.Time {
	if day, err := time.Parse(time.DateOnly, os.Getenv("TODAY")); err == nil {
		return day
	}
	return time.Now()
}

// TestScript runs what users type. Each script is a repository, commands, and
// what they print.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds:                registryCommands,
	})
}
