// The tour does the main job from end to end on a bare machine, and shows it:
// definitions, the emitted docker-bake.hcl, images of one interpreted and one
// compiled runtime for both platforms in a registry of its own. It needs no
// Docker and no Docker Hub.
//
//	go run ./tests/tour
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

func main() {
	names := flag.String("runtimes", "node-24,go-1.26,debian-12", "runtimes to build")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := tour(ctx, os.Stdout, strings.Split(*names, ","))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

func tour(ctx context.Context, out io.Writer, runtimes []string) (err error) {
	fmt.Fprintln(out, "bringing up a registry and stand-ins for the official images (minutes the first time)")
	b, err := bench.Start(ctx, bench.Options{Log: out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	bases, err := basesOf(ctx, b.Tool("runbake"), runtimes)
	if err != nil {
		return err
	}
	if err := b.MakeStandIns(ctx, bases); err != nil {
		return err
	}
	machine, err := b.Embedded("embedded")
	if err != nil {
		return err
	}
	env := slices.Concat(machine.Env, []string{"REGISTRY=" + b.Registry() + "/runbake"})
	for _, command := range [][]string{{"generate"}, {"list"}} {
		if err := show(ctx, out, env, b.Tool("runbake"), command...); err != nil {
			return err
		}
	}
	start := time.Now()
	if err := show(ctx, out, env, b.Tool("runbake"), slices.Concat([]string{"build", "--push", "--platform", "all"}, runtimes)...); err != nil {
		return err
	}
	fmt.Fprintf(out, "built and pushed in %.1f s\n\n", time.Since(start).Seconds())
	images, err := bench.PushedImages(ctx, b.Registry())
	if err != nil {
		return err
	}
	return table(out, images)
}

// basesOf are the base images of runtimes, as runbake plan has them.
func basesOf(ctx context.Context, runbake string, runtimes []string) ([]string, error) {
	out, err := exec.CommandContext(ctx, runbake, slices.Concat([]string{"plan", "--format=json"}, runtimes)...).Output()
	if err != nil {
		return nil, fmt.Errorf("runbake plan: %w", err)
	}
	var plan []struct{ Bases []string }
	if err := json.Unmarshal(out, &plan); err != nil {
		return nil, err
	}
	var bases []string
	for _, p := range plan {
		bases = append(bases, p.Bases...)
	}
	slices.Sort(bases)
	return slices.Compact(bases), nil
}

// show runs runbake as a user would see it.
func show(ctx context.Context, out io.Writer, env []string, runbake string, args ...string) error {
	fmt.Fprintf(out, "\n$ runbake %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, runbake, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	return cmd.Run()
}

func table(out io.Writer, images []bench.Pushed) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tPLATFORM\tDIGEST\tSIZE")
	for _, i := range images {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f MB\n", i.Name, i.Platform, i.Digest[:19], float64(i.Size)/1e6)
	}
	return w.Flush()
}
