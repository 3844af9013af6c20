// Package bench brings up what images are really built, stored and run with: a
// registry, BuildKit, buildx, Docker, emulation of the other platform, and
// stand-ins for the official base images, on a machine that reaches no image
// registry. Tests and the tour use it; nothing of it is part of runbake.
//
// It runs on Debian 12 as root. What it needs of Debian it installs; what is
// slow to make it keeps in the user's cache folder. Everything listens on
// loopback, and everything that was started ends with Close, or with the
// process.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runbake/runbake/tests/timing"
)

// Bench is a set of running parts.
type Bench struct {
	dir      string // removed by Close
	cache    *cache
	log      io.Writer
	bin      string     // folder of the programs
	hub      bool       // base images come from Docker Hub
	mirror   *registry  // has the stand-ins; kept between runs
	registry *registry  // empty at the start
	apting   sync.Mutex // held by who uses the bench's own folders of apt
	mu       sync.Mutex // guards closers
	closers  []func() error
}

// Options say what a bench is like.
type Options struct {
	// Log takes lines that tell what is made and how long it took.
	Log io.Writer
	// StandIns names the images that are needed, as on Docker Hub; see
	// [StandIns]. The scanner for SBOMs is always there.
	StandIns []string
	// Tools are the programs that are needed; nil for all. See [BuildTools].
	Tools []string
	// Hub takes images from Docker Hub: nothing stands in for them.
	Hub bool
}

// Start brings up both registries, the programs, emulation and the stand-ins.
func Start(ctx context.Context, opts Options) (b *Bench, err error) {
	if b, err = open(ctx, opts.Log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
			b = nil
		}
	}()
	if b.registry, err = b.startRegistry(ctx, "registry", b.Storage()); err != nil {
		return b, err
	}
	b.hub = opts.Hub
	if b.bin, err = b.tools(ctx, opts.Tools); err != nil || b.hub {
		return b, err
	}
	err = b.MakeStandIns(ctx, append([]string{scannerImage}, opts.StandIns...))
	return b, err
}

// open brings up what stand-ins are made with.
func open(ctx context.Context, log io.Writer) (b *Bench, err error) {
	if !Possible() {
		return nil, errors.New("the bench runs on Linux, as root: it starts BuildKit and sets up emulation")
	}
	if log == nil {
		log = io.Discard
	}
	dir, err := os.MkdirTemp("", "runbake-bench-")
	if err != nil {
		return nil, err
	}
	b = &Bench{dir: dir, log: &lines{out: log}}
	b.onClose(func() error { return os.RemoveAll(dir) })
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
			b = nil
		}
	}()
	if b.cache, err = openCache(); err != nil {
		return b, err
	}
	if err := b.cache.tidy(); err != nil {
		return b, err
	}
	if err := b.install(ctx, "runc", "docker-registry", "qemu-user-static", "binfmt-support", "ca-certificates"); err != nil {
		return b, err
	}
	if err := b.emulate(ctx); err != nil {
		return b, err
	}
	b.mirror, err = b.startRegistry(ctx, "mirror", b.cache.path("mirror"))
	return b, err
}

// Require skips a test where there can be no bench, unless RUNBAKE_BENCH=require
// makes that a failure.
func Require(t testing.TB) {
	t.Helper()
	required := os.Getenv("RUNBAKE_BENCH") == "require"
	switch {
	case testing.Short() && !required:
		t.Skip("the bench is slow: not run with -short")
	case !Possible() && !required:
		t.Skip("the bench runs on Linux, as root; RUNBAKE_BENCH=require makes this a failure")
	}
}

// ForTest starts a bench that ends with the test. Where there can be none see
// [Require].
func ForTest(t testing.TB, opts Options) *Bench {
	t.Helper()
	Require(t)
	if opts.Log == nil {
		opts.Log = testLog{t}
	}
	b, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

// Registry is the address, host:port, of the registry that starts empty.
func (b *Bench) Registry() string { return b.registry.addr }

// Storage is the folder of everything that this registry has.
func (b *Bench) Storage() string { return filepath.Join(b.dir, "registry") }

// Mirror is the address of the registry that stands for Docker Hub.
func (b *Bench) Mirror() string { return b.mirror.addr }

// Dir is a new folder that ends with the bench.
func (b *Bench) Dir(name string) (string, error) {
	return os.MkdirTemp(b.dir, name+"-")
}

// Close ends everything that was started, the last first.
func (b *Bench) Close() error {
	var errs []error
	for _, v := range slices.Backward(b.closers) {
		errs = append(errs, v())
	}
	b.closers = nil
	return errors.Join(errs...)
}

func (b *Bench) onClose(f func() error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closers = append(b.closers, f)
}

// step tells how long something took, and what the commands that it ran have
// taken of the processors, if it took long.
func (b *Bench) step(ctx context.Context, what string, f func(context.Context) error) error {
	start := time.Now()
	// Who waits wants to know for what, and not of what is done at once.
	announced := time.AfterFunc(time.Second, func() { fmt.Fprintf(b.log, "bench: %s …\n", what) })
	defer announced.Stop()
	var m meter
	err := f(context.WithValue(ctx, meterKey{}, &m))
	if took := time.Since(start); err == nil && took > 500*time.Millisecond {
		cost := timing.Cost{Wall: took.Seconds(), Processor: time.Duration(m.Load()).Seconds()}
		fmt.Fprintln(b.log, timing.Line(what, cost))
	}
	return err
}

// meter adds up what commands take of the processors, in nanoseconds. A step
// hands it to them with its context.
type (
	meter    struct{ atomic.Int64 }
	meterKey struct{}
)

func (m *meter) add(state *os.ProcessState) {
	if m != nil && state != nil {
		m.Add(int64(state.UserTime() + state.SystemTime()))
	}
}

// lines lets steps that go on side by side write to one log.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}
