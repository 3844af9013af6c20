package cli_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
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
				Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv, Now: now, Build: build(),
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

// build is this program, or a release that a script has named: VERSION, and the
// commit REVISION if it was built in a clone.
func build() *debug.BuildInfo {
	info, _ := debug.ReadBuildInfo()
	version, released := os.LookupEnv("VERSION")
	if !released {
		return info
	}
	info = &debug.BuildInfo{Main: debug.Module{Version: version}, Deps: []*debug.Module{
		{Path: "github.com/docker/buildx", Version: "v0.1.2"},
		{Path: "github.com/moby/buildkit", Version: "v0.3.4"},
	}}
	if revision, known := os.LookupEnv("REVISION"); known {
		info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: "false"}}
	}
	return info
}

// TestScript runs what users type. Each script is a repository, commands, and
// what they print.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds:                commands(),
	})
}

// commands are what scripts do beside running programs.
//
//	socket FILE    make a socket, on which nobody listens
func commands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	all := maps.Clone(registryCommands)
	all["socket"] = func(ts *testscript.TestScript, _ bool, args []string) {
		dir, err := os.MkdirTemp("", "socket") // the path of a socket is short
		ts.Check(err)
		short := filepath.Join(dir, "s")
		listener, err := net.Listen("unix", short) //nolint:noctx // it listens for nobody
		ts.Check(err)
		ts.Defer(func() { _ = errors.Join(listener.Close(), os.RemoveAll(dir)) })
		ts.Check(os.Rename(short, ts.MkAbs(args[0])))
	}
	return all
}
