package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/runbake/runbake/tests/bench"
)

// plan is one run with faults.
type plan struct {
	publish bool // else it is build --push
	direct  bool // publish reads from the registry itself, so that blobs have to be sent
	cache   bool // the cache is in the registry, too
	base    bool // the base image is another one
	change  []string
	faults  []bench.Fault
	signal  signal
	at      int // the request at which it comes; 0 for at the start
	again   int // requests until it comes again
}

// signal is what ends a run.
type signal string

const (
	noSignal       signal = ""
	interrupted    signal = "interrupted"
	twice          signal = "interrupted twice"
	killed         signal = "killed"
	buildKitKilled signal = "BuildKit killed"
)

func (p *plan) String() string {
	what := "build"
	if p.publish {
		what = fmt.Sprintf("publish (direct: %v)", p.direct)
	}
	var faults []string
	for _, f := range p.faults {
		faults = append(faults, f.String())
	}
	text := fmt.Sprintf("%s of %v, base %v, cache %v; %s", what, p.change, p.base, p.cache, strings.Join(faults, "; "))
	if p.signal != noSignal {
		text += fmt.Sprintf("; %s at request %d", p.signal, p.at)
	}
	return text
}

// passes reports whether everything that goes wrong would not the next time.
func (p *plan) passes() bool {
	return p.signal == noSignal && !slices.ContainsFunc(p.faults, func(f bench.Fault) bool {
		return f.Kind == bench.FaultSilent || f.Status == http.StatusBadRequest || f.Status == http.StatusForbidden
	})
}

// newPlan makes one by chance.
func newPlan(r *rand.Rand) *plan {
	p := &plan{publish: r.IntN(10) < 3, direct: r.IntN(2) == 0, cache: r.IntN(4) == 0, base: r.IntN(3) == 0}
	for _, family := range []string{"above", "below", "beside"} {
		if r.IntN(2) == 0 {
			p.change = append(p.change, family)
		}
	}
	if len(p.change) == 0 {
		p.change = []string{"below"}
	}
	if r.IntN(3) == 0 {
		p.signal = []signal{interrupted, interrupted, twice, killed, killed, buildKitKilled}[r.IntN(6)]
		if p.publish && p.signal == buildKitKilled {
			p.signal = killed
		}
		p.at, p.again = r.IntN(60), 1+r.IntN(5)
	}
	if p.signal == noSignal || r.IntN(3) == 0 {
		for range 1 + r.IntN(2) {
			p.faults = append(p.faults, newFault(r))
		}
	}
	return p
}

// newFault makes one by chance. Few are so many that whoever asks gives up:
// that takes time.
func newFault(r *rand.Rand) bench.Fault {
	f := bench.Fault{From: 1 + r.IntN(8), Count: 1 + r.IntN(2)}
	f.On = []bench.RequestKind{bench.AnyRequest, bench.BlobWrite, bench.BlobWrite, bench.BlobRead, bench.ManifestWrite, bench.TagWrite, bench.ManifestRead}[r.IntN(7)]
	switch n := r.IntN(40); {
	case n < 10:
		f.Kind, f.Status = bench.FaultStatus, []int{500, 502, 503, 504}[r.IntN(4)]
	case n < 16:
		f.Kind, f.Status, f.RetryAfter = bench.FaultStatus, http.StatusTooManyRequests, r.IntN(2)
	case n < 28:
		f.Kind = bench.FaultReset
	case n < 32:
		f.Kind, f.Count, f.Wait = bench.FaultSlow, 10, time.Duration(10+r.IntN(200))*time.Millisecond
	case n < 39:
		f.On, f.From, f.Count = []bench.RequestKind{bench.ManifestWrite, bench.TagWrite}[r.IntN(2)], 1+r.IntN(5), r.IntN(3)
		f.Kind, f.Status = bench.FaultStatus, []int{http.StatusBadRequest, http.StatusForbidden}[r.IntN(2)]
	default:
		f.Kind, f.Count = bench.FaultSilent, 1
	}
	if f.Kind == bench.FaultReset && f.On == bench.AnyRequest {
		f.From = 1 + r.IntN(60)
	}
	return f
}
