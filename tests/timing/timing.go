// Package timing keeps what took how long in a run of the tests: rows of wall
// and processor seconds, in a file by which two runs are compared.
package timing

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/procfs"
)

// Cost is what something took.
type Cost struct {
	Wall      float64 `json:"wall"`      // seconds
	Processor float64 `json:"processor"` // seconds of all processors together
}

// Sub is what was added since an earlier cost.
func (c Cost) Sub(earlier Cost) Cost {
	return Cost{c.Wall - earlier.Wall, c.Processor - earlier.Processor}
}

// Add is both together.
func (c Cost) Add(other Cost) Cost { return Cost{c.Wall + other.Wall, c.Processor + other.Processor} }

// Row is one thing that took time.
type Row struct {
	Part string `json:"part"` // compile, bench or a package of tests
	What string `json:"what"`
	Cost
}

// Report is a run of the tests.
type Report struct {
	Commit     string    `json:"commit"`
	Date       time.Time `json:"date"`
	Processors int       `json:"processors"`
	Full       bool      `json:"full"`   // with -full
	Result     string    `json:"result"` // passed, failed, or what it was at when its time was over
	Disk       int64     `json:"disk"`   // bytes that the caches of Go and of the bench have
	Total      Cost      `json:"total"`
	Rows       []Row     `json:"rows"`
}

// Now is the time, and what all processors of the machine have done since it
// started. Only differences mean something.
func Now() (Cost, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return Cost{}, err
	}
	stat, err := fs.Stat()
	if err != nil {
		return Cost{}, err
	}
	return Cost{float64(time.Now().UnixNano()) / 1e9, busy(stat.CPUTotal)}, nil
}

func busy(t procfs.CPUStat) float64 {
	return t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ
}

// Line is how the bench tells of a step in the log of a test.
func Line(what string, c Cost) string {
	return fmt.Sprintf("bench: %s: %.1f s, %.1f s of processor", what, c.Wall, c.Processor)
}

var line = regexp.MustCompile(`bench: (.+): ([0-9.]+) s, ([0-9.]+) s of processor$`)

// ParseLine finds a step of the bench in a line of a log.
func ParseLine(text string) (row Row, found bool) {
	m := line.FindStringSubmatch(text)
	if m == nil {
		return row, false
	}
	wall, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return row, false
	}
	processor, err := strconv.ParseFloat(m[3], 64)
	return Row{"bench", m[1], Cost{wall, processor}}, err == nil
}

// Load reads a report.
func Load(path string) (r Report, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Save writes a report.
func (r Report) Save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // anybody may read it
}
