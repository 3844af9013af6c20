package e2e_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// Variables of the environment for TestFaults: the seed that a failure has told,
// and how many runs.
const (
	envSeed = "RUNBAKE_FAULTS_SEED"
	envRuns = "RUNBAKE_FAULTS_RUNS"
)

// firstSeed is taken when nothing is said: a change must not fail by what another
// seed finds. Other seeds are tried by hand.
const firstSeed = 1

// How many runs are made when nothing is said, and when everything is proved:
// they must not keep a change waiting.
const (
	fewRuns  = 12
	manyRuns = 50
)

// lanes are how many runs go on at once: most of them wait most of the time.
const lanes = 6

// TestFaults builds, pushes and publishes while something goes wrong. Whatever
// it is, runbake ends, says of which image it is, leaves no tag that points to
// something incomplete or mixed and nothing that runs; and the next run, of which
// nothing goes wrong, completes it and does nothing twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := bench.ForTest(t, bench.Options{})
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench.Bench)
	}{
		{"silence", faultSilence},
		{"refused", faultRefused},
		{"interrupts", faultInterrupts},
		{"BuildKit is killed", faultBuildKit},
		{"two at once", faultTwice},
		{"the disk is full", faultDisk},
		{"the disk of the state folder is full", faultState},
		{"secrets", faultSecrets},
		{"by chance", faultsByChance},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, b) })
	}
}

// faultsByChance is many runs of which different things go wrong.
func faultsByChance(t *testing.T, b *bench.Bench) {
	usual := uint64(fewRuns)
	if full() {
		usual = manyRuns
	}
	seed, runs := number(t, envSeed, firstSeed), number(t, envRuns, usual)
	t.Logf("%d runs of %s=%d", runs, envSeed, seed)
	var group sync.WaitGroup
	var mu sync.Mutex
	counts := map[string]int{}
	start := time.Now()
	for n := range uint64(lanes) {
		l := newLane(t, b, fmt.Sprintf("lane%d", n), bench.BuildKitOptions{})
		group.Go(func() {
			for run := n; run < runs && !t.Failed(); run += lanes {
				t.Run(strconv.FormatUint(run, 10), func(t *testing.T) {
					what := l.turn(t, seed, run)
					mu.Lock()
					defer mu.Unlock()
					counts[what]++
				})
			}
		})
	}
	group.Wait()
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%4d %s", counts[what], what)
	}
	t.Logf("%v for each run", (time.Since(start) / time.Duration(max(1, runs))).Round(time.Millisecond)) //nolint:gosec // a few
}

// number is a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// turn is one run with faults, and one without.
func (l *lane) turn(t *testing.T, seed, run uint64) string {
	p := newPlan(rand.New(rand.NewPCG(seed, run))) //nolint:gosec // chance that can be repeated
	content := fmt.Sprintf("%d %d", seed, run)
	for _, family := range p.change {
		l.change(t, family, content)
	}
	if p.base {
		l.tiny(t, content)
	}
	places, args, env := []string{l.name}, push("--registry-timeout=20s"), []string(nil)
	if p.publish {
		from := l.proxy.Addr
		if p.direct {
			from = l.Registry()
		}
		places = []string{l.name + "/from", l.name + "/to"}
		args = l.publish(from, l.builtElsewhere(t, from, content))
	} else if p.cache {
		env = []string{"CACHE=registry"}
	}
	before := l.everywhere(t, places)
	faulty := l.faulty(t, p, env, args)
	struck, requests := l.proxy.Struck()
	l.proxy.Inject()
	l.nothingRuns(t)
	if p.signal == buildKitKilled {
		if err := l.restart(t); err != nil {
			t.Fatal(err)
		}
	}
	l.judge(t, p, faulty)
	after := l.everywhere(t, places)
	clean := l.run(t, nil, env, args...)
	now := l.everywhere(t, places)
	for i := range places {
		l.compare(t, faulty, clean, before[i], after[i], now[i])
	}
	if t.Failed() {
		t.Logf("%v\nwithout faults: %v", faulty, clean)
	}
	t.Logf("%v then %v; %d of %d requests; %v", faulty.took.Round(time.Millisecond), clean.took.Round(time.Millisecond), struck, requests, p)
	return fmt.Sprintf("%s, ended with %d", p.kind(), faulty.code)
}

// everywhere are the tags in some places.
func (l *lane) everywhere(t *testing.T, places []string) []map[string]tagged {
	t.Helper()
	var all []map[string]tagged
	for _, place := range places {
		all = append(all, l.tags(t, place))
	}
	return all
}

