package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/reproducible"
)

// verified is what came of building an image twice.
type verified struct {
	ID        string               `json:"id"`
	Target    string               `json:"target"`
	State     string               `json:"state"` // reproducible, differs; failed, or skipped: what it needs failed
	Epoch     int64                `json:"epoch"`
	Platforms []reproducible.Image `json:"platforms"`
	Error     string               `json:"error,omitempty"`
	Step      string               `json:"step,omitempty"`
	Log       []string             `json:"log,omitempty"`
}

const (
	stateReproducible = "reproducible"
	stateDiffers      = "differs"
)

// verify builds everything twice, once as always and once without the cache,
// and compares. Nothing of it is kept, also when it is interrupted.
func (j *buildJob) verify(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "runbake-verify-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e, err := j.app.openEngine(ctx, j.options.builder)
	if err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	first, err := j.export(ctx, e, j.builds, filepath.Join(dir, "first"), false)
	if err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	var again []bake.Build
	for _, b := range j.builds {
		if first[b.Name].Err == nil {
			again = append(again, b)
		}
	}
	results := first
	if len(again) > 0 {
		if results, err = j.export(ctx, e, again, filepath.Join(dir, "second"), true); err != nil {
			return &exitError{exitFailed, err.Error()}
		}
	}
	for name, r := range first {
		if r.Err != nil {
			results[name] = r
		}
	}
	images, err := j.compare(ctx, dir, results)
	if err != nil {
		return &exitError{exitFailed, err.Error()}
	}
	return j.reportVerified(images, results)
}

// export builds targets into folders of their names, without attestations, which
// have the time of the build in them, and without writing caches.
func (j *buildJob) export(ctx context.Context, e *engine.Engine, builds []bake.Build, dir string, noCache bool) (map[string]engine.Result, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	once := *j
	once.builds, once.options.noCache = builds, noCache
	once.options.output = "type=oci,tar=false,dest=" + filepath.Join(dir, "{target}")
	request := once.request()
	request.Overrides = append(request.Overrides, noAttestations...)
	request.Overrides = append(request.Overrides, "*.cache-to=")
	return e.Build(ctx, request)
}

// compare compares the two folders of each image, in the order of the plan.
func (j *buildJob) compare(ctx context.Context, dir string, results map[string]engine.Result) ([]verified, error) {
	images := make([]verified, 0, len(j.builds))
	for _, b := range j.builds {
		image := verified{ID: b.ID, Target: b.Name, State: stateReproducible, Epoch: j.epochs[b.Name], Platforms: []reproducible.Image{}}
		switch r := results[b.Name]; {
		case r.Aborted:
			image.State, image.Error = stateSkipped, r.Err.Error()
		case r.Err != nil:
			image.State, image.Error, image.Step, image.Log = stateFailed, r.Err.Error(), r.Step, r.Log
		default:
			var err error
			if image.Platforms, err = reproducible.Compare(ctx, filepath.Join(dir, "first", b.Name), filepath.Join(dir, "second", b.Name)); err != nil {
				return nil, fmt.Errorf("comparing %s: %w", b.ID, err)
			}
			for _, p := range image.Platforms {
				if len(p.Differences) > 0 {
					image.State = stateDiffers
				}
			}
		}
		images = append(images, image)
	}
	return images, nil
}

// reportVerified shows what came of it, and fails if an image differs or could
// not be built.
func (j *buildJob) reportVerified(images []verified, results map[string]engine.Result) error {
	var err error
	if j.options.format == "json" {
		err = writeJSON(j.app.env.Stdout, images)
	} else {
		err = writeVerified(j.app.env.Stdout, images)
	}
	if err != nil {
		return err
	}
	broken := make([]built, len(images))
	differing := 0
	for i, image := range images {
		broken[i] = built{ID: image.ID, State: image.State, Error: image.Error, Step: image.Step, Log: image.Log}
		if image.State == stateDiffers {
			differing++
		}
	}
	err = j.summary(broken, results)
	if differing > 0 {
		text := fmt.Sprintf("%d of %s cannot be reproduced", differing, count(len(images), "image"))
		if exit := (*exitError)(nil); errors.As(err, &exit) {
			text = exit.text + "\n" + text
		}
		return &exitError{exitFailed, text}
	}
	return err
}

// writeVerified writes a table, and below it what differs.
func writeVerified(w io.Writer, images []verified) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tPLATFORM\tSTATE\tDIGEST")
	var details strings.Builder
	for _, image := range images {
		if len(image.Platforms) == 0 {
			fmt.Fprintf(t, "%s\t-\t%s\t-\n", image.ID, image.State)
		}
		for _, p := range image.Platforms {
			state, hash := stateDiffers, "-"
			if len(p.Differences) == 0 {
				state, hash = stateReproducible, strings.TrimPrefix(p.First, "sha256:")
				hash = hash[:min(12, len(hash))]
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", image.ID, p.Platform, state, hash)
			for _, d := range p.Differences {
				writeDifference(&details, image.ID+" for "+p.Platform, d)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, details.String())
	return err
}

func writeDifference(out *strings.Builder, image string, d reproducible.Difference) {
	fmt.Fprintf(out, "\n%s", image)
	if d.Layer > 0 {
		fmt.Fprintf(out, ", layer %d", d.Layer)
		if d.Instruction != "" {
			fmt.Fprintf(out, ": %s", d.Instruction)
		}
	}
	out.WriteString("\n")
	if d.Path != "" {
		fmt.Fprintf(out, "  %s\n", d.Path)
	}
	for _, c := range d.Changes {
		what := string(c.What)
		if c.Name != "" {
			what += ", " + c.Name
		}
		fmt.Fprintf(out, "  %s\n    first   %s\n    second  %s\n", what, orNothing(c.First), orNothing(c.Second))
	}
}

func orNothing(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
