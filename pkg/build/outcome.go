package build

import (
	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/push"
)

// Outcome is what became of a plan.
type Outcome struct {
	Plan      *Plan          // with the goal that it had in the end
	Decisions push.Decisions // of a push
	Results   map[string]engine.Result
}

// Image is what became of one image.
type Image struct {
	ID        string   `json:"id"`
	Target    string   `json:"target"`
	State     string   `json:"state"`         // pushed, loaded, exported, built; unchanged, tagged: it was there; failed, or skipped: what it needs failed
	Why       []string `json:"why,omitempty"` // it was built, of a push
	Image     string   `json:"image"`
	Tags      []string `json:"tags"`
	Platforms []string `json:"platforms"`
	Digest    string   `json:"digest,omitempty"`
	Size      int64    `json:"size,omitempty"` // bytes, of what was built, as far as it is known
	Seconds   float64  `json:"seconds"`
	Steps     int      `json:"steps"`
	Cached    int      `json:"cachedSteps"`
	Attempts  int      `json:"attempts"`
	Error     string   `json:"error,omitempty"`
	Step      string   `json:"step,omitempty"`
	Log       []string `json:"log,omitempty"`
}

// States of images, beside the goals.
const (
	failed    = "failed"
	skipped   = "skipped"
	unchanged = "unchanged"
	tagged    = "tagged"
)

// state is what became of an image, in a word.
func (o *Outcome) state(b bake.Build) string {
	switch r := o.Results[b.Name]; {
	case r.Aborted:
		return skipped
	case r.Err != nil:
		return failed
	}
	if d := o.Decisions[b.Name]; d != nil {
		switch d.Action {
		case push.Tag:
			return tagged
		case push.Skip:
			return unchanged
		case push.Build:
		}
	}
	return string(o.Plan.Goal)
}

// Images are the results in the order of the plan; sizes are what is known of
// them, by target.
func (o *Outcome) Images(sizes map[string]int64) []Image {
	images := make([]Image, 0, len(o.Plan.Builds))
	for _, b := range o.Plan.Builds {
		r := o.Results[b.Name]
		image := Image{
			ID: b.ID, Target: b.Name, State: o.state(b), Image: b.Tags[0], Tags: b.Tags, Platforms: b.Platforms,
			Digest: r.Metadata[engine.KeyDigest], Size: sizes[b.Name],
			Seconds: r.Took.Seconds(), Steps: r.Steps, Cached: r.Cached, Attempts: r.Attempts,
		}
		if d := o.Decisions[b.Name]; d != nil {
			image.Why = d.Why
		}
		image.Error, image.Step, image.Log = problem(r)
		images = append(images, image)
	}
	return images
}

// problem is what went wrong with a target. One that was given up has no step.
func problem(r engine.Result) (text, step string, log []string) {
	switch {
	case r.Err == nil:
		return "", "", nil
	case r.Aborted:
		return r.Err.Error(), "", nil
	}
	return r.Err.Error(), r.Step, r.Log
}

// Failure is an image that was not built.
type Failure struct {
	ID      string
	Skipped bool     // it was given up, since something that it needs failed
	Needs   []string // what it needs, of one that was skipped
	Error   string
	Step    string
	Log     []string
}

// Failures are first the images that others need, and that nobody asked for, and
// then those of the plan, in its order. failed is how many the latter are.
func (o *Outcome) Failures() (failures []Failure, failed int) {
	told := map[string]bool{}
	for _, b := range o.Plan.Builds {
		for _, need := range b.Needs {
			if r := o.Results[need]; r.Linked && r.Err != nil && !told[need] {
				told[need] = true
				failures = append(failures, Failure{ID: o.id(need), Error: r.Err.Error(), Step: r.Step, Log: r.Log})
			}
		}
	}
	for _, b := range o.Plan.Builds {
		r := o.Results[b.Name]
		if r.Err == nil {
			continue
		}
		failed++
		f := Failure{ID: b.ID, Skipped: r.Aborted}
		f.Error, f.Step, f.Log = problem(r)
		if r.Aborted {
			for _, need := range b.Needs {
				f.Needs = append(f.Needs, o.id(need))
			}
		}
		failures = append(failures, f)
	}
	return failures, failed
}

// id is the name of a target for people.
func (o *Outcome) id(target string) string {
	for _, t := range o.Plan.File.Targets {
		if t.Name == target {
			return t.ID
		}
	}
	return target
}

// Left are the ids of images that are not done.
func (o *Outcome) Left() []string {
	var left []string
	for _, b := range o.Plan.Builds {
		d := o.Decisions[b.Name]
		r, done := o.Results[b.Name]
		if (!done || r.Err != nil) && (d == nil || d.Action != push.Skip) {
			left = append(left, b.ID)
		}
	}
	return left
}

// Metadata is what the exporters say of what was built, by target, as buildx
// writes it into files.
func (o *Outcome) Metadata() map[string]any {
	targets := map[string]any{}
	for target, r := range o.Results {
		if r.Err == nil {
			targets[target] = engine.DecodeMetadata(r.Metadata)
		}
	}
	return targets
}
