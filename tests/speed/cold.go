package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// timeCold pushes the images of this repository for both platforms, each way on
// a BuildKit that has built nothing and to a place of the registry that has
// nothing. Base images come from a registry on the same machine. Once each: a
// run takes minutes.
func timeCold(ctx context.Context, dir string) (err error) {
	b, err := bench.Start(ctx, bench.Options{Log: os.Stderr, StandIns: bench.StandIns()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	repo, targets, err := copyRepository(ctx, dir, b.Tool("runbake"))
	if err != nil {
		return err
	}
	fmt.Printf("| %d images, both platforms | nothing cached |\n|---|---:|\n", len(targets))
	for i := range contenders(b, nil, "", repo, targets) {
		if err := cold(ctx, b, repo, targets, i); err != nil {
			return err
		}
	}
	return nil
}

// cold times one way.
func cold(ctx context.Context, b *bench.Bench, repo string, targets []string, i int) error {
	kit, err := b.StartBuildKit(ctx, bench.BuildKitOptions{})
	if err != nil {
		return err
	}
	buildx, err := b.NewBuildx(ctx, bench.Node{Addr: kit.Addr})
	if err != nil {
		return err
	}
	c := contenders(b, buildx, kit.Addr, repo, targets)[i]
	start := time.Now()
	if err := c.push(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	fmt.Printf("| %s | %s |\n", c.name, show(time.Since(start)))
	_, err = kit.Ctl(ctx, "prune", "--all") // a disk need not hold what all of them keep
	return err
}
