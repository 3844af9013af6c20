// The tour does the main job from end to end on a bare machine, and shows it:
// definitions, the emitted docker-bake.hcl, an image for this machine and a
// function that answers in it; then images of an interpreted and a compiled
// runtime for both platforms, in a registry of its own. It needs no Docker.
// Base images come from Docker Hub, or where that cannot be reached from
// stand-ins that it makes.
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

	"github.com/runbake/runbake/tests/bench"
	"github.com/runbake/runbake/tests/timing"
)

func main() {
	first := flag.String("first", "node-24", "runtime that is built for this machine and answers")
	rest := flag.String("then", "node-24,go-1.26,debian-12", "images that are built for both platforms; none if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t := &tour{out: os.Stdout}
	err := t.run(ctx, *first, *rest)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

// tour is one that is under way.
type tour struct {
	*bench.Bench
	out   io.Writer
	env   []string // of runbake
	begun timing.Cost
	last  timing.Cost
	rows  []timing.Row
}

func (t *tour) run(ctx context.Context, first, rest string) (err error) {
	if t.begun, err = timing.Now(); err != nil {
		return err
	}
	t.last = t.begun
	hub := bench.HubAnswers(ctx)
	from := "Docker Hub"
	if !hub {
		from = "stand-ins that are made here, as Docker Hub does not answer"
	}
	fmt.Fprintf(t.out, "base images come from %s; the first time, minutes go into compiling runbake and BuildKit\n", from)
	t.Bench, err = bench.Start(ctx, bench.Options{Log: t.out, Hub: hub, Tools: []string{"buildkitd", "probe", "runbake", "scanner"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := t.took("programs, a registry, Debian"); err != nil {
		return err
	}
	if err := t.answers(ctx, hub, first); err != nil {
		return err
	}
	if rest != "" {
		if err := t.both(ctx, hub, strings.Split(rest, ",")); err != nil {
			return err
		}
	}
	report := timing.Report{Result: "done", Rows: t.rows, Total: t.last.Sub(t.begun)}
	fmt.Fprintln(t.out)
	return report.Table(t.out)
}

// answers builds a runtime for this machine, and runs a function in it.
func (t *tour) answers(ctx context.Context, hub bool, id string) error {
	if err := t.bases(ctx, hub, id); err != nil {
		return err
	}
	machine, err := t.Embedded("embedded")
	if err != nil {
		return err
	}
	t.env = slices.Concat(machine.Env, []string{"REGISTRY=" + t.Registry() + "/runbake"})
	for _, command := range [][]string{{"generate"}, {"list", id}, {"test", id, "--probe", t.Mounted("probe")}} {
		if err := t.show(ctx, command...); err != nil {
			return err
		}
	}
	return t.took("an image for this machine, and a function that answers in it")
}

// both builds and pushes images for both platforms.
func (t *tour) both(ctx context.Context, hub bool, ids []string) error {
	if err := t.bases(ctx, hub, ids...); err != nil {
		return err
	}
	if err := t.show(ctx, slices.Concat([]string{"build", "--push", "--platform", "all"}, ids)...); err != nil {
		return err
	}
	images, err := bench.PushedImages(ctx, t.Registry())
	if err != nil {
		return err
	}
	return errors.Join(table(t.out, images), t.took("images for both platforms, pushed"))
}

// took notes what has been done since the last time.
func (t *tour) took(what string) error {
	now, err := timing.Now()
	t.rows = append(t.rows, timing.Row{Part: what, Cost: now.Sub(t.last)})
	t.last = now
	return err
}

// bases makes the stand-ins for the base images of runtimes, as runbake plan
// has them.
func (t *tour) bases(ctx context.Context, hub bool, ids ...string) error {
	if hub {
		return nil
	}
	out, err := exec.CommandContext(ctx, t.Tool("runbake"), slices.Concat([]string{"plan", "--format=json"}, ids)...).Output()
	if err != nil {
		return fmt.Errorf("runbake plan: %w", err)
	}
	var plan struct{ Items []struct{ Bases []string } }
	if err := json.Unmarshal(out, &plan); err != nil {
		return err
	}
	var bases []string
	for _, p := range plan.Items {
		bases = append(bases, p.Bases...)
	}
	slices.Sort(bases)
	return t.MakeStandIns(ctx, slices.Compact(bases))
}

// show runs runbake as a user would see it.
func (t *tour) show(ctx context.Context, args ...string) error {
	shown := strings.ReplaceAll(strings.Join(args, " "), t.Mounted("probe"), "…")
	fmt.Fprintf(t.out, "\n$ runbake %s\n", shown)
	cmd := exec.CommandContext(ctx, t.Tool("runbake"), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = t.env, t.out, t.out
	return cmd.Run()
}

func table(out io.Writer, images []bench.Pushed) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nIMAGE\tPLATFORM\tDIGEST\tSIZE")
	for _, i := range images {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f MB\n", i.Name, i.Platform, i.Digest[:19], float64(i.Size)/1e6)
	}
	return w.Flush()
}
