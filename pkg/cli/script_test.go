package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/runbake/runbake/pkg/cli"
)

var update = flag.Bool("update", false, "write what the scripts get into their golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"runbake": func() { os.Exit(run()) },
	})
}

// isJSON finds the argument that asks for JSON.
func isJSON(arg string) bool { return arg == "json" || arg == "--format=json" }

// run is the process that scripts start. JSON that its schema does not allow goes to
// a file as well: the command may be one that is meant to fail.
func run() int {
	var out bytes.Buffer
	code := cli.Main(context.Background(), cli.Env{
		Args: os.Args[1:], Stdout: io.MultiWriter(os.Stdout, &out), Stderr: os.Stderr, LookupEnv: os.LookupEnv, Now: now,
		Build: build(),
	})
	if slices.ContainsFunc(os.Args, isJSON) && out.Len() > 0 {
		if err := cli.CheckJSON(os.Getenv("SCHEMAS"), out.Bytes()); err != nil {
			text := fmt.Appendf(nil, "runbake %s: %v\n%s", strings.Join(os.Args[1:], " "), err, &out)
			if err := os.WriteFile(os.Getenv("BADJSON"), text, 0o600); err != nil {
				panic(err)
			}
		}
	}
	return code
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
		Setup: func(env *testscript.Env) error {
			schemas, err := filepath.Abs(filepath.Join("..", "..", "docs", "schemas"))
			bad := filepath.Join(t.TempDir(), "bad.json")
			env.Setenv("SCHEMAS", schemas)
			env.Setenv("BADJSON", bad)
			env.Defer(func() {
				if text, err := os.ReadFile(bad); err == nil {
					t.Errorf("%s", text)
				}
			})
			return err
		},
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
