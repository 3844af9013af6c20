package engine

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/buildx/util/progress"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// logLines is how much of the log of a failed step is kept.
const logLines = 20

// recorder remembers of the progress what is told at the end. It stands before
// the display, which it feeds.
type recorder struct {
	progress.Writer
	targets []string // names that steps may begin with
	heard   chan struct{}

	mu    sync.Mutex
	steps map[stepKey]*client.Vertex
	order []stepKey
	logs  map[digest.Digest]*tail
	bytes map[transfer]int64
}

// transfer is a part of a step whose bytes are counted: a layer.
type transfer struct {
	step digest.Digest
	id   string
}

// stepKey tells the step of one target from the same step of another.
type stepKey struct {
	target string
	digest digest.Digest
}

// newRecorder records the progress of targets.
func newRecorder(w progress.Writer, targets []string) *recorder {
	return &recorder{Writer: w, targets: targets, heard: make(chan struct{}, 1), steps: map[stepKey]*client.Vertex{}, logs: map[digest.Digest]*tail{}, bytes: map[transfer]int64{}}
}

// Write takes what BuildKit tells, and passes it on.
func (r *recorder) Write(s *client.SolveStatus) {
	r.mu.Lock()
	news := r.news(s)
	for _, v := range s.Vertexes {
		target, name := r.split(v.Name)
		key := stepKey{target, v.Digest}
		if r.steps[key] == nil {
			r.order = append(r.order, key)
		}
		seen := *v
		seen.Name = name
		if old := r.steps[key]; old != nil {
			seen.Cached = seen.Cached || old.Cached
			if seen.Started == nil {
				seen.Started = old.Started
			}
			if seen.Error == "" {
				seen.Error = old.Error
			}
		}
		r.steps[key] = &seen
	}
	for _, l := range s.Logs {
		if r.logs[l.Vertex] == nil {
			r.logs[l.Vertex] = &tail{}
		}
		r.logs[l.Vertex].write(string(l.Data))
	}
	r.mu.Unlock()
	if news {
		select {
		case r.heard <- struct{}{}:
		default: // it is known
		}
	}
	r.Writer.Write(s)
}

// news reports whether something has happened: every five seconds BuildKit
// repeats of a layer that does not come how much of it came.
func (r *recorder) news(s *client.SolveStatus) bool {
	news := len(s.Vertexes)+len(s.Logs)+len(s.Warnings) > 0
	for _, part := range s.Statuses {
		key := transfer{part.Vertex, part.ID}
		before, known := r.bytes[key]
		news = news || !known || part.Total == 0 || part.Current != before
		r.bytes[key] = part.Current
	}
	return news
}

// split takes the name of the target from that of a step: buildx writes it
// there when it builds several.
func (r *recorder) split(name string) (target, step string) {
	if len(r.targets) == 1 {
		return r.targets[0], name
	}
	rest, found := strings.CutPrefix(name, "[")
	if !found {
		return "", name
	}
	end := strings.IndexAny(rest, " ]")
	if end < 0 {
		return "", name
	}
	if rest[end] == ']' {
		return rest[:end], strings.TrimPrefix(rest[end+1:], " ")
	}
	return rest[:end], "[" + rest[end+1:]
}

// instruction is the name of a step that an instruction of a Dockerfile has
// become: [linux/amd64 build 2/5] RUN ….
var instruction = regexp.MustCompile(`^\[(?:.* )?[0-9]+/[0-9]+\] ([A-Z]+)`)

// fill adds to the result of a target what was recorded.
func (r *recorder) fill(target string, result *Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var begin, end time.Time
	result.Steps, result.Cached = 0, 0
	for _, key := range r.order {
		step := r.steps[key]
		if key.target != target {
			continue
		}
		if m := instruction.FindStringSubmatch(step.Name); len(m) > 1 && m[1] != "FROM" {
			result.Steps++
			if step.Cached {
				result.Cached++
			}
		}
		if step.Started != nil && (begin.IsZero() || step.Started.Before(begin)) {
			begin = *step.Started
		}
		if step.Completed != nil && step.Completed.After(end) {
			end = *step.Completed
		}
		if result.Step == "" && step.Error != "" && !strings.Contains(step.Error, "context canceled") {
			result.Step = step.Name
			if log := r.logs[key.digest]; log != nil {
				result.Log = log.lines()
			}
		}
	}
	if end.After(begin) && !begin.IsZero() {
		result.Took += end.Sub(begin)
	}
}

// tail keeps the end of a log.
type tail struct {
	full []string
	part string // a line that has no end yet
}

func (t *tail) write(text string) {
	for line := range strings.SplitAfterSeq(t.part+text, "\n") {
		t.part = line
		if !strings.HasSuffix(line, "\n") {
			break
		}
		t.full = append(t.full, strings.TrimRight(line, "\r\n"))
		t.part = ""
	}
	t.full = t.full[max(0, len(t.full)-logLines):]
}

func (t *tail) lines() []string {
	if t.part == "" {
		return t.full
	}
	all := slices.Concat(t.full, []string{t.part})
	return all[max(0, len(all)-logLines):]
}
