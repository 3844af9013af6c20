package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// contender is a way to build and push all images of this repository.
type contender struct {
	name string
	push func(context.Context) error
}

// timeBuild pushes the images of this repository for both platforms, again and
// again: as a push script does, with bake, and with runbake. BuildKit has built
// them before.
func timeBuild(ctx context.Context, runs int) (err error) {
	b, err := bench.Start(ctx, bench.Options{Log: os.Stderr, StandIns: bench.StandIns()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	p, err := newPusher(ctx, b, "all")
	if err != nil {
		return err
	}
	if err := p.start(ctx, bench.BuildKitOptions{State: "warm"}); err != nil {
		return err
	}
	ways := func(folder string) []contender { return append(p.ways(folder), p.forced(folder)) }
	known := ways("known")
	for _, c := range known { // what it needs is in the cache then
		if err := c.push(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	empty, err := medians(ctx, runs, func(round int) []contender { return ways(fmt.Sprint("new-", round)) }, func() error { return nil })
	if err != nil {
		return err
	}
	again := func(int) []contender { return known }
	same, err := medians(ctx, runs, again, func() error { return nil })
	if err != nil {
		return err
	}
	changed, err := medians(ctx, runs, again, func() error { // as no earlier run did, whose steps are in the cache
		return appendTo(filepath.Join(p.repo, "runtimes/node/server.js"), fmt.Sprintf("// %d\n", time.Now().UnixNano()))
	})
	if err != nil {
		return err
	}
	fmt.Printf("| %d images, both platforms | nothing in the registry | nothing changed | one runtime changed |\n|---|---:|---:|---:|\n", len(p.targets))
	for i, c := range known {
		fmt.Printf("| %s | %s | %s | %s |\n", c.name, show(empty[i]), show(same[i]), show(changed[i]))
	}
	return nil
}

// copyRepository makes a copy of what images are made of, and says which there
// are.
func copyRepository(ctx context.Context, dir, runbake string) (repo string, targets []string, err error) {
	repo = filepath.Join(dir, "repo")
	if out, err := exec.CommandContext(ctx, "sh", "-c", `mkdir "$0" && cp -R runbake.hcl docker-bake.hcl runtimes "$0" && mkdir "$0/tests" && cp -R tests/fixtures "$0/tests" && cp -R cmd "$0"`, repo).CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("copying the repository: %w: %s", err, out)
	}
	targets, err = defaultTargets(ctx, runbake, repo)
	return repo, targets, err
}

// pusher pushes the images of a copy of this repository.
type pusher struct {
	bench    *bench.Bench
	platform string   // one, or all
	repo     string   // the copy
	targets  []string // what bake builds without names
	kit      *bench.BuildKit
	buildx   *bench.Buildx
}

func newPusher(ctx context.Context, b *bench.Bench, platform string) (*pusher, error) {
	dir, err := b.Dir("speed")
	if err != nil {
		return nil, err
	}
	repo, targets, err := copyRepository(ctx, dir, b.Tool("runbake"))
	return &pusher{bench: b, platform: platform, repo: repo, targets: targets}, err
}

// start starts a BuildKit, which all ways use from then on.
func (p *pusher) start(ctx context.Context, opts bench.BuildKitOptions) (err error) {
	if p.kit, err = p.bench.StartBuildKit(ctx, opts); err != nil {
		return err
	}
	p.buildx, err = p.bench.NewBuildx(ctx, bench.Node{Addr: p.kit.Addr})
	return err
}

// ways are the contenders, from a script to runbake. Each has a place of its own
// below a folder of the registry.
func (p *pusher) ways(folder string) []contender {
	return []contender{
		{"one target after another, `buildx bake --push TARGET`", func(ctx context.Context) error {
			for _, t := range p.targets {
				if err := p.bake(ctx, folder+"/single", t); err != nil {
					return err
				}
			}
			return nil
		}},
		{"`buildx bake --push`", func(ctx context.Context) error { return p.bake(ctx, folder+"/bake") }},
		{"`runbake build --push`", func(ctx context.Context) error { return p.build(ctx, folder+"/runbake") }},
	}
}

// forced is runbake where it builds what is there already.
func (p *pusher) forced(folder string) contender {
	return contender{"`runbake build --push --force`", func(ctx context.Context) error { return p.build(ctx, folder+"/force", "--force") }}
}

func (p *pusher) bake(ctx context.Context, place string, args ...string) error {
	env := []string{p.registry(place)}
	if p.platform != "all" {
		env = append(env, "PLATFORM="+p.platform)
	}
	_, err := p.buildx.Run(ctx, p.repo, env, append([]string{"bake", "--push"}, args...)...)
	return err
}

func (p *pusher) build(ctx context.Context, place string, args ...string) error {
	cmd := exec.CommandContext(ctx, p.bench.Tool("runbake"), append([]string{"build", "--push", "--platform=" + p.platform, "--progress=quiet", "--addr=" + p.kit.Addr}, args...)...)
	cmd.Dir, cmd.Env = p.repo, append(os.Environ(), p.registry(place))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// registry is the variable that says where images go.
func (p *pusher) registry(place string) string {
	return "REGISTRY=" + p.bench.Registry() + "/speed/" + place
}

// settled is when BuildKit has written down what it has built: three seconds
// after its end it stores the trace of each build, and what runs then waits.
const settled = 6 * time.Second

// medians times the ways of each round in turn, so that all meet the same
// machine. before is called before each run.
func medians(ctx context.Context, rounds int, ways func(round int) []contender, before func() error) ([]time.Duration, error) {
	var times [][]time.Duration
	for round := range rounds {
		contenders := ways(round)
		times = slices.Grow(times, len(contenders))[:len(contenders)]
		for i, c := range contenders {
			if err := before(); err != nil {
				return nil, err
			}
			time.Sleep(settled)
			start := time.Now()
			if err := c.push(ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	middle := make([]time.Duration, len(times))
	for i, t := range times {
		slices.Sort(t)
		middle[i] = t[len(t)/2]
	}
	return middle, nil
}

func appendTo(name, text string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// defaultTargets are the targets that bake builds without names.
func defaultTargets(ctx context.Context, runbake, repo string) ([]string, error) {
	cmd := exec.CommandContext(ctx, runbake, "plan", "--format=json")
	cmd.Dir = repo
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("runbake plan: %w", err)
	}
	var plan struct{ Items []struct{ Target string } }
	if err := json.Unmarshal(out, &plan); err != nil {
		return nil, err
	}
	var targets []string
	for _, p := range plan.Items {
		targets = append(targets, p.Target)
	}
	return targets, nil
}
