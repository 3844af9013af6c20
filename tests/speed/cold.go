package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/runbake/runbake/tests/bench"
	"github.com/runbake/runbake/tests/timing"
)

// timeCold pushes the images of this repository for one platform, or all, each
// way on a BuildKit that has built nothing and to a place of the registry that
// has nothing. Base images come from a registry on the same machine. Once each:
// a run takes minutes.
func timeCold(ctx context.Context, platform string) (err error) {
	b, err := bench.Start(ctx, bench.Options{Log: os.Stderr, StandIns: bench.StandIns()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	p, err := newPusher(ctx, b, platform)
	if err != nil {
		return err
	}
	fmt.Printf("| %d images | nothing cached, %s | processors busy | idle |\n|---|---:|---:|---:|\n", len(p.targets), platform)
	for _, c := range p.ways("cold") {
		if err := p.start(ctx, bench.BuildKitOptions{}); err != nil {
			return err
		}
		before, err := timing.Now()
		if err != nil {
			return err
		}
		if err := c.push(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		after, err := timing.Now()
		if err != nil {
			return err
		}
		took := after.Sub(before)
		idle := took.Wall*float64(runtime.NumCPU()) - took.Processor
		fmt.Printf("| %s | %.0f s | %.0f s | %.0f s |\n", c.name, took.Wall, took.Processor, idle)
		if err := p.buildx.Prune(ctx); err != nil { // a disk need not hold what all of them keep
			return err
		}
	}
	return nil
}
