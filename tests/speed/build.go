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
func timeBuild(ctx context.Context, dir string, runs int) (err error) {
	b, err := bench.Start(ctx, bench.Options{Log: os.Stderr, StandIns: bench.StandIns()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	kit, err := b.StartBuildKit(ctx, bench.BuildKitOptions{State: "warm"})
	if err != nil {
		return err
	}
	buildx, err := b.NewBuildx(ctx, bench.Node{Addr: kit.Addr})
	if err != nil {
		return err
	}
	repo, targets, err := copyRepository(ctx, dir, b.Tool("runbake"))
	if err != nil {
		return err
	}
	ways := contenders(b, buildx, kit.Addr, repo, targets)
	ways = append(ways, contender{"`runbake build --push --force`", runbakePush(b, kit.Addr, repo, "force", "--force")})
	for _, c := range ways { // what it needs is in the cache then
		if err := c.push(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	same, err := medians(ctx, runs, ways, func() error { return nil })
	if err != nil {
		return err
	}
	changes := 0
	changed, err := medians(ctx, runs, ways, func() error {
		changes++
		return appendTo(filepath.Join(repo, "runtimes/node/server.js"), fmt.Sprintf("// %d\n", changes))
	})
	if err != nil {
		return err
	}
	fmt.Printf("| %d images, both platforms | nothing changed | one runtime changed |\n|---|---:|---:|\n", len(targets))
	for i, c := range ways {
		fmt.Printf("| %s | %s | %s |\n", c.name, show(same[i]), show(changed[i]))
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

// contenders are the ways, from a script's to runbake's. Each has a place of its
// own in the registry.
func contenders(b *bench.Bench, buildx *bench.Buildx, addr, repo string, targets []string) []contender {
	bake := func(ctx context.Context, name string, args ...string) error {
		_, err := buildx.Run(ctx, repo, []string{place(b, name)}, append([]string{"bake", "--push"}, args...)...)
		return err
	}
	return []contender{
		{"one target after another, `buildx bake --push TARGET`", func(ctx context.Context) error {
			for _, t := range targets {
				if err := bake(ctx, "single", t); err != nil {
					return err
				}
			}
			return nil
		}},
		{"`buildx bake --push`", func(ctx context.Context) error { return bake(ctx, "bake") }},
		{"`runbake build --push`", runbakePush(b, addr, repo, "runbake")},
	}
}

// runbakePush pushes with runbake to the named place of the registry.
func runbakePush(b *bench.Bench, addr, repo, name string, args ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, b.Tool("runbake"), append([]string{"build", "--push", "--platform=all", "--progress=quiet", "--addr=" + addr}, args...)...)
		cmd.Dir, cmd.Env = repo, append(os.Environ(), place(b, name))
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

// place is the variable that says where in the registry images go.
func place(b *bench.Bench, name string) string { return "REGISTRY=" + b.Registry() + "/speed/" + name }

// medians times the ways in turn, so that all meet the same machine. before is
// called before each run.
func medians(ctx context.Context, runs int, ways []contender, before func() error) ([]time.Duration, error) {
	times := make([][]time.Duration, len(ways))
	for range runs {
		for i, c := range ways {
			if err := before(); err != nil {
				return nil, err
			}
			start := time.Now()
			if err := c.push(ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	middle := make([]time.Duration, len(ways))
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
	var plan []struct{ Target string }
	if err := json.Unmarshal(out, &plan); err != nil {
		return nil, err
	}
	var targets []string
	for _, p := range plan {
		targets = append(targets, p.Target)
	}
	return targets, nil
}
