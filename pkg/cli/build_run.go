package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/runbake/runbake/pkg/engine"
)

// built is what became of one image.
type built struct {
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
	Cached    int      `json:"cached"`
	Attempts  int      `json:"attempts"`
	Error     string   `json:"error,omitempty"`
	Step      string   `json:"step,omitempty"`
	Log       []string `json:"log,omitempty"`
}

const (
	stateFailed    = "failed"
	stateSkipped   = "skipped"
	stateUnchanged = "unchanged"
	stateTagged    = "tagged"
)

// run builds, and writes what became of it.
func (j *buildJob) run(ctx context.Context) (err error) {
	e, err := j.app.openEngine(ctx, j.options.builder)
	if err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if j.goal == goalAuto {
		j.decide(ctx, e)
	}
	if err := j.perform(ctx, e); err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	results := j.results
	if j.options.metadataFile != "" {
		if err := writeMetadata(j.options.metadataFile, results); err != nil {
			return err
		}
	}
	images := j.images(results)
	j.measure(ctx, e, images)
	if j.options.format == "json" {
		err = writeJSON(j.app.env.Stdout, images)
	} else {
		err = writeBuilt(j.app.env.Stdout, images)
	}
	if err != nil {
		return err
	}
	return j.summary(images, results)
}

// interrupted says what was not done when it was.
func (j *buildJob) interrupted() string {
	var left []string
	for _, b := range j.builds {
		stands := j.stands[b.Name]
		r, done := j.results[b.Name]
		if (!done || r.Err != nil) && (stands == nil || stands.action != actionSkip) {
			left = append(left, b.ID)
		}
	}
	if len(left) == 0 {
		return "interrupted"
	}
	return "interrupted\nnot done: " + strings.Join(left, ", ")
}

// decide loads the images if there is a Docker, and says so if there is none.
func (j *buildJob) decide(ctx context.Context, e *engine.Engine) {
	if j.values.Platform != "" && e.DockerAnswers(ctx) {
		j.goal, j.values.Local = goalLoad, true
		return
	}
	j.goal = goalCache
	why := "no Docker answers"
	if j.values.Platform == "" {
		why = "Docker loads images of one platform"
	}
	fmt.Fprintf(j.app.env.Stderr, "the images stay in BuildKit's cache: %s; push them with --push or write them with --output\n", why)
}

// images are the results in the order of the plan.
func (j *buildJob) images(results map[string]engine.Result) []built {
	images := make([]built, 0, len(j.builds))
	for _, b := range j.builds {
		r := results[b.Name]
		image := built{
			ID: b.ID, Target: b.Name, State: string(j.goal), Image: b.Tags[0], Tags: b.Tags, Platforms: b.Platforms,
			Digest: r.Metadata[engine.KeyDigest], Seconds: r.Took.Seconds(), Steps: r.Steps, Cached: r.Cached, Attempts: r.Attempts,
		}
		if stands := j.stands[b.Name]; stands != nil {
			image.Why = stands.why
			switch stands.action {
			case actionTag:
				image.State = stateTagged
			case actionSkip:
				image.State = stateUnchanged
			case actionBuild:
			}
		}
		switch {
		case r.Aborted:
			image.State, image.Error = stateSkipped, r.Err.Error()
		case r.Err != nil:
			image.State, image.Error, image.Step, image.Log = stateFailed, r.Err.Error(), r.Step, r.Log
		}
		images = append(images, image)
	}
	return images
}

// measure finds out the sizes of images where somebody knows them.
func (j *buildJob) measure(ctx context.Context, e *engine.Engine, images []built) {
	var group sync.WaitGroup
	for i := range images {
		image := &images[i]
		group.Go(func() {
			switch {
			case image.State == string(goalPush) && image.Digest != "":
				image.Size, _ = e.PushedSize(ctx, image.Image, image.Digest) // 0 where the registry does not tell
			case image.State == string(goalLoad):
				image.Size, _ = e.LoadedSize(ctx, image.Image) // 0 where Docker does not tell
			}
		})
	}
	group.Wait()
}

// writeMetadata writes the file of --metadata-file as buildx does.
func writeMetadata(name string, results map[string]engine.Result) error {
	targets := map[string]any{}
	for target, r := range results {
		if r.Err == nil {
			targets[target] = engine.DecodeMetadata(r.Metadata)
		}
	}
	text, err := json.MarshalIndent(targets, "", "  ")
	if err != nil {
		return err
	}
	return writeResult(name, text)
}

func writeBuilt(w io.Writer, images []built) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "IMAGE\tPLATFORMS\tSTATE\tDIGEST\tSIZE\tTIME\tCACHED")
	for _, i := range images {
		hash, size := "-", "-"
		if _, hex, found := strings.Cut(i.Digest, ":"); found {
			hash = hex[:min(12, len(hex))]
		}
		if i.Size > 0 {
			size = fmt.Sprintf("%.1f MB", float64(i.Size)/1e6)
		}
		took := time.Duration(i.Seconds * float64(time.Second)).Round(100 * time.Millisecond)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d of %s\n", i.Image, strings.Join(i.Platforms, ","), i.State, hash, size, took, i.Cached, count(i.Steps, "step"))
	}
	return t.Flush()
}

// summary tells of every image that failed, and fails if one did.
func (j *buildJob) summary(images []built, results map[string]engine.Result) error {
	var out strings.Builder
	bad := 0
	for _, b := range j.builds {
		for _, need := range b.Needs {
			if r, found := results[need]; found && r.Linked && r.Err != nil {
				results[need] = engine.Result{Linked: true} // told once
				writeFailure(&out, built{ID: j.id(need), Error: r.Err.Error(), Step: r.Step, Log: r.Log})
			}
		}
	}
	for i, image := range images {
		if image.Error == "" {
			continue
		}
		bad++
		if image.State == stateFailed {
			writeFailure(&out, image)
			continue
		}
		needs := slices.Clone(j.builds[i].Needs)
		for n, need := range needs {
			needs[n] = j.id(need)
		}
		fmt.Fprintf(&out, "%s was not built: it needs %s\n", image.ID, cmp.Or(strings.Join(needs, ", "), "what failed"))
	}
	if bad == 0 {
		return nil
	}
	if _, err := io.WriteString(j.app.env.Stderr, "\n"+out.String()); err != nil {
		return err
	}
	return &exitError{exitFailed, fmt.Sprintf("%d of %s failed", bad, count(len(images), "image"))}
}

// id is the name of a target for people.
func (j *buildJob) id(target string) string {
	for _, t := range j.file.Targets {
		if t.Name == target {
			return t.ID
		}
	}
	return target
}

func writeFailure(out *strings.Builder, image built) {
	fmt.Fprintf(out, "%s failed", image.ID)
	if image.Step != "" {
		fmt.Fprintf(out, " in %s", image.Step)
	}
	out.WriteString("\n")
	for _, line := range image.Log {
		fmt.Fprintf(out, "  | %s\n", line)
	}
	fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(strings.TrimSpace(image.Error), "\n", "\n  "))
}