// kind is what is counted.
func (p *plan) kind() string {
	what := "build"
	if p.publish {
		what = "publish"
	}
	if p.signal != noSignal {
		return what + ", " + string(p.signal)
	}
	return what + ", " + string(p.faults[0].Kind)
}

// faulty runs runbake while things go wrong.
func (l *lane) faulty(t *testing.T, p *plan, env, args []string) *outcome {
	l.proxy.Inject(p.faults...)
	return l.run(t, func(process *os.Process) {
		strike := func(s os.Signal) func() {
			return func() { _ = process.Signal(s) } // it may have ended
		}
		when := func(requests int, do func()) {
			if requests == 0 {
				do()
			} else {
				l.proxy.At(requests, do)
			}
		}
		switch p.signal {
		case noSignal:
		case interrupted:
			when(p.at, strike(os.Interrupt))
		case twice:
			when(p.at, strike(os.Interrupt))
			when(p.at+p.again, strike(os.Interrupt))
		case killed:
			when(p.at, strike(syscall.SIGKILL))
		case buildKitKilled:
			when(p.at, func() {
				if err := l.kit.Kill(); err != nil {
					t.Error(err)
				}
			})
		}
	}, env, args...)
}

// restart starts BuildKit if it was killed.
func (l *lane) restart(t *testing.T) error {
	if l.kit.Alive(t.Context()) {
		return nil
	}
	return l.kit.Start(t.Context())
}

// judge looks how a run with faults has ended, and what it has said.
func (l *lane) judge(t *testing.T, p *plan, r *outcome) {
	t.Helper()
	named := false
	for family := range families {
		named = named || strings.Contains(r.stderr, family)
	}
	switch {
	case r.code == 0, r.code == -1 && (p.signal == twice || p.signal == killed):
	case r.code == -1 && p.signal == interrupted && r.stderr == "": // before it had begun
	case r.code == 1 && strings.Contains(r.stderr, "runbake: interrupted"):
		if p.signal != interrupted && p.signal != twice {
			t.Error("it says that it was interrupted")
		}
	case r.code == 1 && named:
	case r.code == 1 && p.signal == buildKitKilled && strings.Contains(r.stderr, "BuildKit"):
	case r.code == 1 && p.signal == buildKitKilled && strings.Contains(r.stderr, "nothing answers at "): // before it had begun
	default:
		t.Errorf("it ended with %d, or names no image", r.code)
	}
	if p.passes() && r.code != 0 {
		t.Error("what would have passed was not tried again")
	}
	for _, i := range r.images(t) {
		if i.Error != "" && !strings.Contains(r.stderr, i.ID) {
			t.Errorf("it does not say that %s failed", i.ID)
		}
	}
}

// compare looks what tags were moved to, by a run with faults and the next one.
func (l *lane) compare(t *testing.T, faulty, clean *outcome, before, after, now map[string]tagged) {
	t.Helper()
	if clean.code != 0 || len(now) != 6 {
		t.Errorf("the next run does not complete it: %v", now)
		return
	}
	for tag, a := range after {
		old, target := before[tag].made, now[tag].made
		if a.id == "" { // the base image could not be asked for
			old.id, target.id = "", ""
		}
		if a.made != old && a.made != target {
			t.Errorf("%s was moved to something else: %v, %v, %v", tag, before[tag], a, now[tag])
		}
	}
	said := map[string]become{}
	for _, i := range faulty.images(t) {
		said[i.ID] = i
	}
	for _, i := range clean.images(t) {
		family := strings.TrimSuffix(i.ID, "-1")
		first, done := now[family+":1"], true
		s := said[i.ID]
		for _, tag := range families[family] {
			if s.ID != "" && s.Error == "" && s.Digest != after[family+":"+tag].digest {
				t.Errorf("%s was said to be %s, %s, and %s is not: %v", s.ID, s.State, s.Digest, tag, after)
			}
			done = done && after[family+":"+tag] == after[family+":1"] && after[family+":"+tag].made == first.made
			if now[family+":"+tag].made != first.made || now[family+":"+tag].digest != i.Digest {
				t.Errorf("after the next run, %s is not what it says: %v, %+v", tag, now, i)
			}
		}
		if unchanged := i.State == "unchanged"; unchanged && !done || done && !unchanged && clean.args[0] == "build" {
			t.Errorf("%s was complete: %v, and is %s now", i.ID, done, i.State)
		}
	}
}
