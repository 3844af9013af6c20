// Load starts the server of a runtime inside of its image, as the executor
// does, and asks more of it than the contract's questions do: thousands of
// requests at once (load), what no client should send (hostile, and by chance
// requests), or how fast it is (speed). What it finds it writes as JSON. It is static, with the standard
// library only, so that it runs in any image.
//
//	load load    -code code.tar.gz -file handler.js -requests 10000
//	load hostile -code code.tar.gz -file handler.js -patience 2m
//	load requests -code code.tar.gz -file handler.js -requests 100000 -seed 7
//	load requests -address 127.0.0.1:3000 -key secret -file handler.js
//	load speed   -code code.tar.gz -file index.js -time 3s
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// options say which function a server runs, and how much is asked of it.
type options struct {
	code     string          // the function, built and packed
	file     string          // its entry point
	requests int             // of load and requests, all in all
	seed     uint64          // of requests
	address  string          // of requests: a server that runs already; "" to start one
	key      string          // of that server
	patience time.Duration   // of hostile, for silent connections to be ended; 0 to end them ourselves
	time     time.Duration   // of speed, for each measurement
	wrap     func(*exec.Cmd) // how the server is started otherwise, if it is not nil
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	modes := map[string]func(context.Context, options) (any, error){
		"load": load, "hostile": hostile, "requests": requests, "speed": speed,
	}
	if len(args) == 0 || modes[args[0]] == nil {
		return errors.New("usage: load load|hostile|requests|speed [options]")
	}
	var o options
	var out string
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&o.code, "code", "", "the function, built and packed")
	flags.StringVar(&o.file, "file", "", "its entry point")
	flags.IntVar(&o.requests, "requests", 10_000, "number of requests of load and requests")
	flags.Uint64Var(&o.seed, "seed", 1, "what the requests of requests follow from")
	flags.StringVar(&o.address, "address", "", "host and port of a server that runs already, for requests; its function is in "+codeDir)
	flags.StringVar(&o.key, "key", key, "the key of that server")
	flags.DurationVar(&o.patience, "patience", 0, "how long silent connections may live; 0 to leave that alone")
	flags.DurationVar(&o.time, "time", 3*time.Second, "length of each measurement of speed")
	flags.StringVar(&out, "out", "/tmp/load/report.json", "where the report goes")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	report, err := modes[args[0]](ctx, o)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o600)
}
