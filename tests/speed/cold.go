package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/runbake/runbake/tests/bench"
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
	fmt.Printf("| %d images | nothing cached, %s |\n|---|---:|\n", len(p.targets), platform)
	for _, c := range p.ways("cold") {
		if err := p.start(ctx, bench.BuildKitOptions{}); err != nil {
			return err
		}
		start := time.Now()
		if err := c.push(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Printf("| %s | %s |\n", c.name, show(time.Since(start)))
		if _, err := p.kit.Ctl(ctx, "prune", "--all"); err != nil { // a disk need not hold what all of them keep
			return err
		}
	}
	return nil
}
