package affected

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// maxRows is how many jobs GitHub makes of one matrix:
// https://docs.github.com/en/actions/reference/limits.
const maxRows = 256

// Jobs are what there is to do for each version and platform, its image and its
// test, however much that is.
func (r *Report) Jobs() []Row {
	return rowsOf(byPlatform(jobs(r)), 1, func(string) Labels { return nil })
}

// Row is one job of a matrix of GitHub Actions.
type Row struct {
	Target   string `json:"target"`  // the first target, which names the job
	Targets  string `json:"targets"` // all of them, with spaces between
	Platform string `json:"platform,omitempty"`
	Runner   Labels `json:"runner,omitempty"`
	Epoch    string `json:"epoch,omitempty"` // of a job with an image: for SOURCE_DATE_EPOCH
}

// Labels are those of a machine: what runs-on of a job takes.
type Labels []string

// MarshalJSON writes one label as a string.
func (l Labels) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

// Matrix is [Report.Jobs] for GitHub Actions, with no more than 256 rows: when
// there is more to do, rows have several versions. runner names the machine for a
// platform.
func (r *Report) Matrix(runner func(platform string) Labels) []Row {
	return rows(byPlatform(jobs(r)), runner)
}

// jobs are the image and the test of each version, as far as they are touched.
func jobs(r *Report) [][]Change {
	index := map[string]int{}
	var list [][]Change
	for _, c := range slices.Concat(r.Build, r.Test) {
		i, known := index[c.ID]
		if !known {
			i = len(list)
			index[c.ID] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], c)
	}
	return list
}

// byPlatform is the work of groups for each platform that one of them has.
func byPlatform(groups [][]Change) map[string][][]string {
	work := map[string][][]string{}
	for _, g := range groups {
		for _, c := range g {
			for _, p := range c.Platforms {
				work[p] = nil
			}
		}
	}
	for p := range work {
		work[p] = names(groups, p)
	}
	return work
}

// names are the targets of each group that have a platform.
func names(groups [][]Change, platform string) [][]string {
	var list [][]string
	for _, g := range groups {
		var targets []string
		for _, c := range g {
			if slices.Contains(c.Platforms, platform) {
				targets = append(targets, c.Target)
			}
		}
		if len(targets) > 0 {
			list = append(list, targets)
		}
	}
	return list
}

// rows makes one row of each group, or of as many as must share one.
func rows(work map[string][][]string, runner func(string) Labels) []Row {
	size := 1
	for count(work, size) > maxRows {
		size++
	}
	return rowsOf(work, size, runner)
}

// rowsOf makes rows of so many groups each.
func rowsOf(work map[string][][]string, size int, runner func(string) Labels) []Row {
	list := []Row{}
	for _, platform := range slices.Sorted(maps.Keys(work)) {
		for groups := range slices.Chunk(work[platform], size) {
			targets := slices.Concat(groups...)
			list = append(list, Row{Target: targets[0], Targets: strings.Join(targets, " "), Platform: platform, Runner: runner(platform)})
		}
	}
	return list
}

// count is how many rows there are when a number of groups share one.
func count(work map[string][][]string, size int) int {
	n := 0
	for _, groups := range work {
		n += (len(groups) + size - 1) / size
	}
	return n
}
