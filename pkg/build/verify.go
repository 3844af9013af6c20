package build

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/runbake/runbake/bake"
	"github.com/runbake/runbake/pkg/engine"
	"github.com/runbake/runbake/pkg/reproducible"
)

// Verified is what came of building an image twice.
type Verified struct {
	ID        string               `json:"id"`
	Target    string               `json:"target"`
	State     string               `json:"state"` // reproducible, differs; failed, or skipped: what it needs failed
	Epoch     int64                `json:"epoch"`
	Platforms []reproducible.Image `json:"platforms"`
	Error     string               `json:"error,omitempty"`
	Step      string               `json:"step,omitempty"`
	Log       []string             `json:"log,omitempty"`
}

// States of what was built twice.
const (
	Reproducible = "reproducible"
	Differs      = "differs"
)

// Verify builds everything twice, once as always and once without the cache, and
// compares. Nothing of it is kept, also when it is interrupted. The images are in
// the order of the plan.
func (r *Runner) Verify(ctx context.Context, p *Plan) (images []Verified, o *Outcome, err error) {
	o = &Outcome{Plan: p}
	dir, err := os.MkdirTemp("", "runbake-verify-")
	if err != nil {
		return nil, o, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	results, err := r.twice(ctx, p, filepath.Join(dir, "first"), filepath.Join(dir, "second"))
	if err != nil {
		return nil, o, err
	}
	o.Results = results
	images, err = o.compare(ctx, filepath.Join(dir, "first"), filepath.Join(dir, "second"))
	return images, o, err
}

// twice builds into one folder, and what went well there into another. The results
// are the last ones.
func (r *Runner) twice(ctx context.Context, p *Plan, first, second string) (map[string]engine.Result, error) {
	results, err := r.export(ctx, p.exporting(p.Builds, first, false), first)
	if err != nil {
		return nil, err
	}
	var again []bake.Build
	for _, b := range p.Builds {
		if results[b.Name].Err == nil {
			again = append(again, b)
		}
	}
	if len(again) == 0 {
		return results, nil
	}
	last, err := r.export(ctx, p.exporting(again, second, true), second)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(last)
	for name, result := range results {
		if result.Err != nil {
			all[name] = result
		}
	}
	return all, nil
}

// export builds into a folder, without attestations, which have the time of the
// build in them, and without writing caches.
func (r *Runner) export(ctx context.Context, p *Plan, dir string) (map[string]engine.Result, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	request := p.Request(nil)
	request.Overrides = append(request.Overrides, engine.NoAttestations()...)
	request.Overrides = append(request.Overrides, "*.cache-to=")
	return r.Engine.Build(ctx, request)
}

// compare compares the two folders of each image.
func (o *Outcome) compare(ctx context.Context, first, second string) ([]Verified, error) {
	images := make([]Verified, 0, len(o.Plan.Builds))
	for _, b := range o.Plan.Builds {
		image := Verified{ID: b.ID, Target: b.Name, State: o.state(b), Epoch: o.Plan.Times[b.Name], Platforms: []reproducible.Image{}}
		image.Error, image.Step, image.Log = problem(o.Results[b.Name])
		if image.Error == "" {
			var err error
			if image.Platforms, err = reproducible.Compare(ctx, filepath.Join(first, b.Name), filepath.Join(second, b.Name)); err != nil {
				return nil, fmt.Errorf("comparing %s: %w", b.ID, err)
			}
			image.State = compared(image.Platforms)
		}
		images = append(images, image)
	}
	return images, nil
}

func compared(platforms []reproducible.Image) string {
	for _, p := range platforms {
		if len(p.Differences) > 0 {
			return Differs
		}
	}
	return Reproducible
}
