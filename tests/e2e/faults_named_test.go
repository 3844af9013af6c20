package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// images expects what became of above, below and beside, in this order.
func (r *outcome) become(t *testing.T, code int, want ...string) []become {
	t.Helper()
	images := r.images(t)
	var got []string
	for _, i := range images {
		got = append(got, i.State)
	}
	if r.code != code || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("it became %v, and should %v with %d: %v", got, want, code, r)
	}
	return images
}

// says looks for lines among what it has told people.
func (r *outcome) says(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(r.stderr, line) {
			t.Errorf("it does not say %q: %v", line, r)
		}
	}
}

// same looks that tags are what they were.
func (l *lane) same(t *testing.T, before map[string]tagged) {
	t.Helper()
	after := l.tags(t, l.name)
	for tag, is := range after {
		if is != before[tag] {
			t.Errorf("%s was moved from %v to %v", tag, before[tag], is)
		}
	}
}

// pushed is a lane of which everything is pushed, and then changed.
func pushed(t *testing.T, b *bench.Bench, name string) (l *lane, before map[string]tagged) {
	t.Helper()
	l = newLane(t, b, name, bench.BuildKitOptions{})
	l.run(t, nil, nil, push()...).become(t, 0, "pushed", "pushed", "pushed")
	before = l.tags(t, l.name)
	for family := range families {
		l.change(t, family, "second")
	}
	return l, before
}

// faultSilence: a registry that takes everything and says nothing is given up,
// and named.
func faultSilence(t *testing.T, b *bench.Bench) {
	l, before := pushed(t, b, "silence")
	l.proxy.Inject(bench.Fault{Kind: bench.FaultSilent, On: bench.ManifestWrite, From: 1})
	r := l.run(t, nil, nil, push("--registry-timeout=3s")...)
	r.become(t, 1, "failed", "failed", "failed")
	for _, id := range []string{"above", "below", "beside"} {
		r.says(t, id+"-1 failed\n  exporting to image "+l.proxy.Addr+"/silence/"+id+":1: the registry has said nothing for 3s; try later, or give it more time with --registry-timeout\n")
	}
	l.nothingRuns(t)
	l.same(t, before)
	// What is asked before anything is built is given up as well: nothing is pushed
	// to tags of which nobody knows what they would lose.
	l.proxy.Inject(bench.Fault{Kind: bench.FaultSilent, On: bench.ManifestRead, From: 1})
	r = l.run(t, nil, nil, push("--registry-timeout=1s")...)
	r.become(t, 1)
	for _, id := range []string{"above", "below", "beside"} {
		r.says(t, l.proxy.Addr+"/silence/"+id+":1: "+l.proxy.Addr+" cannot be reached: no answer in 1s")
	}
	l.nothingRuns(t)
	l.proxy.Inject()
	l.run(t, nil, nil, push()...).become(t, 0, "pushed", "pushed", "pushed")
}

// faultRefused: a registry that does not want an image is asked once, and what
// does not depend on that is done.
func faultRefused(t *testing.T, b *bench.Bench) {
	l, before := pushed(t, b, "refused")
	l.proxy.Inject(bench.Fault{Kind: bench.FaultStatus, Status: http.StatusForbidden, On: bench.ManifestWrite, From: 1})
	r := l.run(t, nil, nil, push()...)
	for _, i := range r.become(t, 1, "failed", "failed", "failed") {
		r.says(t, i.ID+" failed in exporting to image\n  ")
	}
	r.says(t, "denied: made by the bench")
	l.same(t, before)
	l.proxy.Inject()
	l.run(t, nil, nil, push()...).become(t, 0, "pushed", "pushed", "pushed")

	// One tag of beside is refused when another has been moved.
	args := append(l.publish(l.Registry(), l.builtElsewhere(t, l.Registry(), "third")), "beside")
	l.proxy.Inject(bench.Fault{Kind: bench.FaultStatus, Status: http.StatusForbidden, On: bench.TagWrite, From: 2})
	r = l.run(t, nil, nil, args...)
	r.become(t, 1, "failed")
	r.says(t, "runbake: beside-1: "+l.proxy.Addr+"/refused/to/beside:latest: "+l.proxy.Addr+" denies access (403 Forbidden): DENIED: made by the bench")
	if after := l.tags(t, "refused/to"); len(after) != 1 || after["beside:1"].turn != "third" {
		t.Errorf("the tags are %v", after)
	}
	l.proxy.Inject()
	l.run(t, nil, nil, args...).become(t, 0, "published")
	if after := l.tags(t, "refused/to"); len(after) != 3 {
		t.Errorf("the tags are %v", after)
	}
}

// pushing does something when the lane's registry has been silent about two
// manifests.
func (l *lane) pushing(do func()) {
	l.proxy.Inject(bench.Fault{Kind: bench.FaultSilent, On: bench.ManifestWrite, From: 1})
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if struck, _ := l.proxy.Struck(); struck >= 2 {
				break
			}
		}
		do()
	}()
}

