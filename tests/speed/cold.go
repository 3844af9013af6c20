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
	fmt.Printf("| %d images | nothing cached, %s | processors busy | idle |\n|---|---:|---:|---:|\n", len(p.targets), platform)
	for _, c := range p.ways("cold") {
		if err := p.start(ctx, bench.BuildKitOptions{}); err != nil {
			return err
		}
		before, err := processors()
		if err != nil {
			return err
		}
		start := time.Now()
		if err := c.push(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		took := time.Since(start)
		after, err := processors()
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %s | %.0f s | %.0f s |\n", c.name, show(took), after.busy-before.busy, after.idle-before.idle)
		if _, err := p.kit.Ctl(ctx, "prune", "--all"); err != nil { // a disk need not hold what all of them keep
			return err
		}
	}
	return nil
}

// cpuTime is what the processors of the machine have done since it started, in
// seconds of all of them together.
type cpuTime struct{ busy, idle float64 }

// processors reads it from the first line of /proc/stat, in hundredths of a
// second: user, nice, system, idle, iowait, irq, softirq, steal;
// https://man7.org/linux/man-pages/man5/proc_stat.5.html.
func processors() (t cpuTime, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t, err
	}
	var n [8]float64
	if _, err := fmt.Sscanf(string(text), "cpu %f %f %f %f %f %f %f %f", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]); err != nil {
		return t, fmt.Errorf("/proc/stat: %w", err)
	}
	return cpuTime{busy: (n[0] + n[1] + n[2] + n[5] + n[6]) / 100, idle: (n[3] + n[4]) / 100}, nil
}
