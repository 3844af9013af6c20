package catalogue

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/runbake/runbake/pkg/definition"
	"github.com/runbake/runbake/pkg/diag"
)

// Budget is what an image may come to at most, on each platform. What has no limit is
// zero.
type Budget struct {
	Compressed Limit // bytes: the sum of the compressed layers
	Layers     Limit
	Start      Limit // nanoseconds, from the start of a server to its first answer
}

// Limit is one figure of a budget.
type Limit struct {
	Most int64
	Text string // as it was written
	At   hcl.Range
}

// Exceeded says that a figure is above its limit, which figure, and where the limit is
// given; "" if it is not, or there is none. shown is the figure for people.
func (l Limit) Exceeded(figure int64, shown string) string {
	if l.Most == 0 || figure <= l.Most {
		return ""
	}
	return fmt.Sprintf("%s, and the budget at %s is %s", shown, diag.Place(l.At), l.Text)
}

// Check compares the image of a platform with its budget: the sum of its compressed
// layers in bytes, and how many there are. The error names everything that is above a
// limit.
func (b Budget) Check(platform string, compressed int64, layers int) error {
	var errs []error
	for _, over := range []string{
		b.Compressed.Exceeded(compressed, shownSize(compressed)+" compressed"),
		b.Layers.Exceeded(int64(layers), fmt.Sprintf("%d layers", layers)),
	} {
		if over != "" {
			errs = append(errs, fmt.Errorf("the image for %s has %s", platform, over))
		}
	}
	return errors.Join(errs...)
}

// shownSize is a number of bytes for people.
func shownSize(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.3f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// budget lays budgets over one another, figure by figure, and checks them.
func (r *resolver) budget(layers ...*definition.Budget) Budget {
	var b Budget
	for _, given := range layers {
		if given == nil {
			continue
		}
		if given.Compressed != nil {
			b.Compressed = r.sizeLimit(*given.Compressed)
		}
		if given.Layers != nil {
			b.Layers = r.countLimit(*given.Layers)
		}
		if given.Start != nil {
			b.Start = r.timeLimit(*given.Start)
		}
	}
	return b
}

// sizePattern is a size with a unit: powers of 1,000, as registries count, or of 1,024.
var sizePattern = regexp.MustCompile(`^([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(kB|MB|GB|KiB|MiB|GiB)$`)

func (r *resolver) sizeLimit(given definition.String) Limit {
	m := sizePattern.FindStringSubmatch(given.Value)
	if m != nil {
		unit := map[string]float64{"kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[m[2]]
		if n, err := strconv.ParseFloat(m[1], 64); err == nil && n*unit >= 1 {
			return Limit{int64(n * unit), given.Value, given.Range}
		}
	}
	r.report(given.Range, fmt.Sprintf("Invalid size %q", given.Value), `Write a number above 0 and kB, MB, GB, KiB, MiB or GiB, for example "120 MB".`)
	return Limit{}
}

func (r *resolver) countLimit(given definition.Int) Limit {
	if given.Value < 1 {
		r.report(given.Range, fmt.Sprintf("Invalid number of layers %d", given.Value), "An image has one layer at the least.")
		return Limit{}
	}
	return Limit{int64(given.Value), strconv.Itoa(given.Value), given.Range}
}

func (r *resolver) timeLimit(given definition.String) Limit {
	d, err := time.ParseDuration(strings.ReplaceAll(given.Value, " ", ""))
	if err != nil || d <= 0 {
		r.report(given.Range, fmt.Sprintf("Invalid time %q", given.Value), `Write a time above 0, for example "500 ms" or "2s".`)
		return Limit{}
	}
	return Limit{int64(d), given.Value, given.Range}
}