// faultInterrupts: the first interrupt ends in order, and says what is not done;
// the second ends at once. A BuildKit that stands still keeps from neither.
func faultInterrupts(t *testing.T, b *bench.Bench) {
	l, before := pushed(t, b, "interrupts")
	for _, still := range []bool{false, true} {
		for _, times := range []int{1, 2} {
			var begin time.Time
			r := l.run(t, func(p *os.Process) {
				l.pushing(func() {
					if still {
						if err := l.kit.Pause(); err != nil {
							t.Error(err)
						}
					}
					begin = time.Now()
					_ = p.Signal(os.Interrupt) // it may have ended
					if times == 2 {
						<-time.After(200 * time.Millisecond)
						_ = p.Signal(os.Interrupt)
					}
				})
			}, nil, push()...)
			t.Logf("still: %v, %d times: ended with %d after %v", still, times, r.code, time.Since(begin))
			if still {
				if err := l.kit.Resume(); err != nil {
					t.Error(err)
				}
			}
			if times == 2 && (r.code == -1 || !still) { // else it may have ended before the second
				continue
			}
			if times == 2 {
				t.Error("the second interrupt did not end it at once")
			}
			r.become(t, 1)
			r.says(t, "runbake: interrupted\nrunbake: not done: above-1, below-1, beside-1\n")
		}
		l.nothingRuns(t)
		l.same(t, before)
	}
	l.proxy.Inject()
	l.run(t, nil, nil, push()...).become(t, 0, "pushed", "pushed", "pushed")
}

// faultBuildKit: what BuildKit had done before it was killed is not done again.
func faultBuildKit(t *testing.T, b *bench.Bench) {
	l, before := pushed(t, b, "buildkit")
	r := l.run(t, func(*os.Process) {
		l.pushing(func() {
			if err := l.kit.Kill(); err != nil {
				t.Error(err)
			}
		})
	}, nil, push()...)
	for _, i := range r.become(t, 1, "failed", "failed", "failed") {
		r.says(t, i.ID+" failed\n  BuildKit went away while it built")
	}
	l.nothingRuns(t)
	l.same(t, before)
	l.proxy.Inject()
	if err := l.kit.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r = l.run(t, nil, nil, push()...)
	r.become(t, 0, "pushed", "pushed", "pushed")
	if !strings.Contains(r.stdout, `"cachedSteps": 4`) {
		t.Errorf("what was built was built again: %v", r)
	}
}

// faultTwice: two runs at once push the same; both say that they have, and all
// tags are of one make.
func faultTwice(t *testing.T, b *bench.Bench) {
	l, _ := pushed(t, b, "twice")
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if r := l.run(t, nil, nil, push("--force")...); r.code != 0 {
				t.Errorf("%v", r)
			}
		})
	}
	group.Wait()
	after := l.tags(t, l.name)
	for tag, is := range after {
		family, _, _ := strings.Cut(tag, ":")
		if is.made != after[family+":1"].made || is.turn != "second" || is.id == "" {
			t.Errorf("%s is %v: %v", tag, is, after)
		}
	}
	r := l.run(t, nil, nil, push()...)
	if r.code != 0 || strings.Contains(r.stdout, `"pushed"`) {
		t.Errorf("it was not done: %v", r)
	}
	l.nothingRuns(t)
}

// smallDisk is a folder on a disk of its own; more makes it large enough.
func smallDisk(t *testing.T, size string) (dir string, more func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func() {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=400m"); err != nil {
			t.Fatal(err)
		}
	}
}

// faultState: the disk of the state folder is so full that the embedded BuildKit
// cannot start.
func faultState(t *testing.T, b *bench.Bench) {
	state, more := smallDisk(t, "64k")
	l := newLane(t, b, "state", bench.BuildKitOptions{})
	e, err := b.Embedded("")
	if err != nil {
		t.Fatal(err)
	}
	l.env = slices.Concat(e.Env, []string{"XDG_STATE_HOME=" + state, "REGISTRY=" + l.proxy.Addr + "/state", l.mark()})
	ends := func() {
		eventually(t, "the embedded BuildKit ends", func() bool { return len(processes(t, state)) == 0 })
	}
	t.Cleanup(ends)
	r := l.run(t, nil, nil, push()...)
	r.become(t, 1)
	r.says(t, "the embedded BuildKit does not start", "no space left on device")
	ends()
	more()
	l.run(t, nil, nil, push()...).become(t, 0, "pushed", "pushed", "pushed")
}

// faultDisk: the disk of BuildKit is full in the middle of a build.
func faultDisk(t *testing.T, b *bench.Bench) {
	root, more := smallDisk(t, "24m")
	l := newLane(t, b, "disk", bench.BuildKitOptions{Root: filepath.Join(root, "buildkit")})
	l.run(t, nil, nil, push()...).become(t, 0, "pushed", "pushed", "pushed")
	before := l.tags(t, l.name)
	file := filepath.Join(l.dir, "runtimes", "beside", "file")
	if err := os.WriteFile(file, make([]byte, 48<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	r := l.run(t, nil, nil, push()...)
	r.become(t, 1, "unchanged", "unchanged", "failed")
	r.says(t, "beside-1 failed", "no space left on device")
	l.nothingRuns(t)
	l.same(t, before)
	more()
	l.run(t, nil, nil, push()...).become(t, 0, "unchanged", "unchanged", "pushed")
}
